"""Socket tables as `ss` prints them, under the hosts' names, fitted to the width there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.report.changes import COLUMNS, Entry
from lab.report.ink import Line, Role, Span, cells, line, pad

_MARK: Final = 2
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


_LAYOUTS: Final = (
    _Layout(gap=2, beside=True),
    _Layout(gap=1, beside=True),
    _Layout(gap=2, beside=False),
    _Layout(gap=1, beside=False),
    _Layout(gap=2, beside=False, program=False),
    _Layout(gap=1, beside=False, program=False),
    _Layout(gap=1, beside=False, program=False, below=True),
)


def draw(tables: Sequence[HostTable], width: int, words: TableWords, *, above: bool = False) -> list[Line]:
    """Return the tables' lines, one above the other in the same columns, at most `width` cells wide.

    The first layout that fits is taken: the host's name at the left; smaller gaps; the host's name above; the
    program's name above too; at last a process that finds no room on a line of its own. With `above` the hosts' names
    never stand at the left.
    """
    drawn: list[Line] = []
    for layout in (each for each in _LAYOUTS if not (above and each.beside)):
        drawn = _Drawing(tables, layout, width, words).lines()
        if max(map(cells, drawn), default=0) <= width:
            break
    return drawn


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
        head = line(" " * (self._beside + _MARK), *self._row(COLUMNS, frozenset(), Role.DIM))
        lines: list[Line] = [head] if self._layout.beside else []
        for index, table in enumerate(self._tables):
            if not self._layout.beside:
                lines += [line(Span(table.host, Role.HOST))] if table.host else []
                lines += [head] if index == 0 else []
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
        whole = (*start, *self._row(entry.cells, entry.changed, role))
        if not self._layout.below or cells(whole) <= self._width:
            yield whole
            return
        *others, process = entry.cells
        yield (*start, *self._row((*others, ""), entry.changed, role))
        yield line(" " * (self._beside + _MARK + self._widths[0] + self._layout.gap), Span(process, role))

    def _row(self, texts: Sequence[str], changed: frozenset[int], role: Role) -> Iterator[Span]:
        for index, (text, width) in enumerate(zip(texts, self._widths, strict=True)):
            yield Span(text, Role.DIFFERS if index in changed else role)
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
