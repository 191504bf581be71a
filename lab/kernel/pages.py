"""Take the records out of the pages of the kernel's ring buffer, in the order of time.

Source: kernel/trace/ring_buffer.c (rb_event_length, rb_fix_abs_ts, ring_buffer_read_page),
include/linux/ring_buffer.h (enum ring_buffer_type).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from struct import Struct
from typing import Final

from lab.kernel.formats import FormatError, parse_format
from lab.kernel.tracefile import Header, TraceParseError
from lab.wire.packet import Buffer

Record = tuple[int, int, int]
"""When (ns by the recording's clock), where in the data, how many bytes."""
Ring = tuple[str, int]
"""An instance's, of a processor."""

LONG: Final = 0
LONGEST_SHORT: Final = 28
PADDING: Final = 29
EXTEND: Final = 30
STAMP: Final = 31
_WORD: Final = 4

MISSED: Final = 1 << 31
MISSED_IS_COUNTED: Final = 1 << 30
COMMITTED: Final = 0xFFFFFFFF & ~(MISSED | MISSED_IS_COUNTED)
"""Setting the uppermost flag, an int, sets all bits above it, too."""
ABSOLUTE_BITS: Final = 59
_ABOVE_ABSOLUTE: Final = 0b11111 << ABSOLUTE_BITS

_read_word: Final = Struct("<I").unpack_from


def read_pages(data: Buffer, header: Header, *, where: str) -> tuple[list[Record], dict[str, int]]:
    """Return the records of all buffers in the order of time, and how many events each instance lost.

    Records of one moment stand as in the file. An instance that lost nothing is not in the second. TraceParseError for
    pages that the kernel cannot have written.
    """
    try:
        page = parse_format(header.header_page, numbered=False)
        read_head, head = page.reader("timestamp", "commit")
        commit_field, begin = page.field("commit"), page.field("data").offset
        room = header.page - begin
        if room < _WORD or head > begin:
            raise FormatError("data")  # noqa: TRY301 - as any other way in which it cannot be
    except FormatError as error:
        raise TraceParseError("kernel-trace-format", where=where, event="header_page", field=str(error)) from None
    read_count = Struct("<" + commit_field.code().upper()).unpack_from
    records: list[Record] = []
    missed: dict[Ring, int] = defaultdict(int)
    for processor, number, at in header.pages():
        time, commit = read_head(data, at)
        size = commit & COMMITTED
        start = at + begin
        stop = start + size
        bad = _take(data, start, stop, time, records) if size <= room else at
        if bad is not None:
            raise TraceParseError("kernel-trace-page", where=where, cpu=processor.number, page=number + 1, offset=bad)
        if commit & MISSED:
            counted = commit & MISSED_IS_COUNTED and room - size >= commit_field.size
            # Where the page was too full for their number, one at least.
            missed[processor.instance, processor.number] += read_count(data, stop)[0] if counted else 1
    records.sort()
    return records, lost_by(header, missed)


def lost_by(header: Header, missed: Mapping[Ring, int]) -> dict[str, int]:
    """Return how many events each instance lost: pages and counters both count those overwritten, so the greater."""
    overrun: dict[Ring, int] = defaultdict(int)
    lost: dict[str, int] = defaultdict(int)
    for each in header.processors:
        overrun[each.instance, each.number] += each.overrun
        lost[each.instance] += each.refused
    for ring, count in overrun.items():
        lost[ring[0]] += max(missed.get(ring, 0), count)
    return {instance: count for instance, count in lost.items() if count}


def _take(data: Buffer, at: int, stop: int, time: int, records: list[Record]) -> int | None:
    """Append a page's records; return the place of one that cannot be, None when all can."""
    read, append = _read_word, records.append
    begin = at
    while at < stop:
        begin = at
        if stop - at < _WORD:
            return begin
        (word,) = read(data, at)
        kind, delta = word & 31, word >> 5
        at += _WORD
        if 0 < kind <= LONGEST_SHORT:
            time += delta
            size = kind * _WORD
            append((time, at, size))
            at += size
            continue
        if kind == PADDING and not delta:
            return None  # nothing else on this page
        if stop - at < _WORD:
            return begin
        (further,) = read(data, at)
        time, skip = _aside(kind, delta, further, time)
        if skip < _WORD or skip % _WORD:
            return begin
        if kind == LONG:
            append((time, at + _WORD, skip - _WORD))
        at += skip
    return None if at == stop else begin


def _aside(kind: int, delta: int, further: int, time: int) -> tuple[int, int]:
    """Return the time after what is no short record, and how many bytes it goes on for; `further` is its next word."""
    if kind == EXTEND:
        return time + (further << 27 | delta), _WORD
    if kind == STAMP:
        return _absolute(further << 27 | delta, time), _WORD
    if kind == PADDING and delta == 1:
        # A record filtered out while others came in behind it; its time counts, but 1 stands for none as well.
        return time, further
    return time + delta, further


def _absolute(stamp: int, before: int) -> int:
    """Return a time of which only the lower 59 bits were written; the others are those of the time `before`."""
    time = before & _ABOVE_ABSOLUTE | stamp
    # A carry into the upper bits leaves it far behind; a clock that was set back, only a little.
    return time + (1 << ABSOLUTE_BITS) if before - time > 1 << (ABSOLUTE_BITS - 1) else time
