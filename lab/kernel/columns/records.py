"""The records of all pages in the order of time, by columns: pages are walked in step, one record of each at a time.

What a page of the kernel's cannot hold is not told apart here: the exact way (lab/kernel/pages.py) says what it is.
"""

from __future__ import annotations

import mmap
from collections import defaultdict
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.kernel.formats import FormatError, parse_format
from lab.kernel.pages import (
    ABSOLUTE_BITS,
    COMMITTED,
    EXTEND,
    LONG,
    LONGEST_SHORT,
    MISSED,
    MISSED_IS_COUNTED,
    PADDING,
    STAMP,
    Ring,
    lost_by,
)  # fmt: skip
from lab.kernel.tracefile import Header
from lab.wire.packet import Buffer

_WORD: Final = 4
_BLOCK: Final = 1 << 13
"""How many pages are walked at a time."""
_FARTHEST: Final = 1 << 32
_Int = NDArray[np.int64]
_Walked = tuple[_Int, NDArray[np.uint32], NDArray[np.uint32]]


class DamagedError(Exception):
    """A page or a record that cannot be, or that columns have no place for."""


class Records(NamedTuple):
    """Each record's time (ns by the recording's clock), its place in the data and its bytes, in the order of time.

    `lost` is how many events each instance lost, as `read_pages` tells it.
    """

    time: _Int
    place: NDArray[np.uint32]
    size: NDArray[np.uint32]
    lost: dict[str, int]


def read_records(data: Buffer, header: Header) -> Records:
    """Return the records of all pages; DamagedError where `read_pages` has to look."""
    try:
        page = parse_format(header.header_page, numbered=False)
        stamp, commit, begin = page.field("timestamp"), page.field("commit"), page.field("data").offset
    except FormatError as error:
        raise DamagedError from error
    if (stamp.size, stamp.count, commit.count, commit.size) not in ((8, None, None, 8), (8, None, None, 4)):
        raise DamagedError
    room = header.page - begin
    if room < _WORD or max(stamp.end, commit.end) > begin or len(data) >= _FARTHEST:
        raise DamagedError
    count = sum(each.pages for each in header.processors)
    starts = header.size + np.arange(count, dtype=np.int64) * header.page
    heads = _gathered(data, starts, begin)
    times = np.ascontiguousarray(heads[:, stamp.offset : stamp.end]).view("<i8")[:, 0]
    flagged = np.ascontiguousarray(heads[:, commit.offset : commit.offset + 4]).view("<u4")[:, 0]
    sizes = flagged & np.uint32(COMMITTED)
    if (times < 0).any() or (sizes > room).any():
        raise DamagedError
    at = starts + begin
    walked: list[_Walked] = []
    for some in (slice(first, first + _BLOCK) for first in range(0, count, _BLOCK)):
        walked.append(_walk(data, at[some], at[some] + sizes[some], times[some].copy()))
        release(data)
    time, place, size = _together(walked)
    order = _by_time(time, place)
    missed: dict[Ring, int] = defaultdict(int)
    pages = [*header.pages()] if (flagged & np.uint32(MISSED)).any() else []
    for each in np.flatnonzero(flagged & np.uint32(MISSED)).tolist():
        processor, stop = pages[each][0], int(at[each] + sizes[each])
        counted = int(flagged[each]) & MISSED_IS_COUNTED and room - int(sizes[each]) >= commit.size
        # Where the page was too full for their number, one at least.
        told = int.from_bytes(data[stop : stop + commit.size], "little") if counted else 1
        missed[processor.instance, processor.number] += told
    return Records(time[order], place[order], size[order], lost_by(header, missed))


def release(data: Buffer) -> None:
    """Give back what has been read of a mapped file: it would be counted as this process's memory."""
    if isinstance(data, mmap.mmap):
        data.madvise(mmap.MADV_DONTNEED)


def _by_time(time: _Int, place: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Return the order by time, and of one time by place: there are few of those."""
    order = np.argsort(time)
    same = np.diff(time[order]) == 0
    if same.any():
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        rows = order[tied]
        order[tied] = rows[np.lexsort((place[rows], time[rows]))]
    return order


def _together(walked: list[_Walked]) -> _Walked:
    none = (np.zeros(0, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.uint32))
    times, places, sizes = zip(none, *walked, strict=True)
    return np.concatenate(times), np.concatenate(places), np.concatenate(sizes)


def _gathered(data: Buffer, places: _Int, size: int) -> NDArray[np.uint8]:
    every = np.ndarray((max(0, len(data) - size + 1),), f"V{size}", data, strides=(1,))
    return every[places].view(np.uint8).reshape(len(places), size)


def _walk(data: Buffer, at: _Int, stop: _Int, time: _Int) -> _Walked:
    """Return time, place and size of the records of pages: each page's begin at `at` and end at `stop`."""
    found: list[_Walked] = []
    words = np.ndarray((len(data) - 7,), "V8", data, strides=(1,))
    while (live := np.flatnonzero(at < stop)).size:
        at, stop, time = at[live], stop[live], time[live]
        # A page's last record may be a single word; where nothing follows it in the file, the word before is read too.
        ahead = np.minimum(at, len(words) - 1)
        pair = words[ahead].view("<u4").reshape(-1, 2)
        word, further = pair[:, 0].astype(np.int64), pair[:, 1].astype(np.int64)
        moved = at > ahead
        if moved.any():
            word[moved], further[moved] = further[moved], 0
        kind, delta = word & 31, word >> 5
        short = (kind > LONG) & (kind <= LONGEST_SHORT)
        over = (kind == PADDING) & (delta == 0)
        left = stop - at
        skip = np.where(short, kind + 1, 2) * _WORD
        if not short.all():
            _aside(kind, delta, further, short | over, time, skip)
        skip[over] = left[over]
        if ((skip > left) | (left < _WORD) | (skip % _WORD != 0) | (skip < _WORD)).any():
            raise DamagedError
        time += np.where(short, delta, 0)
        told = short | (kind == LONG)
        head = np.where(short, _WORD, 2 * _WORD)
        found.append((time[told], (at + head)[told].astype(np.uint32), (skip - head)[told].astype(np.uint32)))
        at = at + skip
    if (at != stop).any():
        raise DamagedError
    return _together(found)


def _aside(kind: _Int, delta: _Int, further: _Int, usual: NDArray[np.bool_], time: _Int, skip: _Int) -> None:
    """Add what is no short record to the times, and tell how many bytes it takes, as `pages._aside` does."""
    extend, stamp = kind == EXTEND, kind == STAMP
    sized = ~(usual | extend | stamp)
    if (sized & ((further < _WORD) | (further % _WORD != 0))).any():
        raise DamagedError
    skip[sized] = further[sized] + _WORD
    # A record filtered out while others came in behind it: its time counts, but 1 stands for none as well.
    time += np.where(sized & ~((kind == PADDING) & (delta == 1)), delta, 0)
    time += np.where(extend, further << 27 | delta, 0)
    if stamp.any():
        before = time[stamp]
        told = before >> ABSOLUTE_BITS << ABSOLUTE_BITS | further[stamp] << 27 | delta[stamp]
        carried = before - told > 1 << (ABSOLUTE_BITS - 1)
        time[stamp] = told + np.where(carried, np.int64(1 << ABSOLUTE_BITS), 0)
