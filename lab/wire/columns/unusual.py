"""Frames that no usual layout fits, read one by one by the decoder of the exact way into the same columns."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lab.wire.bits import FLAGS
from lab.wire.capture import RECORD_HEADER
from lab.wire.columns.addresses import Addresses
from lab.wire.packet import Buffer, Decoder

_read_tcp: Final = Struct(">HHIIHHH").unpack_from
_COLUMNS: Final = (
    ("index", np.int64), ("time_ns", np.int64), ("src", np.uint64), ("dst", np.uint64), ("seq", np.uint32),
    ("ack", np.uint32), ("flags", np.uint16), ("window", np.uint16), ("length", np.uint32), ("kept", np.uint32),
    ("tcp", np.int64), ("header", np.uint8), ("ip_id", np.uint16), ("checksum", np.uint16),
)  # fmt: skip


class Unusual:
    """Reads frames of one capture file, whose byte order is `order` and whose times count `scale` ns."""

    def __init__(self, data: Buffer, linktype: int, order: str, scale: int, addresses: Addresses) -> None:
        self._data = data
        self._headers = Decoder(linktype, data).headers
        self._read_record = Struct(order + "IIII").unpack_from
        self._scale = scale
        self._addresses = addresses

    def columns(self, starts: Iterable[tuple[int, int]]) -> dict[str, NDArray[Any]]:
        """Return the columns of the TCP segments in frames, of which each index and begin of the record is given."""
        found = [row for index, start in starts if (row := self._row(index, start)) is not None]
        values = zip(*found, strict=True) if found else iter([()] * len(_COLUMNS))
        return {name: np.array(some, kind) for (name, kind), some in zip(_COLUMNS, values, strict=True)}

    def _row(self, index: int, start: int) -> tuple[int, ...] | None:
        data = self._data
        seconds, fraction, kept, on_wire = self._read_record(data, start)
        at = start + RECORD_HEADER
        end = at + kept
        found = self._headers(at, end, on_wire)
        if found is None:
            return None
        tcp, body, stop, src, dst, ip_id = found
        sport, dport, seq, ack, bits, window, checksum = _read_tcp(data, tcp)
        value = self._addresses.value
        return (
            index,
            seconds * 1_000_000_000 + fraction * self._scale,
            value(src, sport),
            value(dst, dport),
            seq,
            ack,
            bits & FLAGS - 1,
            window,
            stop - body,
            max(0, min(stop, end) - body),
            tcp,
            min(body, end) - tcp,
            ip_id,
            checksum,
        )
