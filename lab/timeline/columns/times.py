"""What happened last by a time, or first from a time on, on each of many sides: found for a whole column at once."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lab.timeline.columns.unusual import UnusualError

Rows = NDArray[np.signedinteger[Any]]
Mask = NDArray[np.bool_]
NONE: Final = -1
"""Where a row is told: there is none."""
_BITS: Final = 63


class Clock:
    """Puts a side and a time into one number, which sorts by both; times from `begin` to `end`, so many sides."""

    def __init__(self, begin: int, end: int, sides: int) -> None:
        self._begin = begin
        self._longest = end - begin
        self._bits = self._longest.bit_length()
        if self._bits + sides.bit_length() > _BITS:
            raise UnusualError("too long for so many connections")

    def key(self, side: NDArray[Any], time_ns: NDArray[Any]) -> Rows:
        """Return the numbers; a time before the begin or behind the end counts as that."""
        found: Rows = np.clip(time_ns - self._begin, 0, self._longest)
        found |= side.astype(np.int64) << self._bits
        return found

    def side(self, key: Rows) -> Rows:
        """Return which side each number is of."""
        return key >> self._bits


class Times:
    """Rows of a table that each happened on a side at a time; `twice` are those at the time of the one before."""

    def __init__(self, clock: Clock, side: Rows, time_ns: Rows, rows: Rows) -> None:
        key = clock.key(side[rows], time_ns[rows])
        order = np.argsort(key, kind="stable")
        self._clock = clock
        self._key = key[order]
        self._rows = rows[order]
        self.twice = self._rows[1:][self._key[1:] == self._key[:-1]]

    def last(self, side: Rows, time_ns: Rows) -> Rows:
        """Return the last row of each side by this time, NONE where there is none; of a side below 0 there is none."""
        return self._at(np.searchsorted(self._key, self._clock.key(side, time_ns), "right") - 1, side)

    def first(self, side: Rows, time_ns: Rows) -> Rows:
        """Return the first row of each side from this time on, likewise."""
        return self._at(np.searchsorted(self._key, self._clock.key(side, time_ns), "left"), side)

    def _at(self, place: NDArray[np.intp], side: Rows) -> Rows:
        if not len(self._rows):
            return np.full(len(side), NONE, np.int64)
        within = np.clip(place, 0, len(self._rows) - 1)
        found = (place == within) & (side >= 0) & (self._clock.side(self._key[within]) == side)
        return np.where(found, self._rows[within], NONE)


def at(values: NDArray[Any], rows: Rows, otherwise: int) -> NDArray[Any]:
    """Return the values of rows, `otherwise` where there is none."""
    if not len(values):
        return np.full(len(rows), otherwise, values.dtype)
    return np.where(rows >= 0, values[np.maximum(rows, 0)], otherwise)


def numbered(*columns: NDArray[Any]) -> Rows:
    """Return a number for each row: the same for rows alike in all columns."""
    order = np.lexsort(columns)
    begins = np.ones(len(order), np.bool_)
    for each in columns:
        begins[1:] &= each[order][1:] == each[order][:-1]
    begins[1:] = ~begins[1:]
    found = np.empty(len(order), np.int64)
    found[order] = np.cumsum(begins) - 1
    return found
