"""Socket tables as `ss` prints them, under the hosts' names, fitted to the width there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.report.changes import COLUMNS, Entry
from lab.report.fold import fold, fold_line
from lab.report.ink import Line, Role, Span, cells, line, pad

_MARK: Final = 2
_ENDS: Final = 2 * COLUMNS.index("Local")
_PROCESS: Final = 2 * COLUMNS.index("Process")
"""Where these begin among the spans of a row: behind each cell stand blanks."""
_ROLES: Final = {"+": Role.NEW, "-": Role.GONE, "*": Role.PLAIN}


@dataclass(frozen=True, slots=True)
class HostTable:
    """The rows of one host."""

    host: str
    entries: tuple[Entry, ...]


class TableWords(NamedTuple):
    """What stands for rows left out (a template with `{count}`), and where a host has no rows."""

    more: str
    empty: str


class _Layout(NamedTuple):
    """A way to draw: the gap, hosts' names beside or above their rows, the program's name in each row or above."""

    gap: int
    beside: bool
    program: bool = True
    below: bool = False
    """A process that finds no room goes to a line of its own."""
    apart: bool = False
    """The two ends stand below the state and the queues, and the process below these."""


_LAYOUTS: Final = (
    _Layout(gap=2, beside=True),
    _Layout(gap=1, beside=True),
    _Layout(gap=2, beside=False),
    _Layout(gap=1, beside=False),
    _Layout(gap=2, beside=False, program=False),
    _Layout(gap=1, beside=False, program=False),
    _Layout(gap=1, beside=False, program=False, below=True),
    _Layout(gap=1, beside=False, program=False, apart=True),
)


def draw(tables: Sequence[HostTable], width: int, words: TableWords, *, above: bool = False) -> list[Line]:
    """Return the tables' lines, one above the other in the same columns, at most `width` cells wide.

    The first layout that fits is taken: the host's name at the left; smaller gaps; the host's name above; the
    program's name above too; a process that finds no room on a line of its own; at last each row on several lines. With
    `above` the hosts' names never stand at the left. No cell is ever cut: one that is wider than all stays whole.
    """
    drawn: list[Line] = []
    for layout in (each for each in _LAYOUTS if not (above and each.beside)):
        drawn = _Drawing(tables, layout, width, words).lines()
        if max(map(cells, drawn), default=0) <= width:
            break
    return drawn


def in_columns(tables: Sequence[HostTable], width: int, words: TableWords) -> list[Line] | None:
    """Return the tables' lines with each row's cells beside each other, the hosts' names above; None without room."""
    for layout in (each for each in _LAYOUTS if not (each.beside or each.apart)):
        drawn = _Drawing(tables, layout, width, words).lines()
        if max(map(cells, drawn), default=0) <= width:
            return drawn
    return None


class _Drawing:
    """One layout of some tables."""

    def __init__(self, tables: Sequence[HostTable], layout: _Layout, width: int, words: TableWords) -> None:
        self._tables = tables if layout.program else [_without_program(table) for table in tables]
        self._layout, self._width, self._words = layout, width, words
        entries = [entry for table in self._tables for entry in table.entries]
        rows = [COLUMNS, *(entry.cells for entry in entries)]
        self._widths = [max(cell_len(row[index]) for row in rows) for index in range(len(COLUMNS))]
        names = max((cell_len(table.host) for table in tables), default=0)
        self._beside = names + 1 if layout.beside and names else 0
        # Where something moved, what stayed steps back.
        self._still = Role.DIM if any(entry.mark.strip() for entry in entries) else Role.PLAIN

    def lines(self) -> list[Line]:
        """Return the lines."""
        start = line(" " * (self._beside + _MARK))
        head = [*self._drawn(start, COLUMNS, frozenset(), Role.DIM)]
        lines: list[Line] = head if self._layout.beside else []
        for index, table in enumerate(self._tables):
            if not self._layout.beside:
                lines += fold_line(line(Span(table.host, Role.HOST)), self._width) if table.host else []
                lines += head if index == 0 else []
            lines += self._rows(table)
        return lines

    def _rows(self, table: HostTable) -> Iterator[Line]:
        name = pad(table.host if self._layout.beside else "", self._beside)
        if not table.entries:
            yield line(Span(name, Role.HOST), " " * _MARK, Span(self._words.empty, Role.DIM))
        for entry in table.entries:
            yield from self._entry(entry, name)
            name = " " * self._beside
            if entry.more:
                yield line(" " * (self._beside + _MARK), Span(self._words.more.format(count=entry.more), Role.DIM))

    def _entry(self, entry: Entry, name: str) -> Iterator[Line]:
        role = _ROLES.get(entry.mark, self._still)
        start = line(Span(name, Role.HOST), Span(f"{entry.mark} ", role))
        yield from self._drawn(start, entry.cells, entry.changed, role)

    def _drawn(self, start: Line, texts: Sequence[str], changed: frozenset[int], role: Role) -> Iterator[Line]:
        """Yield a row: on one line, with its process below, or in three parts."""
        spans = [*self._row(texts, changed, role)]
        if self._layout.apart:
            ends = spans[_ENDS:_PROCESS]
            yield (*start, *spans[:_ENDS])
            below = line(" " * (self._beside + _MARK))
            together = cells((*below, *ends)) <= self._width
            yield from [(*below, *ends)] if together else [(*below, end) for end in ends if end.text.strip()]
            yield from self._process(spans[_PROCESS], _MARK)
        elif self._layout.below and cells((*start, *spans)) > self._width:
            yield (*start, *spans[:_PROCESS])
            yield from self._process(spans[_PROCESS], self._beside + _MARK + self._widths[0] + self._layout.gap)
        else:
            yield (*start, *spans)

    def _process(self, process: Span, margin: int) -> Iterator[Line]:
        for part in fold(process.text, self._width - margin):
            yield line(" " * margin, Span(part, process.role))

    def _row(self, texts: Sequence[str], changed: frozenset[int], role: Role) -> Iterator[Span]:
        """Yield the cells, each but the last with the blanks behind it."""
        for index, (text, width) in enumerate(zip(texts, self._widths, strict=True)):
            yield Span(text, Role.DIFFERS if index in changed else role)
            if index + 1 < len(texts):
                yield Span(" " * (width - cell_len(text) + self._layout.gap))


def _without_program(table: HostTable) -> HostTable:
    """Move the program's name to the host's when it is the same in every row."""
    programs = {entry.cells[-1].split(" fd=")[0] for entry in table.entries if " fd=" in entry.cells[-1]}
    if len(programs) != 1:
        return table
    (program,) = programs
    entries = tuple(
        entry._replace(cells=(*entry.cells[:-1], entry.cells[-1].replace(f"{program} fd=", "fd=")))
        for entry in table.entries
    )
    return HostTable(f"{table.host}   {program}".strip(), entries)
