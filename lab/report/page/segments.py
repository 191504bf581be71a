"""What a segment means, said by its flags and by what was said before it in the same connection."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from lab.report.page.said import Field, Said
from lab.timeline.model import SegmentSent
from lab.wire.bits import accepts, has_ack, has_fin, has_rst, has_syn


@dataclass(slots=True)
class Heard:
    """What a connection's segments have said so far: whether an S. was sent and acknowledged, where each F stands."""

    answered: bool = False
    complete: bool = False
    client_end: int | None = None
    """The number after the client's F, which an ACK of it has; None before it."""
    server_end: int | None = None


def segment_said(sent: SegmentSent, heard: Heard, *, lost: bool, queued: bool = False) -> Said:
    """Return what is said of a segment, and let `heard` know of it.

    `lost`: it never arrived; `queued`: it is sent for the end of the listener in whose queue the connection was.
    """
    fields: dict[str, Field] = {"count": sent.segment.length, "seq": sent.seq}
    if sent.ack is not None:
        fields["ack"] = sent.ack
    if sent.reason is not None:
        fields["reason"] = sent.reason
    parts = [_meaning(sent, heard), *(["queued"] if queued else []), *_asides(sent, heard, lost=lost)]
    _hear(sent, heard)
    return Said(tuple(f"segment.{part}" for part in parts), fields)


def lost_hosts(hosts: Collection[str], sender: str, receiver: str) -> bool:
    """Tell whether a segment that only `sender`'s capture has was lost: `hosts` are those that have a capture."""
    return sender in hosts and receiver in hosts


def _meaning(sent: SegmentSent, heard: Heard) -> str:
    segment = sent.segment
    if has_rst(segment):
        return "refusal" if not sent.from_client and not heard.answered else "reset"
    if has_syn(segment):
        return "syn-ack" if has_ack(segment) else "syn"
    if has_fin(segment):
        other = heard.server_end if sent.from_client else heard.client_end
        second = "" if other is None else "-second"
        return f"fin-data{second}" if segment.length else f"fin{second}"
    if segment.length:
        return "data"
    if sent.from_client and heard.answered and not heard.complete:
        return "handshake"
    other = heard.server_end if sent.from_client else heard.client_end
    return "ack-fin" if other is not None and sent.ack == other else "ack"


def _asides(sent: SegmentSent, heard: Heard, *, lost: bool) -> Iterator[str]:
    if sent.reason is not None:
        yield "reason"
    if sent.again:
        yield "again"
    if lost:
        yield "lost"
    if sent.segment.window == 0 and heard.complete and not has_rst(sent.segment):
        yield "no-room"


def _hear(sent: SegmentSent, heard: Heard) -> None:
    heard.answered |= accepts(sent.segment)
    heard.complete |= heard.answered and sent.from_client and has_ack(sent.segment)
    if has_fin(sent.segment):
        end = sent.seq + sent.segment.length + 1
        if sent.from_client:
            heard.client_end = end
        else:
            heard.server_end = end
