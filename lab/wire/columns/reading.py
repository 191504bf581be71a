"""Read a classic pcap file into columns, block by block."""

from __future__ import annotations

import mmap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lab.wire.columns.addresses import Addresses
from lab.wire.columns.layouts import Layout, layouts
from lab.wire.columns.pairs import pairs_of
from lab.wire.columns.records import Records
from lab.wire.columns.segments import SegmentColumns
from lab.wire.columns.unusual import Unusual
from lab.wire.packet import Buffer

_Columns = dict[str, NDArray[Any]]
_COLUMNS: Final = (
    "number", "src", "dst", "time_ns", "seq", "ack", "flags", "window", "length", "kept", "tcp", "header", "ip_id",
    "checksum",
)  # fmt: skip


def read_columns(data: Buffer, *, where: str) -> SegmentColumns:
    """Return the TCP segments of a classic pcap file's bytes, read or mapped, as columns.

    It reads what `parse_capture` reads and raises what that raises. What is mapped is given back to the system as it
    has been read: it is fetched again when a segment's payload is asked for.
    """
    records = Records(data, where)
    read = _Reader(data, records)
    releasing = _Releasing(data)
    parts: list[_Columns] = []
    for block in records.blocks():
        parts.append(read.block(block.before, block.starts))
        releasing.upto(block.end)
    parts = parts or [read.block(0, np.zeros(0, np.int64))]
    column = {name: np.concatenate([part.pop(name) for part in parts]) for name in _COLUMNS}
    src, dst = column.pop("src"), column.pop("dst")
    pairs = pairs_of(src, dst)
    flow = pairs.pair * np.uint32(2) + (src > dst)
    ends = np.stack((pairs.one, pairs.other), axis=1).reshape(-1)
    return SegmentColumns(
        data, records.count, records.linktype, records.nanosecond, **column, flow=flow, order=pairs.order, ends=ends,
        addresses=read.addresses,
    )  # fmt: skip


class _Reader:
    """Reads blocks of records into columns."""

    def __init__(self, data: Buffer, records: Records) -> None:
        self._data = data
        self._layouts = layouts(records.linktype, records.order)
        self._scale = 1 if records.nanosecond else 1000
        self.addresses = Addresses()
        self._unusual = Unusual(data, records.linktype, records.order, self._scale, self.addresses)

    def block(self, before: int, starts: NDArray[np.int64]) -> _Columns:
        """Return the columns of the segments in the records that begin at `starts`, of which so many came before."""
        parts: list[_Columns] = []
        left = np.arange(len(starts))
        for layout in self._layouts:
            chosen, rows = self._rows(layout, starts, left)
            if len(chosen):
                columns = layout.columns(rows, starts[chosen], self._scale)
                columns["index"] = chosen
                for end, port in (("src", "sport"), ("dst", "dport")):
                    columns[end] = self.addresses.values(rows[end], rows[port])
                parts.append(columns)
                left = np.setdiff1d(left, chosen, assume_unique=True) if len(chosen) < len(left) else left[:0]
        if len(left) or not parts:
            parts.append(self._unusual.columns(zip(left.tolist(), starts[left].tolist(), strict=True)))
        columns = parts[0] if len(parts) == 1 else _merged(parts)
        columns["number"] = (columns.pop("index") + (before + 1)).astype(np.uint32)
        return columns

    def _rows(
        self, layout: Layout, starts: NDArray[np.int64], left: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return which of the records that are left are of the layout, and the headers of those."""
        size = layout.row.itemsize
        # The file's last frames may be shorter than the headers.
        left = left[starts[left] <= len(self._data) - size]
        if not len(left):
            return left, np.zeros(0, layout.row)
        # Bytes without meaning are copied eight times faster than a record of fields.
        every = np.ndarray((len(self._data) - size + 1,), f"V{size}", self._data, strides=(1,))
        rows = every[starts[left]].view(layout.row)
        fits = layout.fits(rows)
        return (left, rows) if fits.all() else (left[fits], rows[fits])


def _merged(parts: list[_Columns]) -> _Columns:
    """Return the parts of a block as one, in the order of its frames."""
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(columns["index"])
    return {name: column[order] for name, column in columns.items()}


class _Releasing:
    """Gives back what has been read of a mapped file: it would be counted as this process's memory."""

    def __init__(self, data: Buffer) -> None:
        self._data = data if isinstance(data, mmap.mmap) else None
        self._upto = 0

    def upto(self, end: int) -> None:
        """Give back what lies before `end`."""
        end -= end % mmap.PAGESIZE
        if self._data is not None and end > self._upto:
            self._data.madvise(mmap.MADV_DONTNEED, self._upto, end - self._upto)
            self._upto = end
