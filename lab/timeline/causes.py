"""What brought each moment of a connection about: a call a segment, a segment a state, a segment the end of a wait."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from lab.timeline.draft import Draft
from lab.timeline.model import CallMade, Lane, SegmentSent, Source, StateChange
from lab.timeline.waiting import FOR_ONE
from lab.wire.segment import Flags
from lab.wire.state import State

_SENDS: Final = frozenset({"send", "write"})
_CLOSES: Final = frozenset({"close", "shutdown"})
_BY_PROGRAM: Final = frozenset({State.LISTEN, State.SYN_SENT, State.FIN_WAIT_1, State.LAST_ACK})
_ABORTED: Final = frozenset({State.LISTEN, State.ESTABLISHED, State.CLOSE_WAIT})
"""From these a close() goes straight to CLOSED: of a listener, or with bytes unread (then it sends a RST)."""
_LATE_NS: Final = 200_000
"""How long after a call's return what it set going may still leave the host: it is handed to a soft interrupt."""

_NO_CALLS: Final[tuple[list[int], list[Draft]]] = ([], [])


class _Side:
    """One host's part in a connection: its calls, and what arrived there, in the order of time."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.calls: list[Draft] = []
        self.arrivals: list[tuple[int, Draft]] = []
        self.departures: dict[int, Draft] = {}
        self._times: list[int] = []
        self._calls: dict[str, tuple[list[int], list[Draft]]] = {}

    def settle(self) -> None:
        """Put all in order, once it is all there."""
        self.calls.sort(key=lambda call: call.time_ns)
        self.arrivals.sort(key=lambda pair: pair[0])
        self._times = [time_ns for time_ns, _ in self.arrivals]
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

    def call_behind(self, time_ns: int, names: frozenset[str]) -> Draft | None:
        """Return the latest call of these names that had begun by then and had not long returned."""
        latest: Draft | None = None
        for name in names:
            times, calls = self._calls.get(name, _NO_CALLS)
            place = bisect_right(times, time_ns)
            if place and (latest is None or calls[place - 1].time_ns > latest.time_ns):
                latest = calls[place - 1]
        in_time = latest and (latest.ended_ns is None or time_ns <= latest.ended_ns + _LATE_NS)
        return latest if in_time else None


def find_causes(drafts: Iterable[Draft], client_host: str, server_host: str) -> None:
    """Give the moments of one connection their causes."""
    client, server = _Side(client_host), _Side(server_host)
    segments: list[Draft] = []
    states: list[Draft] = []
    for draft in drafts:
        if isinstance(draft.what, SegmentSent):
            segments.append(draft)
            sender, receiver = (client, server) if draft.what.from_client else (server, client)
            arrived = draft.ended_ns if draft.ended_ns is not None else _only_arrival(draft)
            if arrived is not None:
                receiver.arrivals.append((arrived, draft))
            sender.departures[draft.time_ns] = draft
        elif isinstance(draft.what, StateChange):
            states.append(draft)
        else:
            (client if draft.lane is Lane.CLIENT_CALLS else server).calls.append(draft)
    for side in (client, server):
        side.settle()
    for draft in segments:
        if isinstance(draft.what, SegmentSent):
            draft.cause = _behind_segment(draft, draft.what, client if draft.what.from_client else server)
    for draft in states:
        draft.cause = _behind_state(draft, client if draft.lane is Lane.CLIENT_STATE else server)
    for side in (client, server):
        _end_waits(side)


def _only_arrival(draft: Draft) -> int | None:
    """Return when a segment arrived whose departure was not captured: then its time is that of the arrival."""
    what = draft.what
    if not isinstance(what, SegmentSent):
        return None
    frame = what.server_frame if what.from_client else what.client_frame
    return draft.time_ns if frame is not None else None


def _behind_segment(draft: Draft, what: SegmentSent, side: _Side) -> Draft | None:
    flags = what.segment.flags
    if what.again:
        return None  # a timer, or a missing acknowledgement
    names: frozenset[str] | None = None
    if flags & Flags.SYN and not flags & Flags.ACK:
        names = frozenset({"connect"})
    elif flags & Flags.FIN:
        names = _CLOSES
    elif what.segment.length:
        names = _SENDS
    elif flags & Flags.RST:
        names = _CLOSES
    if names is None:
        return side.last_arrival(draft.time_ns)
    call = side.call_behind(draft.time_ns, names)
    # Else it was held back until an acknowledgement made room; or the program's call was not recorded.
    return call or side.arrival_within(draft.time_ns - _LATE_NS, draft.time_ns)


def _behind_state(draft: Draft, side: _Side) -> Draft | None:
    change = draft.what
    if isinstance(change, StateChange) and draft.pid and _by_program(change):
        for call in reversed(side.calls):
            if call.pid == draft.pid and call.time_ns <= draft.time_ns:
                if call.ended_ns is None or draft.time_ns <= call.ended_ns:
                    return call
                break
    if draft.source in (Source.INFERRED, Source.SS):
        return side.departed(draft.time_ns) or side.last_arrival(draft.time_ns)
    return side.last_arrival(draft.time_ns)


def _by_program(change: StateChange) -> bool:
    """Tell whether a program's own call brings this about; all else a segment does, in whose thread so ever."""
    aborts = change.state is State.CLOSED and change.before in _ABORTED
    return aborts or change.state in _BY_PROGRAM


def _end_waits(side: _Side) -> None:
    """Name the segment that ended a call's wait: what arrived for it while it was under way."""
    for call in side.calls:
        if isinstance(call.what, CallMade) and call.what.name in FOR_ONE and call.ended_ns is not None:
            call.cause = side.arrival_within(call.time_ns, call.ended_ns)


def ordered(drafts: Sequence[Draft]) -> list[Draft]:
    """Return the moments in their one order: by time; of the same time a call before a segment before a state."""
    return sorted(drafts, key=lambda draft: (draft.time_ns, _RANK[draft.lane]))


_RANK: Final = {
    Lane.CLIENT_CALLS: 0,
    Lane.SERVER_CALLS: 0,
    Lane.WIRE: 1,
    Lane.CLIENT_STATE: 2,
    Lane.SERVER_STATE: 2,
}
