"""How long an end's Recv-Q and Send-Q were, counted from its segments and its program's calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lab.timeline.connections import Passage
from lab.timeline.draft import Draft
from lab.timeline.model import CallMade, Moment
from lab.wire.bits import has_ack, has_fin, has_rst, has_syn, span
from lab.wire.segment import Endpoint
from lab.wire.sequence import Flow, Ranges

_READS: Final = frozenset({"recv", "read"})
_READ: Final = frozenset({"read", "end"})
"""What a read is here: one that got bytes, and one that got end-of-file."""
_WRITES: Final = frozenset({"send", "write"})
_SHORT_NS: Final = 1_000_000
"""A send that took longer than this waited for room: how much of it was queued meanwhile, nobody told."""
Change = tuple[int, int]
"""A time (ns) and by how much the queue grew (negative: shrank)."""


@dataclass(frozen=True, slots=True)
class Half:
    """One end of a connection: its calls (`told`: all of them were recorded), and the segments of both directions.

    `isns` are the client's and the server's. From `stands_ns` on it can receive (None: never); at `fin_ns` its own FIN
    was queued; at `over_ns` its socket was gone, or in TIME-WAIT, which has no queues.
    """

    talk: int
    host: str
    local: Endpoint
    peer: Endpoint
    client: bool
    told: bool
    calls: Sequence[Draft | Moment]
    passages: Sequence[Passage]
    isns: tuple[int, int]
    stands_ns: int | None
    fin_ns: int | None
    over_ns: int | None


def received(half: Half) -> list[Change]:
    """Return how Recv-Q changed: bytes that arrived in order, and a FIN, which counts one; less what was read.

    A FIN counts until end-of-file was read: tcp_recvmsg_locked() in net/ipv4/tcp.c. What had arrived before a RST can
    be read after it: tcp_reset() in net/ipv4/tcp_input.c throws away what was to be sent, and nothing else.
    """
    if not half.told:
        return []
    happened = sorted([*_arrivals(half), *_reads(half)], key=lambda one: one[0])
    if half.over_ns is not None:
        # What comes later has no socket to go to.
        until = _readable_ns(half, half.over_ns)
        happened = [one for one in happened if one[0] <= (until if one[1] in _READ else half.over_ns)]
        happened.append((until, "over", 0))
    level, come, read, fin = 0, 0, 0, -1
    found: list[Change] = []
    for time_ns, what, number in happened:
        if what == "come":
            come = max(come, number)
        elif what == "fin":
            fin = number
        elif what == "read":
            read += number
            # A FIN that came with the last bytes is read with them.
            read += number > 0 and read + 1 == fin == come and _rode(half, fin)
        elif what == "end":
            read = max(read, fin)
        else:
            come = read = 0
        if come - read != level:
            found.append((time_ns, come - read - level))
            level = come - read
    return found


def _readable_ns(half: Half, over_ns: int) -> int:
    """Return until when there is something to read on a connection that is over: after a RST until it is let go of."""
    reset = any(
        each.arrived is not None and each.from_client != half.client and has_rst(each.arrived) for each in half.passages
    )
    if not reset:
        return over_ns
    closed = [call.time_ns for call in half.calls if isinstance(call.what, CallMade) and call.what.name == "close"]
    reads = [time_ns for time_ns, _, _ in _reads(half)]
    return max(over_ns, min(closed, default=max(reads, default=over_ns)))


def _arrivals(half: Half) -> Iterator[tuple[int, str, int]]:
    """Yield up to which offset everything had arrived (`come`), and where the stream ends (`fin`), without the SYN."""
    if half.stands_ns is None:
        return
    flow, seen, before = Flow(half.isns[1] if half.client else half.isns[0]), Ranges(), 0
    come = [each.arrived for each in half.passages if each.arrived and each.from_client != half.client]
    opening = max((each.time_ns for each in come if each.time_ns <= half.stands_ns), default=0)
    for arrived in sorted(come, key=lambda each: each.time_ns):
        begin = flow.sent(arrived)
        if has_syn(arrived) or has_rst(arrived) or arrived.time_ns < opening:
            # What comes to a half-open request is dropped, but for what completes it: tcp_check_req().
            continue
        seen.add(begin, begin + span(arrived))
        if has_fin(arrived):
            yield arrived.time_ns, "fin", begin + span(arrived) - 1
        now = seen.contiguous - 1
        if now > before:
            yield arrived.time_ns, "come", now
            before = now


def _rode(half: Half, fin: int) -> bool:
    """Tell whether the FIN that ends the stream at this offset came in a segment with data."""
    flow = Flow(half.isns[1] if half.client else half.isns[0])
    for each in half.passages:
        if each.arrived is not None and each.from_client != half.client:
            begin = flow.sent(each.arrived)
            if has_fin(each.arrived) and begin + span(each.arrived) - 1 == fin:
                return each.arrived.length > 0
    return False


def _reads(half: Half) -> Iterator[tuple[int, str, int]]:
    for call in half.calls:
        what = call.what
        if isinstance(what, CallMade) and what.name in _READS and what.result is not None and what.result >= 0:
            yield call.ended_ns or call.time_ns, "read" if what.result else "end", what.result


def sent(half: Half) -> list[Change]:
    """Return how Send-Q changed: what was handed over, or at least what was sent; less what was acknowledged."""
    happened = [*_departures(half), *_writes(half)]
    if half.fin_ns is not None:
        happened.append((half.fin_ns, "fin", 0))
    if half.over_ns is not None:
        happened.append((half.over_ns, "over", 0))
    flow, level = _Outgoing(), 0
    found: list[Change] = []
    for time_ns, what, number in sorted(happened, key=lambda one: one[0]):
        flow.take(what, number)
        if flow.length != level:
            found.append((time_ns, flow.length - level))
            level = flow.length
    return found


@dataclass(slots=True)
class _Outgoing:
    """What an end has written, sent and had acknowledged: offsets in its stream, the SYN at 0."""

    written: int = 0
    top: int = 0
    acknowledged: int = 0
    unwritten: frozenset[str] = frozenset()
    """What takes a number and is handed over by nobody: SYN, FIN."""
    over: bool = False

    def take(self, what: str, number: int) -> None:
        """Take note of what happened."""
        if what == "written":
            self.written += number
        elif what == "acknowledged":
            self.acknowledged = max(self.acknowledged, min(number, self.top))
        elif what == "accepted":
            # Half open, it is a request and no socket: its SYN-ACK is in no queue.
            self.unwritten |= {"syn"}
            self.top, self.acknowledged = max(self.top, 1), max(self.acknowledged, 1)
        elif what == "over":
            self.over = True
        else:
            self.unwritten |= {what} - {"sent"}
            self.top = max(self.top, number)

    @property
    def length(self) -> int:
        """What is queued."""
        return 0 if self.over else max(self.written + len(self.unwritten), self.top) - self.acknowledged


def _departures(half: Half) -> Iterator[tuple[int, str, int]]:
    """Yield up to which offset was `sent` and `acknowledged`; SYN and FIN, which nobody hands over, by themselves."""
    flow = Flow(half.isns[0] if half.client else half.isns[1])
    for each in half.passages:
        if each.from_client == half.client:
            if each.sent is None or has_rst(each.sent):
                continue
            begin = flow.sent(each.sent)
            end = begin + span(each.sent)
            if has_syn(each.sent):
                yield each.sent.time_ns, "accepted" if has_ack(each.sent) else "syn", end
                continue
            if has_fin(each.sent):
                yield each.sent.time_ns, "fin", end
            yield each.sent.time_ns, "sent", end
        elif each.arrived is not None and has_ack(each.arrived):
            yield each.arrived.time_ns, "acknowledged", flow.offset(each.arrived.ack)


def _writes(half: Half) -> Iterator[tuple[int, str, int]]:
    """Yield what was written: queued from the call's begin on, or, where it had to wait for room, at its return."""
    for call in half.calls:
        what = call.what
        if isinstance(what, CallMade) and what.name in _WRITES and what.result is not None and what.result > 0:
            ended = call.ended_ns or call.time_ns
            yield call.time_ns if ended - call.time_ns < _SHORT_NS else ended, "written", what.result
