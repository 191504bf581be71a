"""From marks to rows: what belongs together and happened at once stands in one line, and calls become bars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lab.report.lanes.marks import Mark, Part
from lab.report.lanes.telling import LONG_NS, TOGETHER_NS, Told
from lab.timeline.model import Lane
from lab.wire.state import State

_NOTED_NS: Final = 1_000_000
"""A queue's length is written beside what changed it when that was no longer ago."""
_MOST_BARS: Final = 3
"""More calls at once in one lane are no bars: which is which nobody could see."""
CALLS: Final = (Lane.CLIENT_CALLS, Lane.SERVER_CALLS)
STATES: Final = (Lane.CLIENT_STATE, Lane.SERVER_STATE)

Title = tuple[int, str]
"""From when on (ns since the epoch), and what is then said above the rows."""
Columns = Mapping[Lane, int]
"""Which column each lane is written in; two lanes may share one."""


@dataclass(slots=True)
class Row:
    """A line of the drawing.

    `time_ns` is when its first mark was, None for what was so before. `cells` are its marks by column; `bars` the
    places taken by calls under way, by lane; `lasting` the lanes whose end is in some state meanwhile. A row that only
    tells of time that passed has `passed_ns`, one that stands for others left out `left_out`, one above a step `title`.
    """

    time_ns: int | None
    talk: int | None
    cells: dict[int, Mark] = field(default_factory=dict)
    until_ns: int = 0
    places: dict[int, int] = field(default_factory=dict)
    """Where a call's text begins among the bars, by column."""
    bars: dict[Lane, frozenset[int]] = field(default_factory=dict)
    lasting: frozenset[Lane] = frozenset()
    passed_ns: int = 0
    left_out: int = 0
    title: str = ""

    def add(self, mark: Mark, column: int) -> None:
        """Write a mark into the row."""
        self.cells[column] = mark
        self.until_ns = max(self.until_ns, mark.until_ns)
        self.talk = mark.talk if self.talk is None else self.talk


def rows_of(told: Told, columns: Columns, titles: Sequence[Title] = (), *, several: bool) -> list[Row]:
    """Return the rows of a picture of one connection or of several; a title stands before what began with it."""
    happened = _noted(list(_joined(told.marks, columns)), told.levels, columns)
    rows = [*_before(told.before, columns, several=several), *_titled(_passing(happened), titles)]
    _lay_bars(rows)
    if not several:
        _lay_states(rows)
    return rows


def _before(marks: Iterable[Mark], columns: Columns, *, several: bool) -> list[Row]:
    """Return what was so already, in as few rows as have room for it; each connection of several has its own.

    That somebody listens is left out where the one connection's own state stands.
    """
    rows: list[Row] = []
    for mark in sorted(marks, key=lambda one: (one.talk is None, one.talk or 0)):
        column = columns[mark.lane]
        fits = (row for row in rows if column not in row.cells and (not several or row.talk == mark.talk))
        row = next(fits, None)
        if row is None and rows and mark.state is State.LISTEN and not several:
            continue
        if row is None:
            row = Row(None, mark.talk)
            rows.append(row)
        row.add(mark, column)
    return rows


def _joined(marks: Iterable[Mark], columns: Columns) -> Iterator[Row]:
    row: Row | None = None
    for mark in marks:
        column = columns[mark.lane]
        if row is None or column in row.cells or not _belongs(mark, row):
            if row is not None:
                yield row
            row = Row(mark.time_ns, mark.talk)
        row.add(mark, column)
    if row is not None:
        yield row


def _belongs(mark: Mark, row: Row) -> bool:
    """Tell whether a mark follows from what the row tells, or from the same cause, soon enough."""
    if row.time_ns is None or mark.part in (Part.TIMES, Part.SKIPPED):
        return False
    in_time = mark.time_ns - row.time_ns <= TOGETHER_NS
    return in_time and any(_related(mark, other) for other in row.cells.values())


def _related(one: Mark, other: Mark) -> bool:
    if min(one.number, other.number) < 0:
        return False
    both = one.cause is not None and one.cause == other.cause
    return both or one.cause == other.number or other.cause == one.number


