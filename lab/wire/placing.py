"""Where each segment of a connection lies in its flow, and which of them are no part of it.

Not part of it are: a packet that the capture has twice; what answers or is answered by an end in SYN-SENT with numbers
of another connection (half-open discovery, RFC 9293, sections 3.5.1 and 3.10.7.3); a SYN-ACK that its client did not
take; numbers that lie more than a window from all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from lab.wire.bits import has_ack, has_rst, has_syn, span
from lab.wire.segment import Endpoint, Segment
from lab.wire.sequence import FARTHEST, MODULUS, Flow

_APART_NS: Final = 1_000_000_000
"""Copies of a packet lie closer than this; from here on a timer may have sent it again (RFC 6298, section 2.4)."""


class Place(NamedTuple):
    """A segment's sequence numbers as offsets `begin` to `end` in its flow, and what it acknowledges in the other."""

    begin: int
    end: int
    ack: int | None


class Pair:
    """Both flows of a connection, and what belongs to neither of them.

    `isns` where they are known; else they are learnt from the segments.
    """

    __slots__ = ("_rivals", "_spoke", "flows")

    def __init__(self, ends: tuple[Endpoint, Endpoint], isns: Mapping[Endpoint, int] | None = None) -> None:
        self.flows: dict[Endpoint, Flow] = {end: Flow(isns.get(end) if isns else None) for end in ends}
        self._spoke: set[Endpoint] = set()
        """Who sent anything but a SYN or RST: such an end is not in SYN-SENT."""
        self._rivals: dict[Endpoint, set[int]] = {}
        """ISNs of further SYN-ACKs, as long as nothing tells which one the client took."""

    def take(self, segment: Segment) -> Place | None:
        """Take note of a segment; return its place, None when it is no part of the connection."""
        own, other = self.flows[segment.src], self.flows[segment.dst]
        if self._rivals:
            self._settle(segment)
        # Only an end that has no SYN of its peer may be in SYN-SENT.
        if (own.has_syn is not other.has_syn or has_syn(segment)) and self._is_foreign(segment, own, other):
            return None
        begin = own.sent(segment)
        if len(self._spoke) < len(self.flows) and not has_syn(segment) and not has_rst(segment):
            self._spoke.add(segment.src)
        return Place(begin, begin + span(segment), other.acknowledged(segment))

    def may_begin(self, end: Endpoint, number: int) -> bool:
        """Whether the number is the first after one of several SYN-ACKs of that end."""
        return bool(self._rivals) and (number - 1) % MODULUS in self._rivals.get(end, ())

    def _is_foreign(self, segment: Segment, own: Flow, other: Flow) -> bool:
        if has_syn(segment) and own.sure and segment.seq != own.base:
            if own.has_syn and own.top <= 1 and segment.dst not in self._spoke:
                self._rivals.setdefault(segment.src, set()).add(segment.seq)
            return True
        if own.has_syn and not other.has_syn and segment.src not in self._spoke:
            # SYN-SENT: an old acknowledgement is answered with RST, and that changes nothing here.
            return has_rst(segment) and not 1 <= own.offset(segment.seq) <= own.top
        if other.has_syn and not own.has_syn and segment.dst not in self._spoke:
            if has_ack(segment):
                return not 1 <= other.offset(segment.ack) <= other.top
            return has_rst(segment)
        return False

    def _settle(self, segment: Segment) -> None:
        """Let the number that an end goes on with, or that its peer acknowledges, decide between its SYNs."""
        told = [(segment.dst, segment.ack)] if has_ack(segment) else []
        if not has_syn(segment):
            told.append((segment.src, segment.seq))
        for end, number in told:
            isn = (number - 1) % MODULUS
            flow, rivals = self.flows[end], self._rivals.get(end, set())
            if isn in rivals:
                flow.base, flow.top = isn, 1
            if isn in rivals or isn == flow.base:
                self._rivals.pop(end, None)


def place(
    segments: Sequence[Segment], ends: tuple[Endpoint, Endpoint], isns: Mapping[Endpoint, int]
) -> tuple[Place | None, ...]:
    """Return each segment's place, None for what is no part of the connection; what comes later counts too."""
    pair = Pair(ends, isns)
    places: list[Place | None] = []
    beyond: dict[Endpoint, tuple[int, Place]] = {}
    seen = copies(segments)
    for index, segment in enumerate(segments):
        found = None if segment.number in seen else pair.take(segment)
        if found is not None and found.begin > FARTHEST and pair.flows[segment.src].is_stray(found.begin):
            beyond[segment.src] = index, found
            found = None
        places.append(found)
        for end, (before, kept) in [*beyond.items()] if beyond else ():
            if kept.begin <= pair.flows[end].top:
                places[before] = kept
                del beyond[end]
    return tuple(places)


def copies(segments: Sequence[Segment]) -> frozenset[int]:
    """Return the numbers of those that are the same packet as one before: a capture's or a network's duplicate.

    The same IPv4 identification, numbers and checksum, within a second, and no other packet had that identification
    between: so a sender that gives all its packets the same one does not count. Without an identification (IPv6, or 0)
    nobody can tell a copy from a retransmission.
    """
    latest: dict[int, Segment] = {}
    found: set[int] = set()
    one = segments[0].src
    for each in segments:
        if each.ip_id:
            key = each.ip_id if each.src == one else -each.ip_id
            before = latest.get(key)
            if before is not None and _same(before, each) and each.time_ns - before.time_ns < _APART_NS:
                found.add(each.number)
            latest[key] = each
    return frozenset(found)


def _same(one: Segment, other: Segment) -> bool:
    return (one.seq, one.ack, one.flags, one.window, one.length, one.checksum, one.options) == (
        other.seq, other.ack, other.flags, other.window, other.length, other.checksum, other.options
    )  # fmt: skip
