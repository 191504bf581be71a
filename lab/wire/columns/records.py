"""Where the records of a classic pcap file begin: the one loop over all frames."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.wire.capture import FILE_HEADER, LONGEST_RECORD, RECORD_HEADER, cut_short, read_header, too_long
from lab.wire.packet import Buffer

_BLOCK: Final = 1 << 16
"""How many records are read at a time."""


class Block(NamedTuple):
    """Records that follow one another: how many came before, where each begins, and where the last ends."""

    before: int
    starts: NDArray[np.int64]
    end: int


class Records:
    """The records of a capture file's bytes; CaptureError as `parse_capture`, when it comes to the damage."""

    def __init__(self, data: Buffer, where: str) -> None:
        self.order, self.nanosecond, self.linktype = read_header(data, where)
        self._data = data
        self._where = where
        self.count = 0
        """How many have been read."""

    def blocks(self) -> Iterator[Block]:
        """Yield all records."""
        at, size = FILE_HEADER, len(self._data)
        while at < size:
            starts, at = self._starts(at)
            yield Block(self.count - len(starts), starts, at)

    def _starts(self, at: int) -> tuple[NDArray[np.int64], int]:
        data, last = self._data, len(self._data) - RECORD_HEADER
        read_kept = Struct(self.order + "8xI").unpack_from
        found: list[int] = []
        add = found.append
        for _ in range(_BLOCK):
            if at > last:
                break
            add(at)
            at += RECORD_HEADER + read_kept(data, at)[0]
        starts = np.array(found, np.int64)
        kept = np.diff(starts, append=at) - RECORD_HEADER
        long = np.flatnonzero(kept > LONGEST_RECORD)
        if len(long):
            first = int(long[0])
            raise too_long(self._where, self.count + first + 1, found[first], int(kept[first]))
        self.count += len(found)
        if at > len(data):
            raise cut_short(self._where, self.count, found[-1], at - len(data))
        if last < at < len(data):
            raise cut_short(self._where, self.count + 1, at, at - last)
        return starts, at
