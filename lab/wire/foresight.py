"""What later segments of a conversation prove about earlier ones: which SYN, ACK or FIN its receiver acted upon.

A SYN that meets a full accept queue arrives at the capture, but the server does not take it; only the answer tells.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.wire.bits import accepts, has_ack, has_fin, has_rst, has_syn, opens, span
from lab.wire.conversation import Conversation
from lab.wire.segment import Endpoint
from lab.wire.sequence import MODULUS, seq_diff
from lab.wire.state import State


@dataclass(frozen=True, slots=True)
class Foresight:
    """What is known of one end from the whole conversation; places are indexes into its segments.

    start: the state before the first segment.
    syn_taken: after which segment this end has acted on the peer's SYN, None when it never did.
    half_open_until: up to this place the end repeated its SYN-ACK, so no ACK of it had been taken (-1: none sent); an
        end that then answers with a RST alone had forgotten the request and never took one.
    fin_crossed: whether this end sent its own FIN before it had received the peer's earlier one.
    """

    start: State
    syn_taken: int | None
    half_open_until: int
    fin_crossed: bool


def foresee(conversation: Conversation, end: Endpoint) -> Foresight:
    """Return what the whole conversation tells of one of its ends."""
    return Foresight(
        _start(conversation, end), _syn_taken(conversation, end), _half_open_until(conversation, end),
        _fin_crossed(conversation, end),
    )  # fmt: skip


def _start(conversation: Conversation, end: Endpoint) -> State:
    """CLOSED for the client, LISTEN for the server; a server that answers the SYN with RST alone does not listen."""
    first = conversation.segments[0]
    if not has_syn(first):
        return State.ESTABLISHED
    if end == conversation.client:
        return State.SYN_SENT if accepts(first) else State.CLOSED
    answers = [each for each in conversation.segments if each.src == end]
    refuses = bool(answers) and has_rst(answers[0])
    return State.CLOSED if refuses or any(opens(each) for each in answers) else State.LISTEN


def _syn_taken(conversation: Conversation, end: Endpoint) -> int | None:
    taken = None
    for place, each in enumerate(conversation.segments):
        if each.src == end and accepts(each):
            return place if taken is None else taken
        if opens(each) and (each.dst == end or taken is not None):
            # The peer's latest SYN before the answer; this end's own SYN after it shows that they crossed.
            taken = place
    return None


def _half_open_until(conversation: Conversation, end: Endpoint) -> int:
    last = -1
    for place, each in enumerate(conversation.segments):
        if each.src == end and not opens(each):
            if not accepts(each):
                # A RST without ACK comes from where there is no connection (RFC 9293, section 3.10.7.1).
                return place if has_rst(each) and not has_ack(each) and last >= 0 else last
            last = place
    return last


def _fin_crossed(conversation: Conversation, end: Endpoint) -> bool:
    peers_fin: int | None = None
    for each in conversation.teardown:
        if has_fin(each) and each.src == end:
            return peers_fin is not None and seq_diff(each.ack, peers_fin) < 0
        if has_fin(each) and peers_fin is None:
            peers_fin = (each.seq + span(each)) % MODULUS
    return False
