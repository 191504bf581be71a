"""Pure: a recording as if the same had happened several times, one after the other, with other sequence numbers.

The same ports come again, as the kernel too gives them out again, and the same sockets' addresses and processes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from lab.recording.raw import CaptureRecord
from lab.recording.run import Run
from tests.records import changed

_APART_NS: Final = 1_000_000_000
_ISN_APART: Final = 0x0123_4567
"""More than a connection here sends, and its multiples never meet."""
_NS: Final = 1_000_000_000

_FILE_HEADER: Final = 24
_RECORD: Final = struct.Struct("<IIII")
_NANOSECONDS: Final = b"\x4d\x3c\xb2\xa1"
_IP: Final = 14
_TCP: Final = 6
_NUMBERS: Final = struct.Struct(">II")
_ACK: Final = 0x10

_PAGE_TIME: Final = struct.Struct("<Q")
_PAGE_DATA: Final = 16
_WORD: Final = struct.Struct("<I")
_COMMITTED: Final = (1 << 30) - 1
_STAMP, _EXTEND, _PADDING = 31, 30, 29


def multiplied(evidence: Run, times: int) -> Run:
    """Return evidence with everything so many times in its captures and its kernel's record."""
    apart_ns = evidence.recording.ended_ns - evidence.recording.begun_ns + _APART_NS
    kernel = evidence.recording.kernel
    return changed(
        evidence,
        ended_ns=evidence.recording.ended_ns + apart_ns * (times - 1),
        captures=tuple(_capture(each, times, apart_ns) for each in evidence.recording.captures),
        kernel=replace(kernel, content=later_traces(kernel.data[:], times, apart_ns)) if kernel else None,
    )


def _capture(record: CaptureRecord, times: int, apart_ns: int) -> CaptureRecord:
    counts = {name: getattr(record, name) * times for name in ("captured", "received", "dropped")}
    return replace(record, content=later_captures(record.data[:], times, apart_ns), **counts)


def later_captures(data: bytes, times: int, apart_ns: int) -> bytes:
    """Return a little-endian capture in nanoseconds with its packets so many times, each time so much later.

    Sequence numbers differ from time to time, in both directions by the same. Checksums stay as they were recorded.
    """
    if data[:4] != _NANOSECONDS:
        raise ValueError("not a little-endian capture in nanoseconds")
    packets = [*_packets(data)]
    pieces = [data]
    for number in range(1, times):
        again, shift = bytearray(data[_FILE_HEADER:]), number * _ISN_APART
        for at, time_ns, numbers in packets:
            struct.pack_into("<II", again, at, *divmod(time_ns + number * apart_ns, _NS))
            if numbers:
                place, seq, ack = numbers
                _NUMBERS.pack_into(again, place, (seq + shift) % 2**32, ack and (ack + shift) % 2**32)
        pieces.append(bytes(again))
    return b"".join(pieces)


def _packets(data: bytes) -> Iterator[tuple[int, int, tuple[int, int, int] | None]]:
    """Yield of each packet where its record begins, when it came (ns), and of TCP where which numbers stand.

    Places count from the first record; the acknowledgement is 0 without the flag for it.
    """
    at = _FILE_HEADER
    while at < len(data):
        seconds, rest, kept, _ = _RECORD.unpack_from(data, at)
        ip = at + _RECORD.size + _IP
        numbers = None
        if data[ip + 9] == _TCP:
            place = ip + (data[ip] & 0xF) * 4 + 4
            seq, ack = _NUMBERS.unpack_from(data, place)
            numbers = place - _FILE_HEADER, seq, ack if data[place + 9] & _ACK else 0
        yield at - _FILE_HEADER, seconds * _NS + rest, numbers
        at += _RECORD.size + kept


def later_traces(data: bytes, times: int, apart_ns: int) -> bytes:
    """Return a kernel's record (see lab/kernel/ring.py) with its pages so many times, each time so much later."""
    line, _, pages = data.partition(b"\n")
    header: dict[str, Any] = json.loads(line)
    pieces: list[bytes] = []
    at = 0
    for cpu in header["cpus"]:
        block = pages[at : at + cpu["pages"] * header["page"]]
        at += len(block)
        stamps = [*_stamps(block, header["page"])]
        for number in range(times):
            again = bytearray(block)
            for write in stamps:
                write(again, number * apart_ns)
            pieces.append(bytes(again))
        cpu["pages"] *= times
        cpu["entries"] *= times
    header["ended_ns"] += apart_ns * (times - 1)
    return json.dumps(header).encode() + b"\n" + b"".join(pieces)


_Write = Callable[[bytearray, int], None]
"""Sets one time in a copy of the pages so many ns later."""


def _stamps(block: bytes, page: int) -> Iterator[_Write]:
    """Yield what writes each time that is not told by its distance from another: a page's, and a stamp within it."""
    for start in range(0, len(block), page):
        yield _page_time(start, *_PAGE_TIME.unpack_from(block, start))
        at = start + _PAGE_DATA
        stop = at + (_WORD.unpack_from(block, start + _PAGE_TIME.size)[0] & _COMMITTED)
        while at < stop:
            (word,) = _WORD.unpack_from(block, at)
            kind, delta = word & 31, word >> 5
            further = _WORD.unpack_from(block, at + 4)[0] if at + 8 <= stop else 0
            if kind == _PADDING and not delta:
                break  # nothing else on this page
            if kind == _STAMP:
                yield _stamp(at, further << 27 | delta)
            at += 4 + (kind * 4 if 0 < kind < _PADDING else 4 if kind in (_STAMP, _EXTEND) else further)


def _page_time(at: int, time: int) -> _Write:
    return lambda pages, later: _PAGE_TIME.pack_into(pages, at, time + later)


def _stamp(at: int, time: int) -> _Write:
    def write(pages: bytearray, later: int) -> None:
        word = (time + later) & (1 << 59) - 1
        _WORD.pack_into(pages, at, (word & (1 << 27) - 1) << 5 | _STAMP)
        _WORD.pack_into(pages, at + 4, word >> 27)

    return write
