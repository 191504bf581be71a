"""Both directions of one TCP connection, as a capture has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush

from lab.wire.bits import accepts, has_ack, has_fin, has_rst, has_syn, opens, span
from lab.wire.grouping import Between, Growing
from lab.wire.options import parse_options
from lab.wire.placing import Pair, Place, copies, place
from lab.wire.segment import Endpoint, Segment
from lab.wire.sequence import MODULUS, Ranges, seq_diff


@dataclass(frozen=True)
class Conversation:
    """The segments between two endpoints from one SYN to the end, in the capture's order.

    `client` sent the first SYN without ACK. `whole` is False when no such SYN is in the capture: the connection began
    before the capture did, or where it does not look. Then the client is who a SYN-ACK went to, or else the first
    segment's sender.
    """

    client: Endpoint
    server: Endpoint
    segments: tuple[Segment, ...]
    whole: bool = True

    def from_client(self, segment: Segment) -> bool:
        """Whether the client sent the segment."""
        return segment.src == self.client

    def relative(self, segment: Segment) -> tuple[int, int | None]:
        """Return (sequence number, acknowledgement) counted from each flow's ISN, modulo 2^32.

        The acknowledgement is None without the ACK flag. Where a flow's SYN was not captured, its first number is 1.
        """
        seq = (segment.seq - self.isn(segment.src)) % MODULUS
        if not has_ack(segment):
            return seq, None
        return seq, (segment.ack - self.isn(segment.dst)) % MODULUS

    def isn(self, endpoint: Endpoint) -> int:
        """Return the initial sequence number of the end's flow; guessed from its first number without a SYN.

        Of several SYN-ACKs to one SYN it is that of the one that the client took: RFC 9293 knows no other.
        """
        return self._isns.get(endpoint, 0)

    @cached_property
    def _isns(self) -> dict[Endpoint, int]:
        isns: dict[Endpoint, int] = {}
        for segment in self.segments:
            if has_syn(segment) and isns.setdefault(segment.src, segment.seq) != segment.seq:
                isns = self._settled_isns()
                break
        for segment in self.segments:
            isns.setdefault(segment.src, (segment.seq - 1) % MODULUS)
            if has_ack(segment):
                isns.setdefault(segment.dst, (segment.ack - 1) % MODULUS)
        return isns

    def _settled_isns(self) -> dict[Endpoint, int]:
        pair = Pair((self.client, self.server))
        for segment in self.segments:
            pair.take(segment)
        return {end: flow.base for end, flow in pair.flows.items() if flow.base is not None}

    @cached_property
    def placed(self) -> tuple[Place | None, ...]:
        """Each segment's place in its flow, None for what is no part of the connection (see lab/wire/placing.py)."""
        isns = {end: self.isn(end) for end in (self.client, self.server)}
        return place(self.segments, (self.client, self.server), isns)

    @cached_property
    def copies(self) -> tuple[Segment, ...]:
        """The segments that are a packet captured twice, on its way by two points or doubled by the network.

        Told by IPv4's identification, numbers and checksum; where there is no identification, nobody can tell.
        """
        seen = copies(self.segments)
        return tuple(each for each in self.segments if each.number in seen)

    def window(self, segment: Segment) -> int | None:
        """Return the window that a segment offers, in bytes; None where not both ends' SYNs tell how it is scaled.

        It is scaled where both offered to (RFC 7323, section 2.2), but never that of a SYN.
        """
        if has_syn(segment):
            return segment.window
        shift = self._shifts.get(segment.src)
        return None if shift is None else segment.window << shift

    @cached_property
    def _shifts(self) -> dict[Endpoint, int]:
        syns = [self._first_syn(end) for end in (self.client, self.server)]
        offers = [parse_options(syn.options).window_scale for syn in syns if syn is not None]
        if len(offers) < len(syns):
            return {}
        scaled = None not in offers
        return {
            end: offer if scaled and offer is not None else 0
            for end, offer in zip((self.client, self.server), offers, strict=True)
        }

    @cached_property
    def handshake(self) -> tuple[Segment, ...]:
        """The segments that opened the connection: `S`, `S.`, `.` when complete, fewer when not.

        The first of each; the third may carry data. A simultaneous open has four: `S`, `S`, `S.`, `S.`.
        """
        steps = (self._first_syn(self.client), self._first_syn(self.server), *self._syn_acknowledgements())
        return tuple(sorted({step for step in steps if step is not None}, key=lambda step: step.number))

    @property
    def established(self) -> bool:
        """Whether each end's SYN is in the capture and was acknowledged by the other."""
        return all((self._first_syn(self.client), self._first_syn(self.server), *self._syn_acknowledgements()))

    def _first_syn(self, endpoint: Endpoint) -> Segment | None:
        isn = self.isn(endpoint)
        syns = (each for each in self.segments if each.src == endpoint and has_syn(each))
        return next((each for each in syns if each.seq == isn), None)

    def _syn_acknowledgements(self) -> tuple[Segment | None, Segment | None]:
        return self._first_acknowledging_syn(self.server), self._first_acknowledging_syn(self.client)

    def _first_acknowledging_syn(self, opener: Endpoint) -> Segment | None:
        if self._first_syn(opener) is None:
            return None
        for each, where in zip(self.segments, self.placed, strict=True):
            if each.dst == opener and where is not None and (where.ack or 0) >= 1 and not has_rst(each):
                return each
        return None

    @cached_property
    def data(self) -> tuple[Segment, ...]:
        """The segments that carry payload, retransmissions included."""
        return tuple(each for each in self.segments if each.length)

    @cached_property
    def resets(self) -> tuple[Segment, ...]:
        """The segments with RST."""
        return tuple(each for each in self.segments if has_rst(each))

    @cached_property
    def first_closer(self) -> Endpoint | None:
        """Who sent the first FIN, None when nobody did; a RST is no FIN."""
        return self.teardown[0].src if self.teardown else None

    @cached_property
    def teardown(self) -> tuple[Segment, ...]:
        """The segments from the first FIN to the end of the conversation, empty without a FIN."""
        for index, each in enumerate(self.segments):
            if has_fin(each):
                return self.segments[index:]
        return ()

    @cached_property
    def retransmissions(self) -> tuple[Segment, ...]:
        """The segments that carry a SYN, FIN or data byte which the same end had already sent.

        Not counted: what takes no sequence number (bare ACKs, Linux's keepalives and window probes), a single byte sent
        again that the peer had acknowledged (keepalive of other systems) or that met a closed window (probe), the `S.`
        after an `S` in a simultaneous open, and a packet captured twice (`copies`). Where a packet has no
        identification (IPv6, or 0), a copy cannot be told from a retransmission, and counts.
        """
        return tuple(self._find_retransmissions())

    def _find_retransmissions(self) -> Iterable[Segment]:
        ends = (self.client, self.server)
        seen = {end: Ranges() for end in ends}
        top, acknowledged = dict.fromkeys(ends, 0), dict.fromkeys(ends, 0)
        window = dict.fromkeys(ends, 1)
        accepted: set[Endpoint] = set()
        for each, where in zip(self.segments, self.placed, strict=True):
            if where is None:
                continue
            again = not has_rst(each) and seen[each.src].add(where.begin, where.end)
            probe = each.length == 1 and span(each) == 1 and where.end >= top[each.src]
            if probe and (acknowledged[each.src] > where.begin or window[each.dst] == 0):
                again = False
            if not has_rst(each):
                top[each.src] = max(top[each.src], where.end)
            if accepts(each) and each.src not in accepted:
                accepted.add(each.src)
                again = again and not (self._opens_too(each.src))
            if where.ack is not None:
                acknowledged[each.dst] = max(acknowledged[each.dst], where.ack)
                window[each.src] = each.window
            if again:
                yield each

    def _opens_too(self, endpoint: Endpoint) -> bool:
        return any(each.src == endpoint and opens(each) for each in self.segments)

    def acknowledges(self, segment: Segment) -> tuple[Segment, ...]:
        """Return the other end's segments that this one is the first to acknowledge whole: ACKs are cumulative."""
        return self._acknowledged.get(segment.number, ())

    @cached_property
    def _acknowledged(self) -> dict[int, tuple[Segment, ...]]:
        waiting: dict[Endpoint, list[tuple[int, int]]] = {self.client: [], self.server: []}
        """Heaps of where each segment ends, and its index."""
        found: dict[int, tuple[Segment, ...]] = {}
        for index, (each, where) in enumerate(zip(self.segments, self.placed, strict=True)):
            if where is None:
                continue
            if where.ack is not None:
                sent, covered = waiting[each.dst], []
                while sent and sent[0][0] <= where.ack:
                    covered.append(heappop(sent)[1])
                if covered:
                    found[each.number] = tuple(self.segments[one] for one in sorted(covered))
            if span(each) and not has_rst(each):
                heappush(waiting[each.src], (where.end, index))
        return found

    @cached_property
    def stragglers(self) -> tuple[Segment, ...]:
        """The bare ACKs and resets after each end's FIN was acknowledged: they tell nothing of how it was closed.

        On a busy machine a FIN may overtake the ACK that its kernel sent on another processor just before; TIME-WAIT
        answers that old ACK, and who has forgotten the connection meanwhile answers the answer with R (RFC 1337).
        """
        ends: dict[Endpoint, int] = {}
        done: set[Endpoint] = set()
        over = False
        found: list[Segment] = []
        for each in self.teardown:
            if over and not span(each):
                found.append(each)
            if each.dst in ends and has_ack(each) and not has_rst(each) and seq_diff(each.ack, ends[each.dst]) >= 0:
                done.add(each.dst)
            if has_fin(each):
                ends.setdefault(each.src, (each.seq + span(each)) % MODULUS)
            over = done == {self.client, self.server}
        return tuple(found)

    @cached_property
    def close_segments(self) -> int | None:
        """How many segments the teardown took as the textbook counts: FINs and the ACKs of them, nothing else.

        4 when the first FIN was acknowledged by a segment of its own (or by data) before the peer's FIN, or when both
        FINs crossed; 3 when the peer's FIN rode with that acknowledgement; None when a FIN or its acknowledgement is
        missing or a RST came first.
        """
        reply: Segment | None = None
        ends: dict[Endpoint, int] = {}
        done: set[Endpoint] = set()
        riding = False
        for each in self.teardown:
            if has_rst(each):
                return None
            peer = each.dst
            if peer in ends and has_ack(each) and seq_diff(each.ack, ends[peer]) >= 0:
                if peer == self.first_closer and reply is None:
                    reply = each
                    riding = has_fin(each) and each.src not in ends
                done.add(peer)
            if has_fin(each):
                ends.setdefault(each.src, (each.seq + span(each)) % MODULUS)
            if done == {self.client, self.server}:
                return 3 if riding else 4
        return None


