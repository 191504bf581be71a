"""What a long connection needs to be understood: its opening, what ends it, the last of it, and how far it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lab.wire.bits import has_fin, has_rst, has_syn
from lab.wire.segment import Endpoint, Flags, Segment

_OPENING: Final = 4

Pair = tuple[Endpoint, Endpoint]
"""Two ends, the lesser first."""


def pair_of(segment: Segment) -> Pair:
    """Return the ends that the segment runs between."""
    return (segment.src, segment.dst) if segment.src <= segment.dst else (segment.dst, segment.src)


def over(segments: Sequence[Segment]) -> bool:
    """Tell whether a conversation has ended: by a RST, or with both FINs."""
    return any(map(has_rst, segments)) or len({each.src for each in segments if has_fin(each)}) > 1


def thinned(segments: Sequence[Segment], since_ns: int) -> list[Segment]:
    """Return a conversation's segments with those in its middle put together, one for each direction.

    The numbers stay without a gap: what a FIN or a retransmission means depends on that.
    """
    kept: list[Segment] = []
    middle: dict[Endpoint, Segment] = {}
    for place, each in enumerate(segments):
        if place < _OPENING or each.time_ns >= since_ns or has_syn(each) or has_fin(each) or has_rst(each):
            kept.append(each)
        else:
            before = middle.get(each.src)
            middle[each.src] = each if before is None else _joined(before, each)
    return sorted([*kept, *middle.values()], key=lambda each: each.number) if middle else kept


def _joined(one: Segment, other: Segment) -> Segment:
    """Return a segment that stands for two of one direction."""
    flags = Flags(one.flags | other.flags)
    ahead = (other.seq + other.length - one.seq) & 0xFFFFFFFF
    length = ahead if ahead < 1 << 31 else one.length
    return other._replace(
        number=one.number, time_ns=one.time_ns, seq=one.seq, flags=flags, payload=b"", length=max(length, one.length)
    )
