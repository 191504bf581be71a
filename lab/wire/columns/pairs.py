"""Which segments are between the same two endpoints, in either direction: found by sorting, whatever their number."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MIX: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
"""Odd multipliers: those of another try when two pairs of endpoints share a hash."""


class Pairs(NamedTuple):
    """The pairs of endpoints among segments.

    order: all segments' places, pair by pair, each pair's in ascending order.
    pair: by segment, the number of its pair.
    one, other: by pair, the integers of its endpoints, the lesser first.
    """

    order: NDArray[np.uint32]
    pair: NDArray[np.uint32]
    one: NDArray[np.uint64]
    other: NDArray[np.uint64]


def pairs_of(src: NDArray[np.uint64], dst: NDArray[np.uint64]) -> Pairs:
    """Return the pairs among segments with these endpoints, as integers; there must be a segment."""
    one, other = np.minimum(src, dst), np.maximum(src, dst)
    order, begins = _sorted(one, other)
    pair = np.empty(len(src), np.uint32)
    pair[order] = np.cumsum(begins, dtype=np.uint32) - np.uint32(1)
    first = order[begins]
    return Pairs(order, pair, one[first], other[first])


def _sorted(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Return the places sorted by pair, and at which of them another pair begins.

    A hash of the pair above the place in one number sorts five times faster than the pair and the place would.
    """
    count = len(one)
    bits = np.uint64(count.bit_length())
    places = np.arange(count, dtype=np.uint64)
    for mix in _MIX:
        key = (one * np.uint64(mix) ^ (other + np.uint64(mix >> 1)) * np.uint64(_MIX[0])) * np.uint64(mix)
        key = key >> bits << bits | places
        key.sort()
        order = (key & np.uint64((1 << int(bits)) - 1)).astype(np.uint32)
        begins = _differs(key >> bits)
        by_pair = _differs(one[order]) | _differs(other[order])
        if np.array_equal(begins, by_pair):
            return order, begins
    order = np.lexsort((other, one)).astype(np.uint32)
    return order, _differs(one[order]) | _differs(other[order])


def _differs(values: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell which values differ from the one before; the first does."""
    differs = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return differs