def conversations(segments: Iterable[Segment]) -> tuple[Conversation, ...]:
    """Return the conversations among the segments, in the order of their first segment.

    They are told apart by the ordered pair of endpoints and the ISN: a SYN with another ISN begins a new one, whether
    the old is closed, in TIME-WAIT or neither; both ends' SYNs make one conversation when they cross. An old
    acknowledgement that a SYN meets, the RST that answers it and the SYN sent again are one (RFC 9293, section 3.5.1),
    and so are several SYN-ACKs to one SYN.
    """
    known: dict[tuple[Endpoint, Endpoint], Between] = {}
    order: list[Growing] = []
    for each in segments:
        key = (each.src, each.dst) if each.src <= each.dst else (each.dst, each.src)
        same = known.get(key)
        if same is None:
            same = known[key] = Between()
        begun = same.take(each)
        if begun is not None:
            order.append(begun)
    return tuple(_finish(each.segments) for each in order)


def _finish(segments: list[Segment]) -> Conversation:
    opening = next((each for each in segments if opens(each)), None)
    if opening is not None:
        return Conversation(opening.src, opening.dst, tuple(segments))
    accepting = next((each for each in segments if accepts(each)), None)
    if accepting is not None:
        return Conversation(accepting.dst, accepting.src, tuple(segments), whole=False)
    return Conversation(segments[0].src, segments[0].dst, tuple(segments), whole=False)
