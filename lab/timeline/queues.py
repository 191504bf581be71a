"""Queues over time: counted from segments and calls, and beside that what `ss` showed of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lab.timeline.connections import Joined, Passage
from lab.timeline.draft import Draft
from lab.timeline.lives import Life
from lab.timeline.looks import Looks
from lab.timeline.model import CallMade, Level, Queue, QueueKind
from lab.wire.bits import has_ack, has_rst, has_syn, span
from lab.wire.segment import Endpoint, Segment
from lab.wire.sequence import Flow, Ranges
from lab.wire.state import State

_SHORT_NS = 1_000_000
"""A send that took longer than this waited for room: how much of it was queued meanwhile, nobody told."""
_Change = tuple[int, int]
"""A time (ns) and by how much the queue grew (negative: shrank)."""


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a connection, with its calls (empty where none were recorded) and the segments of both directions."""

    talk: int
    host: str
    local: Endpoint
    peer: Endpoint
    client: bool
    calls: Sequence[Draft]
    passages: Sequence[Passage]
    isns: tuple[int, int]


def queues_of(
    number: int, joined: Joined, passages: Sequence[Passage], calls: Sequence[Draft], looks: Looks
) -> Iterator[Queue]:
    """Yield Recv-Q and Send-Q of both ends of a connection.

    What was read is known from calls alone: without any, a Recv-Q is only what `ss` showed.
    """
    conversation = joined.conversation
    isns = conversation.isn(joined.client), conversation.isn(joined.server)
    for client in (True, False):
        host = joined.client_host if client else joined.server_host
        ends = (joined.client, joined.server) if client else (joined.server, joined.client)
        own = [call for call in calls if call.host == host and call.lane.startswith("client" if client else "server")]
        end = _End(number, host, *ends, client, own, passages, isns)
        for kind, changes in ((QueueKind.RECV, _received(end)), (QueueKind.SEND, _sent(end))):
            levels = merged(changes, _observed(end, kind, looks))
            if levels:
                yield Queue(kind, host, number, None, levels)


def _observed(end: _End, kind: QueueKind, looks: Looks) -> Iterator[Level]:
    for seen, row in looks.of(end.host, end.local, end.peer):
        if row is not None:
            value = row.recv_q if kind is QueueKind.RECV else row.send_q
            yield Level((seen.begun_ns + seen.ended_ns) // 2, value, observed=True)


def _received(end: _End) -> list[_Change]:
    """Return how Recv-Q changed: bytes that arrived in order, and a FIN, which counts one; less what was read."""
    if not end.calls:
        return []
    flow, seen, before = Flow(end.isns[1] if end.client else end.isns[0]), Ranges(), 0
    found: list[_Change] = []
    for each in end.passages:
        if each.arrived is None or each.from_client == end.client:
            continue
        begin = flow.sent(each.arrived)
        if has_syn(each.arrived) or has_rst(each.arrived):
            continue
        seen.add(begin, begin + span(each.arrived))
        now = max(0, seen.contiguous - 1) if seen.contiguous else 0
        if now > before:
            found.append((each.arrived.time_ns, now - before))
            before = now
    for name, time_ns, count in _moved(end, frozenset({"recv", "read"})):
        if name:
            found.append((time_ns, -count))
    return sorted(found)


def _sent(end: _End) -> list[_Change]:
    """Return how Send-Q changed: what was handed over (or, untold, what was sent); less what was acknowledged."""
    flow = Flow(end.isns[0] if end.client else end.isns[1])
    found: list[_Change] = []
    top = acknowledged = 0
    written = [(time_ns, count) for _, time_ns, count in _moved(end, frozenset({"send", "write"}))]
    for each in end.passages:
        if each.from_client == end.client:
            if each.sent is None or has_rst(each.sent):
                continue
            begin = flow.sent(each.sent)
            now = begin + span(each.sent)
            if now > top:
                # Bytes are counted where the program handed them over; SYN and FIN, which nobody hands over, here.
                grown = now - top - (each.sent.length if end.calls else 0)
                top = now
                if grown:
                    found.append((each.sent.time_ns, grown))
        elif each.arrived is not None and has_ack(each.arrived):
            now = flow.offset(each.arrived.ack)
            if top >= now > acknowledged:
                found.append((each.arrived.time_ns, acknowledged - now))
                acknowledged = now
    if end.calls:
        found += written
    return sorted(found)


def _moved(end: _End, names: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """Yield the calls that moved bytes: name, when they count as moved, how many.

    What was read is gone when the call returns. What was written is queued from the call's begin on, or, where it had
    to wait for room, in part before and wholly at its return.
    """
    for call in end.calls:
        what = call.what
        if not isinstance(what, CallMade) or what.name not in names or not what.result or what.result < 0:
            continue
        ended = call.ended_ns or call.time_ns
        sends = what.name in ("send", "write")
        yield what.name, call.time_ns if sends and ended - call.time_ns < _SHORT_NS else ended, what.result


def accept_queue(
    listener: Endpoint, host: str, born: Iterable[int], accepted: Iterable[int], looks: Looks
) -> Queue | None:
    """Return a listener's accept queue: one more at each of the times `born`, one less at each of `accepted`."""
    changes = sorted([(time_ns, 1) for time_ns in born] + [(time_ns, -1) for time_ns in accepted])
    observed = [
        Level((seen.begun_ns + seen.ended_ns) // 2, row.recv_q, observed=True)
        for seen, row in looks.of(host, listener, None)
        if row is not None
    ]
    levels = merged(changes, observed)
    return Queue(QueueKind.ACCEPT, host, None, listener, levels) if levels else None


def merged(changes: Sequence[_Change], observed: Iterable[Level]) -> tuple[Level, ...]:
    """Return the counted levels after each change, and the observed ones between them, in the order of time."""
    level = 0
    counted: list[Level] = []
    for time_ns, by in changes:
        level += by
        if counted and counted[-1].time_ns == time_ns:
            counted[-1] = Level(time_ns, level, observed=False)
        else:
            counted.append(Level(time_ns, level, observed=False))
    return tuple(sorted([*counted, *observed], key=lambda each: each.time_ns))


def established_ns(life: Life) -> int | None:
    """Return when a socket entered its listener's queue."""
    return next((each.time_ns for each in life.transitions if each.new is State.ESTABLISHED), None)


def handshake_done(segments: Sequence[Segment]) -> int | None:
    """Return when a handshake's last acknowledgement came, by a capture; None when it did not."""
    return segments[2].time_ns if len(segments) > 2 else None  # noqa: PLR2004 - S, S. and the last ACK
