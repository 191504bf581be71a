"""Which of a timeline's moments are news: settled, and not told before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from lab.kernel.trace import KernelTrace
from lab.live.look import End, Look
from lab.live.news import LONG_NS, Appears, News, Part
from lab.live.polls import Again
from lab.timeline.model import CallMade, Lane, Moment, SegmentSent, StateChange, Timeline
from lab.timeline.waiting import SETS_GOING, WAITING, waits
from lab.wire.state import State

LATE_NS: Final = 1_500_000_000
"""How long after what was told already something may be told that became known only now."""
_TOGETHER_NS: Final = 200_000
_RANK: Final = {
    Lane.CLIENT_CALLS: 0, Lane.SERVER_CALLS: 0, Lane.WIRE: 1, Lane.CLIENT_STATE: 2, Lane.SERVER_STATE: 2,
}  # fmt: skip


class _Last(NamedTuple):
    """The state of an end that was told last."""

    time_ns: int
    state: State


class Teller:
    """Remembers what was told.

    `begun_ns` is when the telling began: what was before is no news; `known` are programs of which it is said apart.
    """

    def __init__(self, begun_ns: int, known: Iterable[int] = ()) -> None:
        self._begun_ns = self._until_ns = begun_ns
        self._calls: dict[tuple[int, int], Part] = {}
        self._states: dict[End, _Last] = {}
        self._segments: dict[tuple[str, int, Part], int] = {}
        self._programs = set(known)

    def begin_again(self, begun_ns: int) -> None:
        """Tell only of what comes from now on."""
        self._begun_ns = begun_ns

    def tell(
        self, timeline: Timeline, trace: KernelTrace | None, again: Sequence[Again], until_ns: int
    ) -> list[News | Appears]:
        """Return what happened up to `until_ns` and was not told, in the order in which it is told."""
        floor_ns = max(self._begun_ns, self._until_ns - LATE_NS)
        self._until_ns = until_ns
        look = Look(timeline, trace)
        found = [*self._find(timeline, look, floor_ns, until_ns), *look.repeated(again)]
        found.sort(key=lambda news: (news.time_ns, _RANK[news.moment.lane], news.moment.number))
        self._forget(timeline, look, floor_ns)
        told: list[News | Appears] = []
        for news in found:
            told += [*self._appearance(news, look), news]
        return told

    def _find(self, timeline: Timeline, look: Look, floor_ns: int, until_ns: int) -> Iterator[News]:
        for moment in timeline.moments:
            if moment.time_ns >= until_ns:
                return
            match moment.what:
                case CallMade():
                    yield from self._call(moment, moment.what, look, floor_ns, until_ns)
                case StateChange():
                    yield from self._state(moment, moment.what, look, floor_ns)
                case SegmentSent():
                    yield from self._segment(moment, moment.what, look, floor_ns, until_ns)

    def _call(self, moment: Moment, call: CallMade, look: Look, floor_ns: int, until_ns: int) -> Iterator[News]:
        key = call.pid, moment.time_ns
        told = self._calls.get(key)
        ended_ns = moment.ended_ns if moment.ended_ns is not None and moment.ended_ns < until_ns else None
        if told in (Part.WHOLE, Part.RETURN) or (ended_ns is not None and ended_ns < floor_ns):
            return
        lasted = None if moment.ended_ns is None else moment.ended_ns - moment.time_ns
        parts: list[tuple[Part, int]] = []
        if told is None and call.name in WAITING - SETS_GOING:
            if ended_ns is not None and lasted is not None and lasted < LONG_NS:
                parts.append((Part.WHOLE, ended_ns))
            elif moment.time_ns + LONG_NS < until_ns:
                parts.append((Part.WAITS, moment.time_ns + LONG_NS))
        elif told is None and lasted is not None and not waits(moment):
            parts.append((Part.WHOLE, moment.time_ns))
        elif told is None:
            parts.append((Part.BEGIN, moment.time_ns))
        if ended_ns is not None and (told or parts) and not (parts and parts[0][0] is Part.WHOLE):
            parts.append((Part.RETURN, ended_ns))
        for part, time_ns in parts:
            self._calls[key] = part
            if time_ns >= floor_ns or part is Part.WAITS:
                yield look.news(part, time_ns, moment)

    def _state(self, moment: Moment, change: StateChange, look: Look, floor_ns: int) -> Iterator[News]:
        end = look.end(moment)
        last = self._states.get(end)
        if moment.time_ns < floor_ns or (
            last is not None and (last.state is change.state or moment.time_ns < last.time_ns)
        ):
            return
        self._states[end] = _Last(moment.time_ns, change.state)
        yield look.news(Part.WHOLE, moment.time_ns, moment)

    def _segment(self, moment: Moment, sent: SegmentSent, look: Look, floor_ns: int, until_ns: int) -> Iterator[News]:
        near, far = (
            (sent.client_frame, sent.server_frame) if sent.from_client else (sent.server_frame, sent.client_frame)
        )
        frame = (moment.host, near) if near is not None else (f"to {moment.host}", far or 0)
        arrived_ns = moment.ended_ns
        at_once = arrived_ns is not None and arrived_ns - moment.time_ns <= _TOGETHER_NS
        under_way = near is not None and not at_once and look.captured_on_both(moment)
        for part, time_ns in ((Part.LEFT if under_way else Part.WHOLE, moment.time_ns), (Part.ARRIVED, arrived_ns)):
            if time_ns is None or not floor_ns <= time_ns < until_ns or (part is Part.ARRIVED and not under_way):
                continue
            if part is Part.WHOLE and (*frame, Part.LEFT) in self._segments:
                continue
            if (*frame, part) not in self._segments:
                self._segments[*frame, part] = time_ns
                yield look.news(part, time_ns, moment)

    def _appearance(self, news: News, look: Look) -> Iterator[Appears]:
        """Tell of a program at its first news."""
        root = look.root(look.pid(news.moment))
        if news.program is None or root in self._programs:
            return
        self._programs.add(root)
        yield Appears(news.time_ns, news.moment.host, news.program, root)

    def _forget(self, timeline: Timeline, look: Look, floor_ns: int) -> None:
        """Forget what cannot come again."""
        there = {(moment.what.pid, moment.time_ns) for moment in timeline.moments if isinstance(moment.what, CallMade)}
        self._calls = {key: part for key, part in self._calls.items() if key in there}
        ends = {look.end(moment) for moment in timeline.moments if isinstance(moment.what, StateChange)}
        self._states = {end: last for end, last in self._states.items() if end in ends or last.time_ns >= floor_ns}
        self._segments = {key: time_ns for key, time_ns in self._segments.items() if time_ns >= floor_ns}
