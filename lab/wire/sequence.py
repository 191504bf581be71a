"""Sequence numbers: arithmetic modulo 2^32 (RFC 9293, section 3.4), and one flow's numbers unwrapped."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

from lab.wire.bits import has_ack, has_rst, has_syn, span
from lab.wire.segment import Segment

MODULUS: Final = 1 << 32
_HALF: Final = 1 << 31

FARTHEST: Final = 1 << 30
"""How far ahead of or behind another a sequence number can lie: the largest window (65535 << 14, RFC 7323)."""


def seq_diff(a: int, b: int) -> int:
    """Return how far `a` is ahead of `b` (negative: behind), the short way round the circle of 2^32."""
    return (a - b + _HALF) % MODULUS - _HALF


class Ranges:
    """Which offsets were seen: disjoint half-open ranges in ascending order, joined where they touch."""

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []

    def add(self, begin: int, end: int) -> bool:
        """Add `begin`..`end`; return whether any of it was there before."""
        if begin >= end:
            return False
        begins, ends = self._begins, self._ends
        # Nearly always the newest data follows the last range: no search then.
        if not ends or begin > ends[-1]:
            begins.append(begin)
            ends.append(end)
            return False
        if begin == ends[-1]:
            ends[-1] = end
            return False
        low, high = bisect_left(ends, begin), bisect_right(begins, end)
        if low == high:
            begins.insert(low, begin)
            ends.insert(low, end)
            return False
        overlaps = low + (ends[low] == begin) < high - (begins[high - 1] == end)
        begins[low:high] = [min(begin, begins[low])]
        ends[low:high] = [max(end, ends[high - 1])]
        return overlaps

    @property
    def contiguous(self) -> int:
        """The offset after the first unbroken range, 0 when nothing was seen."""
        return self._ends[0] if self._ends else 0


class Flow:
    """One direction's sequence numbers as offsets that grow without wrapping; the SYN is offset 0.

    Where the SYN is not in the capture, the first number seen counts as offset 1, as tshark has it. What lies more than
    a window from all that is known is a stray, until a second sighting near it, the peer's acknowledgement too, shows
    that the capture misses what is between.
    """

    __slots__ = ("_beyond", "base", "has_syn", "sure", "top")

    def __init__(self, base: int | None = None) -> None:
        self.base = base
        """The initial sequence number (ISN), None as long as nothing tells it."""
        self.sure = base is not None
        """Whether a SYN told the ISN, or who made this flow."""
        self.has_syn = False
        self.top = 0
        """The offset after the highest one that was sent, or acknowledged and so sent."""
        self._beyond: int | None = None
        """Where the latest stray lies."""

    def offset(self, number: int) -> int:
        """Return the offset of a sequence number: near the highest one known, or ahead of it, never a window behind."""
        top = self.top
        ahead = (number - (self.base or 0) - top + FARTHEST) % MODULUS
        return top + ahead - FARTHEST

    def is_stray(self, offset: int) -> bool:
        """Whether an offset lies more than a window ahead of all that is known."""
        return offset > self.top + FARTHEST

    def sent(self, segment: Segment) -> int:
        """Take note of a segment of this flow; return its offset."""
        if self.base is None or has_syn(segment):
            self._begin(segment)
        begin = self.offset(segment.seq)
        end = begin + span(segment)
        if end > self.top and not has_rst(segment):
            self._reach(begin, end)
        return begin

    def acknowledged(self, segment: Segment) -> int | None:
        """Take note of what the other end acknowledges; return the offset, None for none and for a stray.

        It tells the ISN when nothing of this flow was seen before.
        """
        if not has_ack(segment):
            return None
        if self.base is None:
            self.base, self.top = (segment.ack - 1) % MODULUS, 1
        upto = self.offset(segment.ack)
        if upto <= self.top:
            return upto
        if not has_rst(segment):
            self._reach(upto, upto)
        return None if self.is_stray(upto) else upto

    def _begin(self, segment: Segment) -> None:
        """Learn the ISN from a SYN, or else from the first segment."""
        is_syn = has_syn(segment)
        if self.base is None:
            self.base = segment.seq if is_syn else (segment.seq - 1) % MODULUS
            self.top = 0 if is_syn else 1
        elif not self.sure:
            self.top = max(0, self.top - seq_diff(segment.seq, self.base))
            self.base = segment.seq
        if is_syn and segment.seq == self.base:
            self.has_syn = self.sure = True

    def _reach(self, begin: int, end: int) -> None:
        """Go on to what lies ahead, unless it is a stray."""
        if begin > self.top + FARTHEST:
            known, self._beyond = self._beyond, begin
            if known is None or not 0 <= begin - known <= FARTHEST:
                return
        self._beyond = None
        self.top = end
