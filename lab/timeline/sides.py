"""One host's part in a connection: the calls of its program, what arrived there, what left."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Final

from lab.timeline.draft import Draft
from lab.timeline.model import CallMade, SegmentSent
from lab.wire.bits import has_fin, has_rst
from lab.wire.segment import Segment

LATE_NS: Final = 200_000
"""How long after a call's return what it set going may still leave the host: it is handed to a soft interrupt."""
_NO_CALLS: Final[tuple[list[int], list[Draft]]] = ([], [])


class Side:
    """One host's part in a connection: its calls, and what arrived there, in the order of time."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.calls: list[Draft] = []
        self.arrivals: list[tuple[int, Draft]] = []
        self.departures: dict[int, Draft] = {}
        self.fin_ns = 0
        """When its own FIN left."""
        self.queued: Draft | None = None
        """The end of the listener in whose queue it was; None for one that accept() took out, and for a client."""
        self._times: list[int] = []
        self._calls: dict[str, tuple[list[int], list[Draft]]] = {}

    def settle(self) -> None:
        """Put all in order, once it is all there."""
        self.calls.sort(key=lambda call: call.time_ns)
        self.arrivals.sort(key=lambda pair: pair[0])
        self._times = [time_ns for time_ns, _ in self.arrivals]
        self.fin_ns = min((time for time, each in self.departures.items() if has_fin(segment_of(each))), default=0)
        for call in self.calls:
            if isinstance(call.what, CallMade):
                times, calls = self._calls.setdefault(call.what.name, ([], []))
                times.append(call.time_ns)
                calls.append(call)

    def departed(self, time_ns: int) -> Draft | None:
        """Return the segment that left at exactly that time: a state that a capture proves has its segment's time."""
        return self.departures.get(time_ns)

    def last_arrival(self, time_ns: int) -> Draft | None:
        """Return the segment that arrived last by that time."""
        place = bisect_right(self._times, time_ns)
        return self.arrivals[place - 1][1] if place else None

    def arrival_within(self, begun_ns: int, until_ns: int) -> Draft | None:
        """Return the last segment that arrived within that time."""
        place = bisect_right(self._times, until_ns)
        return self.arrivals[place - 1][1] if place and self._times[place - 1] >= begun_ns else None

    def first_arrival(self, begun_ns: int, until_ns: int, fits: Callable[[Segment], bool]) -> Draft | None:
        """Return the first segment of a kind that arrived within that time."""
        for place in range(bisect_left(self._times, begun_ns), bisect_right(self._times, until_ns)):
            draft = self.arrivals[place][1]
            if fits(segment_of(draft)):
                return draft
        return None

    def call_of(self, pid: int, time_ns: int, names: frozenset[str]) -> Draft | None:
        """Return the call of these names in which a thread was at that time."""
        call = self.call_behind(time_ns, names, pid)
        return call if call and (call.ended_ns is None or time_ns <= call.ended_ns) else None

    def call_behind(self, time_ns: int, names: frozenset[str], pid: int | None = None) -> Draft | None:
        """Return the latest call of these names, of that thread, that had begun by then and had not long returned."""
        latest: Draft | None = None
        for name in names:
            times, calls = self._calls.get(name, _NO_CALLS)
            place = bisect_right(times, time_ns)
            while place and pid is not None and calls[place - 1].pid != pid:
                place -= 1
            if place and (latest is None or calls[place - 1].time_ns > latest.time_ns):
                latest = calls[place - 1]
        in_time = latest and (latest.ended_ns is None or time_ns <= latest.ended_ns + LATE_NS)
        return latest if in_time else None


def segment_of(draft: Draft) -> Segment:
    """Return the segment of a moment that is one."""
    assert isinstance(draft.what, SegmentSent)  # noqa: S101 - only these are asked
    return draft.what.segment


def arrival_ns(draft: Draft) -> int | None:
    """Return when a segment arrived, None for one that did not."""
    return draft.ended_ns if draft.ended_ns is not None else _only_arrival(draft)


def brings(segment: Segment) -> bool:
    """Tell whether a segment brings something that a program reads: data, the end of them, or a reset."""
    return segment.length > 0 or has_fin(segment) or has_rst(segment)


def _only_arrival(draft: Draft) -> int | None:
    """Return when a segment arrived whose departure was not captured: then its time is that of the arrival."""
    what = draft.what
    if not isinstance(what, SegmentSent):
        return None
    frame = what.server_frame if what.from_client else what.client_frame
    return draft.time_ns if frame is not None else None