def _noted(rows: Sequence[Row], levels: Iterable[Mark], columns: Columns) -> Iterator[Row]:
    """Write queues' lengths into the rows that brought them about where there is room, else into rows of their own."""
    waiting = sorted(levels, key=lambda level: level.time_ns)
    at = 0
    for before, following in zip([None, *rows], [*rows, None], strict=True):
        last = before
        if last is not None:
            yield last
        while at < len(waiting) and (following is None or waiting[at].time_ns < (following.time_ns or 0)):
            level, column = waiting[at], columns[waiting[at].lane]
            at += 1
            if last is not None and column not in last.cells and _notes(level, last):
                last.add(level, column)
            else:
                last = Row(level.time_ns, level.talk)
                last.add(level, column)
                yield last


def _notes(level: Mark, row: Row) -> bool:
    soon = row.time_ns is not None and level.time_ns - row.time_ns <= _NOTED_NS
    return soon and level.talk in (None, row.talk)


def _passing(rows: Iterable[Row]) -> Iterator[Row]:
    """Put a row of its own between two with a long time between them."""
    until: int | None = None
    for row in rows:
        begun = row.time_ns or 0
        folded = any(mark.part is Part.TIMES for mark in row.cells.values())
        if until is not None and begun - until >= LONG_NS and not folded:
            yield Row(None, None, passed_ns=begun - until)
        yield row
        until = max(until or 0, row.until_ns)


def _titled(rows: Iterable[Row], titles: Sequence[Title]) -> Iterator[Row]:
    """Put each title before the first row of its time; one whose time holds no row is left out."""
    waiting = sorted(titles)
    passing: Row | None = None
    for row in rows:
        if row.time_ns is None:
            passing = row
            continue
        begun = [title for title in waiting if title[0] <= row.time_ns]
        waiting = waiting[len(begun) :]
        yield from () if passing is None else (passing,)
        passing = None
        if begun:
            yield Row(None, None, title=begun[-1][1])
        yield row


def _lay_bars(rows: Sequence[Row]) -> None:
    """Give each call that begins in one row and returns in another a place, and mark it in the rows between."""
    for lane in CALLS:
        if _most_at_once(rows, lane) > _MOST_BARS:
            continue
        taken: dict[int, int] = {}
        for row in rows:
            row.bars[lane] = frozenset(taken.values())
            for column, mark in row.cells.items():
                if mark.lane is not lane:
                    continue
                free = next(place for place in range(len(taken) + 1) if place not in taken.values())
                if mark.part is Part.BEGIN:
                    taken[mark.number] = free
                elif mark.part is Part.RETURN:
                    free = taken.pop(mark.number, free)
                row.places[column] = free


def _most_at_once(rows: Sequence[Row], lane: Lane) -> int:
    under_way: set[int] = set()
    most = 0
    for row in rows:
        for mark in row.cells.values():
            if mark.lane is lane and mark.part is Part.BEGIN:
                under_way.add(mark.number)
            elif mark.lane is lane and mark.part is Part.RETURN:
                under_way.discard(mark.number)
        most = max(most, len(under_way))
    return most


def _lay_states(rows: Sequence[Row]) -> None:
    """Mark the rows in which an end is in some state."""
    lasting: set[Lane] = set()
    for row in rows:
        row.lasting = frozenset(lasting)
        for mark in row.cells.values():
            if mark.state is not None:
                (lasting.discard if mark.state is State.CLOSED else lasting.add)(mark.lane)


def shortened(rows: Sequence[Row], most: int | None) -> list[Row]:
    """Leave out what is in the middle of more rows than `most`; a row says how many."""
    if most is None or len(rows) <= most:
        return [*rows]
    tail = most // 3
    head = most - tail - 1
    left_out = rows[head : len(rows) - tail]
    one = left_out[0]
    stands = Row(None, None, bars=one.bars, lasting=one.lasting, left_out=len(left_out))
    return [*rows[:head], stands, *rows[len(rows) - tail :]]
