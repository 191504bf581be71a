"""A connection in a few words: the states that each end passed, and how it ended."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from lab.timeline.model import Lane, SegmentSent, StateChange, Talk, Timeline
from lab.wire.bits import has_fin, has_rst, has_syn
from lab.wire.state import State


class Ending(StrEnum):
    """How a connection ended (texts: `page.ending.<value>`)."""

    OPEN = "open"
    CLIENT_FIRST = "client-first"
    SERVER_FIRST = "server-first"
    AT_ONCE = "at-once"
    CLIENT_HALF = "client-half"
    SERVER_HALF = "server-half"
    CLIENT_RESET = "client-reset"
    SERVER_RESET = "server-reset"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


class Course(NamedTuple):
    """The states that the client and the server passed, in their order, and the ending."""

    client: tuple[State, ...]
    server: tuple[State, ...]
    ending: Ending


def course(timeline: Timeline, talk: Talk) -> Course:
    """Return how a connection went, by its own moments."""
    states: dict[Lane, list[State]] = {Lane.CLIENT_STATE: [], Lane.SERVER_STATE: []}
    segments: list[SegmentSent] = []
    for number in talk.moments:
        moment = timeline.moments[number]
        if isinstance(moment.what, StateChange):
            passed = states[moment.lane]
            if not passed or passed[-1] is not moment.what.state:
                passed.append(moment.what.state)
        elif isinstance(moment.what, SegmentSent):
            segments.append(moment.what)
    client, server = tuple(states[Lane.CLIENT_STATE]), tuple(states[Lane.SERVER_STATE])
    return Course(client, server, _ending(segments, {*client, *server}))


def _ending(segments: list[SegmentSent], passed: set[State]) -> Ending:
    closes = [sent.from_client for sent in segments if has_fin(sent.segment)]
    resets = [sent.from_client for sent in segments if has_rst(sent.segment)]
    answered = any(not sent.from_client and not has_rst(sent.segment) for sent in segments)
    if resets and len(set(closes)) < len({True, False}):
        if not answered and not resets[0]:
            return Ending.REFUSED
        return Ending.CLIENT_RESET if resets[0] else Ending.SERVER_RESET
    if State.CLOSING in passed:
        return Ending.AT_ONCE
    if not closes:
        asked = any(has_syn(sent.segment) for sent in segments)
        return Ending.UNANSWERED if asked and not answered else Ending.OPEN
    if len(set(closes)) == 1:
        return Ending.CLIENT_HALF if closes[0] else Ending.SERVER_HALF
    return Ending.CLIENT_FIRST if closes[0] else Ending.SERVER_FIRST
