"""What brought each moment of a connection about: a call a segment, a segment a state, a segment the end of a wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lab.timeline.draft import Draft
from lab.timeline.model import CallMade, Lane, SegmentSent, Source, StateChange
from lab.timeline.sides import LATE_NS, Side, arrival_ns, brings, segment_of
from lab.wire.bits import has_ack, has_fin, has_rst, has_syn
from lab.wire.segment import Segment
from lab.wire.state import State

_SENDS: Final = frozenset({"send", "write"})
_READS: Final = frozenset({"recv", "read"})
CLOSES: Final = frozenset({"close", "shutdown"})
_DIALS: Final = frozenset({"connect"})
BY_CALLS: Final = {
    State.LISTEN: frozenset({"listen"}),
    State.SYN_SENT: _DIALS,
    State.FIN_WAIT_1: CLOSES,
    State.LAST_ACK: CLOSES,
}
"""States that a program brings about, and by which calls; one that ends without a word does so by none."""
_ABORTED: Final = frozenset({State.LISTEN, State.SYN_SENT, State.ESTABLISHED, State.CLOSE_WAIT})
"""From these a close() goes straight to CLOSED: of a listener, or with bytes unread (then it sends a RST)."""
_ENDED_BY_SEGMENTS: Final = frozenset({State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSING})
"""From these a segment may end a connection that is no RST itself: one with data for which there is no reader."""
ROOM_NS: Final = 1_000_000
"""A send() that took longer waited for room; what arrives during a shorter one only happens to."""


def find_causes(
    drafts: Iterable[Draft], client_host: str, server_host: str, listeners_ends: Sequence[Draft] = ()
) -> None:
    """Give the moments of one connection their causes; `listeners_ends` are the ends of the listeners it may be of."""
    client, server = Side(client_host), Side(server_host)
    segments, states = _shared_out(drafts, client, server)
    for side in (client, server):
        side.settle()
    server.queued = _taken_along(server, states, listeners_ends)
    for draft in segments:
        if isinstance(draft.what, SegmentSent):
            draft.cause = _behind_segment(draft, draft.what, client if draft.what.from_client else server)
    for draft in states:
        if isinstance(draft.what, StateChange):
            draft.cause = _behind_state(draft, draft.what, client if draft.lane is Lane.CLIENT_STATE else server)
    for side in (client, server):
        _end_waits(side)


def _shared_out(drafts: Iterable[Draft], client: Side, server: Side) -> tuple[list[Draft], list[Draft]]:
    """Give each side what is its own; return the segments and the states of both."""
    segments: list[Draft] = []
    states: list[Draft] = []
    for draft in drafts:
        if isinstance(draft.what, SegmentSent):
            segments.append(draft)
            sender, receiver = (client, server) if draft.what.from_client else (server, client)
            arrived = arrival_ns(draft)
            if arrived is not None:
                receiver.arrivals.append((arrived, draft))
            sender.departures[draft.time_ns] = draft
        elif isinstance(draft.what, StateChange):
            states.append(draft)
        else:
            (client if draft.lane is Lane.CLIENT_CALLS else server).calls.append(draft)
    return segments, states


def find_causes_of_listeners(loose: Iterable[Draft]) -> None:
    """Give the states of listeners, which have no connection, their causes: the calls of their programs."""
    side, states = Side(""), list[Draft]()
    for draft in loose:
        if isinstance(draft.what, StateChange):
            states.append(draft)
        elif isinstance(draft.what, CallMade):
            side.calls.append(draft)
    side.settle()
    for draft in states:
        if isinstance(draft.what, StateChange) and draft.pid:
            names = BY_CALLS.get(draft.what.state, CLOSES)
            draft.cause = side.call_of(draft.pid, draft.time_ns, names)


def _taken_along(server: Side, states: Iterable[Draft], listeners_ends: Sequence[Draft]) -> Draft | None:
    """Return the end of the listener that took along a connection which accept() had not taken out of its queue.

    The same thread ends the listener's socket, then those that wait: inet_csk_listen_stop().
    """
    if any(isinstance(call.what, CallMade) and call.what.name == "accept" for call in server.calls):
        return None
    over = next((each for each in states if each.lane is Lane.SERVER_STATE and _ends(each) and each.pid), None)
    if over is None:
        return None
    before = [each for each in listeners_ends if each.pid == over.pid and each.time_ns <= over.time_ns]
    return max(before, key=lambda each: each.time_ns, default=None)


def _ends(draft: Draft) -> bool:
    return isinstance(draft.what, StateChange) and draft.what.state is State.CLOSED


def _behind_segment(draft: Draft, what: SegmentSent, side: Side) -> Draft | None:
    segment = what.segment
    if what.again:
        return None  # a timer, or a missing acknowledgement
    if has_rst(segment):
        return _behind_reset(draft, segment, side)
    names: frozenset[str] | None = None
    if has_syn(segment) and not has_ack(segment):
        names = _DIALS
    elif has_fin(segment):
        names = CLOSES
    elif segment.length:
        names = _SENDS
    if names is None:
        return side.last_arrival(draft.time_ns)
    call = side.call_behind(draft.time_ns, names)
    # Else it was held back until an acknowledgement made room; or the program's call was not recorded.
    return call or side.arrival_within(draft.time_ns - LATE_NS, draft.time_ns)


def _behind_reset(draft: Draft, segment: Segment, side: Side) -> Draft | None:
    """Return what a RST is sent for: a segment that it answers, a call that aborts, the end of a listener.

    An answer to a segment with ACK has no ACK itself, and an answer to a SYN acknowledges that (RFC 9293, 3.10.7.1).
    """
    last = side.last_arrival(draft.time_ns)
    refuses = last is not None and has_syn(segment_of(last)) and not has_ack(segment_of(last))
    if not has_ack(segment) or refuses:
        return last
    if side.queued is not None and side.queued.time_ns <= draft.time_ns:
        return side.queued
    return side.call_behind(draft.time_ns, CLOSES)


def _behind_state(draft: Draft, change: StateChange, side: Side) -> Draft | None:
    kernel = draft.source is Source.KERNEL
    if not kernel and (gone := side.departed(draft.time_ns)):
        return gone
    if change.state is State.CLOSED:
        return _behind_end(draft, change, side)
    names = BY_CALLS.get(change.state)
    if kernel and names:
        # strace numbers the threads of a host, the kernel those of the machine.
        return side.call_of(draft.pid, draft.time_ns, names) or side.call_behind(draft.time_ns, names)
    return side.last_arrival(draft.time_ns + (draft.precision_ns if kernel else 0))


def _behind_end(draft: Draft, change: StateChange, side: Side) -> Draft | None:
    """Return what ended a connection for this side; None for a timer, and for a program that just ended."""
    if draft.pid and change.before in _ABORTED:
        call = side.call_of(draft.pid, draft.time_ns, CLOSES)
        if call:
            return call
    if side.queued is not None and side.queued.time_ns <= draft.time_ns:
        return side.queued
    last = side.last_arrival(draft.time_ns + (draft.precision_ns if draft.source is Source.KERNEL else 0))
    if last is not None and _ended_by(last, draft.time_ns, change, side):
        return last
    if draft.pid and change.before is State.SYN_SENT:
        return side.call_of(draft.pid, draft.time_ns, _DIALS)
    return None


def _ended_by(last: Draft, time_ns: int, change: StateChange, side: Side) -> bool:
    """Tell whether the segment that arrived last can have ended the connection."""
    if has_rst(segment_of(last)):
        return True
    arrived = arrival_ns(last) or 0
    if change.before is State.LAST_ACK:
        return arrived >= side.fin_ns
    return change.before in _ENDED_BY_SEGMENTS and arrived >= time_ns - LATE_NS


def _end_waits(side: Side) -> None:
    """Name the segment that ended a call's wait: what arrived for it while it was under way."""
    for call in side.calls:
        if isinstance(call.what, CallMade) and call.ended_ns is not None:
            call.cause = _ended_wait(call.what.name, call.time_ns, call.ended_ns, side)


def _ended_wait(name: str, begun_ns: int, ended_ns: int, side: Side) -> Draft | None:
    if name == "connect":
        return side.first_arrival(begun_ns, ended_ns, lambda each: has_syn(each) or has_rst(each))
    if name == "accept":
        handshake = side.first_arrival(0, ended_ns, lambda each: not has_syn(each))
        return handshake if handshake and (arrival_ns(handshake) or 0) >= begun_ns else None
    if name in _READS:
        return side.first_arrival(begun_ns, ended_ns, brings)
    if name in _SENDS and ended_ns - begun_ns >= ROOM_NS:
        return side.arrival_within(begun_ns, ended_ns)
    return None


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
