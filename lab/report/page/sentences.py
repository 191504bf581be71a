"""A sentence for each moment in the page's language: what happened, who caused it, what it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from lab.report.page.calls import call_said
from lab.report.page.ready import with_ready
from lab.report.page.said import Field, Said
from lab.report.page.segments import Heard, lost_hosts, segment_said
from lab.report.page.states import state_said
from lab.text.catalog import messages
from lab.timeline.model import CallMade, Lane, Moment, SegmentSent, StateChange, Timeline
from lab.timeline.wakes import served
from lab.wire.bits import has_fin, has_rst
from lab.wire.segment import Flags

FIELD: Final = re.compile(r"\{(\w+)\}")


class Sentence(NamedTuple):
    """A text with fields between braces, and their values in the order in which they stand."""

    text: str
    values: tuple[Field, ...]

    def __str__(self) -> str:
        values = iter(self.values)
        return FIELD.sub(lambda _: str(next(values)), self.text)


class Sentences:
    """Tells moment after moment of a timeline, in their order: what an ACK means depends on what came before."""

    def __init__(self, timeline: Timeline, language: str) -> None:
        self._timeline = timeline
        self._texts = messages(language)
        self._between = self._texts.get("page.say.between")
        self._heard: dict[int | None, Heard] = {}
        self._brought: dict[int, list[Moment]] = {}
        self._served = served(timeline.moments)
        self._capturing = capturing(timeline)
        self._templates: dict[tuple[str, ...], str] = {}
        self._ends: dict[tuple[int | None, bool], list[tuple[int, Flags]]] = {}
        self._who: dict[tuple[Lane, str | None], Mapping[str, Field]] = {}
        for moment in timeline.moments:
            if moment.cause is not None:
                self._brought.setdefault(moment.cause, []).append(moment)
            self._note_end(moment)

    def _note_end(self, moment: Moment) -> None:
        what = moment.what
        if not isinstance(what, SegmentSent) or self.lost(moment, what):
            return
        flag = Flags.FIN if has_fin(what.segment) else Flags.RST if has_rst(what.segment) else None
        if flag is not None:
            arrived_ns = moment.time_ns if moment.ended_ns is None else moment.ended_ns
            self._ends.setdefault((moment.talk, what.from_client), []).append((arrived_ns, flag))

    def lost(self, moment: Moment, sent: SegmentSent) -> bool:
        """Tell whether a segment left and never arrived."""
        frames = (sent.client_frame, sent.server_frame)
        there, here = frames if not sent.from_client else frames[::-1]
        if here is None or there is not None or moment.talk is None:
            return False
        talk = self._timeline.talks[moment.talk]
        return lost_hosts(self._capturing, talk.client_host, talk.server_host)

    def of(self, moment: Moment) -> Sentence:
        """Return what is said of the moment."""
        said = self._said(moment)
        text = self._template(said.parts)
        fields = {**self._acting(moment), **said.fields}
        return Sentence(text, tuple(fields[name] for name in FIELD.findall(text)))

    def _said(self, moment: Moment) -> Said:
        what = moment.what
        cause = None if moment.cause is None else self._timeline.moments[moment.cause]
        if isinstance(what, CallMade):
            port = None if moment.talk is None else self._timeline.talks[moment.talk].client.port
            said = call_said(moment, what, port, self._brought.get(moment.number, ()), self._last_word(moment))
            calls = self._served.get(moment.number, ())
            return with_ready(said, what.result or 0, calls, self._timeline, self._texts)
        if isinstance(what, StateChange):
            return state_said(moment, what, cause)
        heard = self._heard.setdefault(moment.talk, Heard())
        queued = cause is not None and isinstance(cause.what, StateChange)
        return segment_said(what, heard, lost=self.lost(moment, what), queued=queued)

    def _last_word(self, moment: Moment) -> Flags | None:
        """Return what had ended the other side's direction when a call returned: the first that had come."""
        if moment.ended_ns is None:
            return None
        ends = self._ends.get((moment.talk, moment.lane is Lane.SERVER_CALLS), ())
        until = moment.ended_ns + moment.precision_ns
        return min(((arrived_ns, flag) for arrived_ns, flag in ends if arrived_ns <= until), default=(0, None))[1]

    def _template(self, parts: tuple[str, ...]) -> str:
        if parts not in self._templates:
            self._templates[parts] = self._between.join(self._texts.get(f"page.say.{part}") for part in parts)
        return self._templates[parts]

    def _acting(self, moment: Moment) -> Mapping[str, Field]:
        """Return the words for who acts: its program, its kernel, its side, and the other side."""
        client = moment.lane in {Lane.CLIENT_CALLS, Lane.CLIENT_STATE}
        if isinstance(moment.what, SegmentSent):
            client = moment.what.from_client
        side = Lane.CLIENT_STATE if client else Lane.SERVER_STATE
        name = moment.what.party if isinstance(moment.what, CallMade) and client else None
        if (side, name) not in self._who:
            one, other = ("client", "server") if client else ("server", "client")
            who = f"page.who.{one}-program"
            self._who[side, name] = {
                "who": self._texts.get(who) if name is None else self._texts.get(f"{who}-named", party=name),
                "side": self._texts.get(f"page.who.{one}"),
                "Side": _begin(self._texts.get(f"page.who.{one}")),
                "other": self._texts.get(f"page.who.{other}"),
            }
        return self._who[side, name]


def _begin(words: str) -> str:
    return words[:1].upper() + words[1:]


def capturing(timeline: Timeline) -> frozenset[str]:
    """Return the hosts whose capture has any frame of the timeline."""
    hosts: set[str] = set()
    for moment in timeline.moments:
        if isinstance(moment.what, SegmentSent) and moment.talk is not None:
            talk = timeline.talks[moment.talk]
            if moment.what.client_frame is not None:
                hosts.add(talk.client_host)
            if moment.what.server_frame is not None:
                hosts.add(talk.server_host)
    return frozenset(hosts)
