"""What later segments of a conversation prove about earlier ones: which SYN, ACK or FIN its receiver acted upon.

A SYN that meets a full accept queue arrives at the capture, but the server does not take it; only the answer tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.wire.bits import accepts, has_ack, has_fin, has_rst, has_syn, opens
from lab.wire.conversation import Conversation
from lab.wire.placing import Place
from lab.wire.segment import Endpoint, Segment
from lab.wire.state import State


@dataclass(frozen=True, slots=True)
class Foresight:
    """What is known of one end from the whole conversation; places are indexes into its segments.

    start: the state before the first segment.
    syn_taken: after which segment this end has acted on the peer's SYN, None when no answer of it tells.
    half_open_until: up to this place the end repeated its SYN-ACK, so no ACK of it had been taken (-1: none sent); an
        end that sent nothing else, and then answers with RST alone, had forgotten the request and never took one.
    crossed_fin: where this end's own FIN ends in its flow, if it was sent before the peer's, which is earlier in the
        capture, had come; else None.
    """

    start: State
    syn_taken: int | None
    half_open_until: int
    crossed_fin: int | None


_Placed = tuple[int, Segment, Place]


def foresee(conversation: Conversation) -> tuple[Foresight, Foresight]:
    """Return what the whole conversation tells of its client and of its server."""
    placed = [
        (index, segment, where)
        for index, (segment, where) in enumerate(zip(conversation.segments, conversation.placed, strict=True))
        if where is not None
    ]
    closed = bool(conversation.teardown)
    client, server = (
        Foresight(
            _start(conversation, placed, end), _syn_taken(placed, end), _half_open_until(placed, end),
            _crossed_fin(placed, end) if closed else None,
        )
        for end in (conversation.client, conversation.server)
    )  # fmt: skip
    return client, server


def _start(conversation: Conversation, placed: list[_Placed], end: Endpoint) -> State:
    """CLOSED for the client, LISTEN for the server; a server that answers the SYN with RST alone does not listen."""
    first = conversation.segments[0]
    if not has_syn(first):
        return State.ESTABLISHED
    if end == conversation.client:
        return State.SYN_SENT if accepts(first) else State.CLOSED
    if any(each.src == end and opens(each) for _, each, _ in placed):
        return State.CLOSED
    for _, each, _ in placed:
        if each.src == end:
            return State.CLOSED if has_rst(each) else State.LISTEN
        if not has_syn(each):
            break
    return State.LISTEN


def _syn_taken(placed: list[_Placed], end: Endpoint) -> int | None:
    taken = None
    for index, each, _ in placed:
        if each.src == end and accepts(each):
            return index if taken is None else taken
        if opens(each) and (each.dst == end or taken is not None):
            # The peer's latest SYN before the answer; this end's own SYN after it shows that they crossed.
            taken = index
    return None


def _half_open_until(placed: list[_Placed], end: Endpoint) -> int:
    last = -1
    own = _own(placed, end)
    for index, each, _ in own:
        if accepts(each):
            last = index
        elif not opens(each):
            # A RST without ACK comes from where there is no connection (RFC 9293, section 3.10.7.1): there never was
            # one if this end says nothing else, and the peer never acknowledged anything else of it.
            silent = has_rst(each) and not has_ack(each) and all(has_rst(later) for _, later, _ in own)
            if silent and last >= 0:
                heard = any(other.dst == end and (where.ack or 0) > 1 for _, other, where in placed)
                return last if heard else index
            return last
    return last


def _own(placed: list[_Placed], end: Endpoint) -> Iterator[_Placed]:
    return (each for each in placed if each[1].src == end)


def _crossed_fin(placed: list[_Placed], end: Endpoint) -> int | None:
    peers_fin: int | None = None
    for _, each, where in placed:
        if has_fin(each) and each.src == end:
            crossed = peers_fin is not None and where.ack is not None and where.ack < peers_fin
            return where.end if crossed else None
        if has_fin(each) and peers_fin is None:
            peers_fin = where.end
    return None
