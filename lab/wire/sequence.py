"""Sequence numbers: arithmetic modulo 2^32 (RFC 9293, section 3.4), and one flow's numbers unwrapped."""

from __future__ import annotations

from typing import Final

from lab.wire.bits import has_ack, has_rst, has_syn, span
from lab.wire.segment import Segment

MODULUS: Final = 1 << 32
_HALF: Final = 1 << 31

FARTHEST: Final = 1 << 30
"""How far ahead a sequence number can lie: the largest window there is (65535 << 14, RFC 7323)."""


def seq_diff(a: int, b: int) -> int:
    """Return how far `a` is ahead of `b` (negative: behind), the short way round the circle of 2^32."""
    return (a - b + _HALF) % MODULUS - _HALF


def seq_after(a: int, b: int) -> bool:
    """Whether `a` comes after `b`; of two numbers exactly 2^31 apart neither does (RFC 1982)."""
    return seq_diff(a, b) > 0


class Ranges:
    """Which offsets were seen: disjoint half-open ranges in ascending order, joined where they touch."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def add(self, begin: int, end: int) -> bool:
        """Add `begin`..`end`; return whether any of it was there before."""
        if begin >= end:
            return False
        ranges = self._ranges
        # Nearly always the newest data follows the last range: no search then.
        if not ranges or begin > ranges[-1][1]:
            ranges.append((begin, end))
            return False
        if begin == ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], end)
            return False
        overlaps = any(low < end and begin < high for low, high in ranges)
        touching = [(low, high) for low, high in ranges if low <= end and begin <= high]
        apart = [each for each in ranges if each not in touching]
        joined = (min([begin, *(low for low, _ in touching)]), max([end, *(high for _, high in touching)]))
        self._ranges = sorted([*apart, joined])
        return overlaps

    @property
    def contiguous(self) -> int:
        """The offset after the first unbroken range, 0 when nothing was seen."""
        return self._ranges[0][1] if self._ranges else 0


class Flow:
    """One direction's sequence numbers as offsets that grow without wrapping; the SYN is offset 0.

    Where the SYN is not in the capture, the first number seen counts as offset 1, as tshark has it.
    """

    def __init__(self, base: int | None = None) -> None:
        self.base = base
        """The initial sequence number (ISN), None as long as nothing tells it."""
        self.has_syn = False
        self.top = 0
        """The offset after the highest one sent."""

    def offset(self, number: int) -> int:
        """Return the offset of a sequence number, taken to be near the highest one sent."""
        base = self.base or 0
        return self.top + seq_diff(number, (base + self.top) % MODULUS)

    def sent(self, segment: Segment) -> int:
        """Take note of a segment of this flow; return its offset."""
        is_syn = has_syn(segment)
        if self.base is None:
            self.base = segment.seq if is_syn else (segment.seq - 1) % MODULUS
            self.top = 0 if is_syn else 1
        elif is_syn and not self.has_syn:
            self.top = max(0, self.top - seq_diff(segment.seq, self.base))
            self.base = segment.seq
        self.has_syn |= is_syn
        begin = self.offset(segment.seq)
        end = begin + span(segment)
        if self.top < end <= self.top + FARTHEST and not has_rst(segment):
            self.top = end
        return begin

    def acknowledged(self, segment: Segment) -> None:
        """Learn the ISN from the other end's acknowledgement when nothing of this flow was seen before it."""
        if self.base is None and has_ack(segment):
            self.base, self.top = (segment.ack - 1) % MODULUS, 1
