"""The way that each end of a connection took through the state machine, by its timeline."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from lab.timeline.model import CallMade, Lane, Moment, SegmentSent, Source, StateChange, Talk, Timeline
from lab.wire.bits import accepts, has_rst
from lab.wire.machine import TRANSITIONS, Event
from lab.wire.state import State

_ENDINGS: Final = frozenset({
    Event.SEND_RST, Event.RECEIVE_RST, Event.RECEIVE_RST_WHILE_LISTENING, Event.TIMEOUT_RETRIES,
})  # fmt: skip
_MOST_UNSEEN: Final = 3
_AT_ONCE_NS: Final = 10_000_000


class Taken(NamedTuple):
    """A transition that was taken; `event` is None where the record does not tell which of several it was."""

    before: State
    state: State
    event: Event | None
    observed: bool


class MachinePath(NamedTuple):
    """All transitions of one end in their order; `role` is client or server."""

    role: str
    steps: tuple[Taken, ...]


def machine_paths(timeline: Timeline, talk: Talk) -> tuple[MachinePath, MachinePath]:
    """Return the client's way and the server's; what the record leaves out is filled in as not observed."""
    return (
        MachinePath("client", tuple(_steps(timeline, talk, Lane.CLIENT_STATE))),
        MachinePath("server", tuple(_steps(timeline, talk, Lane.SERVER_STATE))),
    )


def _steps(timeline: Timeline, talk: Talk, lane: Lane) -> Iterator[Taken]:
    now: State | None = None
    for number in talk.moments:
        moment = timeline.moments[number]
        if moment.lane is not lane or not isinstance(moment.what, StateChange):
            continue
        before, state = now or moment.what.before, moment.what.state
        now = state
        if before is None or before is state:
            continue
        *unseen, last = _between(before, state)
        yield from (Taken(*each, _only_event(*each), observed=False) for each in unseen)
        yield Taken(*last, _event(*last, timeline, talk, moment), moment.source is not Source.INFERRED)


def _between(before: State, state: State) -> list[tuple[State, State]]:
    """Return the transitions between two states: one where the table has it, else the shortest way without a RST."""
    edges = {(begin, end) for (begin, _), end in TRANSITIONS.items()}
    if (before, state) in edges:
        return [(before, state)]
    ways = deque[list[State]]([[before]])
    usual = [(begin, end) for (begin, event), end in TRANSITIONS.items() if event not in _ENDINGS and begin is not end]
    while ways:
        way = ways.popleft()
        if way[-1] is state:
            return list(pairwise(way))
        if len(way) <= _MOST_UNSEEN:
            ways += [[*way, end] for begin, end in usual if begin is way[-1] and end not in way]
    return [(before, state)]


def _events(before: State, state: State) -> list[Event]:
    return [event for (begin, event), end in TRANSITIONS.items() if (begin, end) == (before, state)]


def _only_event(before: State, state: State) -> Event | None:
    events = _events(before, state)
    return events[0] if len(events) == 1 else None


def _event(before: State, state: State, timeline: Timeline, talk: Talk, moment: Moment) -> Event | None:
    """Return what happened: the only event that leads there, or the one of which the record has evidence."""
    events = _events(before, state)
    if len(events) == 1:
        return events[0]
    cause = None if moment.cause is None else timeline.moments[moment.cause]
    if state is State.CLOSED:
        told = _ending(before, timeline, talk, moment, cause)
    elif cause is None or not isinstance(cause.what, SegmentSent):
        told = None
    elif state is State.ESTABLISHED:
        told = Event.RECEIVE_SYN_ACK if accepts(cause.what.segment) else Event.RECEIVE_ACK_OF_SYN
    else:
        told = next((event for event in events if event not in _ENDINGS), None)
    return told if told in events else None


def _ending(before: State, timeline: Timeline, talk: Talk, moment: Moment, cause: Moment | None) -> Event | None:
    """Return how an end came to CLOSED: by a reset that it got or sent, by close(), by the last ACK, or in silence."""
    what = None if cause is None else cause.what
    client = moment.lane is Lane.CLIENT_STATE
    if isinstance(what, SegmentSent) and has_rst(what.segment):
        return Event.SEND_RST if what.from_client is client else Event.RECEIVE_RST
    if isinstance(what, SegmentSent) and before is State.LAST_ACK:
        return Event.RECEIVE_ACK_OF_FIN
    if any(_aborts(reset, moment) for reset in _resets(timeline, talk, client=client)):
        return Event.SEND_RST
    if isinstance(what, CallMade) and before is State.SYN_SENT and what.name != "connect":
        return Event.CLOSE
    # A half-open request is given up without a word; or its listener takes it along.
    silent = before is State.SYN_RECEIVED and not _listener_ended(timeline, moment)
    return Event.TIMEOUT_RETRIES if silent else None


def _resets(timeline: Timeline, talk: Talk, *, client: bool) -> Iterator[Moment]:
    for number in talk.moments:
        what = timeline.moments[number].what
        if isinstance(what, SegmentSent) and has_rst(what.segment) and what.from_client is client:
            yield timeline.moments[number]


def _aborts(reset: Moment, ended: Moment) -> bool:
    """Tell whether a RST belongs to this end's end: both have one cause, or none and happen at once."""
    if reset.cause is None:
        return ended.cause is None and abs(reset.time_ns - ended.time_ns) <= _AT_ONCE_NS
    return reset.cause == ended.cause


def _listener_ended(timeline: Timeline, moment: Moment) -> bool:
    """Tell whether a listener of that host ended in the time in which this state did."""
    return any(
        each.lane is moment.lane and each.talk is None and each.host == moment.host and _closes(each)
        for each in timeline.moments
        if moment.time_ns - moment.precision_ns <= each.time_ns <= moment.time_ns
    )


def _closes(moment: Moment) -> bool:
    return isinstance(moment.what, StateChange) and moment.what.state is State.CLOSED
