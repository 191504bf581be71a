"""Socket tables as `ss` prints them, under the host's name, with what came and what went."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.kernel.rows import SocketRow
from lab.report.ink import Line, Role, Span, line, pad
from lab.report.ink import cells as line_cells
from lab.wire.segment import Endpoint
from lab.wire.state import State

COLUMNS: Final = ("State", "Recv-Q", "Send-Q", "Local", "Peer", "Process")
_ALIKE_MOST: Final = 6
_ALIKE_SHOWN: Final = 3
_SECOND: Final = 1000


class Entry(NamedTuple):
    """A row to draw: its cells, its mark (`+` new, `-` gone, blank) and how many more like it are left out."""

    cells: tuple[str, ...]
    mark: str
    more: int = 0
    changed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class HostTable:
    """The rows of one host."""

    host: str
    entries: tuple[Entry, ...]


def cells(row: SocketRow) -> tuple[str, ...]:
    """Return a row's cells under COLUMNS; the last holds its holders and its timer."""
    holders = [f"{process.name} fd={process.fd}" for process in row.processes]
    timer = [timer_text(row)] if row.timer else []
    peer = "*" if row.peer is None else str(row.peer)
    return (row.state.value, str(row.recv_q), str(row.send_q), str(row.local), peer, " ".join((*holders, *timer)))


def timer_text(row: SocketRow) -> str:
    """Return a row's timer: `timewait 59 s`."""
    if row.timer is None:
        return ""
    left = row.timer.remaining_ms
    return f"{row.timer.name} " + (f"{left // _SECOND} s" if left >= _SECOND else f"{left} ms")


def is_of_the_lab(row: SocketRow) -> bool:
    """Whether a row belongs to the exercise: the engine's own name server listens on 127.0.0.11."""
    return not row.local.address.startswith("127.")


def _identity(row: SocketRow) -> tuple[object, ...]:
    """What makes two rows the same to a reader: all that is shown but the timer, which always runs."""
    holders = frozenset((process.name, process.fd) for process in row.processes)
    return (row.state, row.recv_q, row.send_q, row.local, row.peer, holders)


def _order(row: SocketRow) -> tuple[object, ...]:
    """LISTEN first, then by the peers' ports: `ss` itself prints in hash order."""
    peer = row.peer or Endpoint("", 0)
    return (row.state is not State.LISTEN, row.local.port if row.peer is None else 0, peer.port, row.local.port)


def compare(now: Sequence[SocketRow], before: Sequence[SocketRow] | None) -> tuple[Entry, ...]:
    """Return the rows of now marked against those of before (None: nothing is marked), long rows of likes cut."""
    current = [row for row in now if is_of_the_lab(row)]
    earlier = [row for row in before or () if is_of_the_lab(row)]
    known = {_identity(row) for row in earlier}
    still = {_identity(row) for row in current}
    marked = [
        (_order(row), 1, row, "+" if before is not None and _identity(row) not in known else " ") for row in current
    ]
    marked += [(_order(row), 0, row, "-") for row in earlier if _identity(row) not in still]
    marked.sort(key=lambda one: one[:2])
    return tuple(_shortened([Entry(cells(row), mark) for _, _, row, mark in marked]))


def _alike(entry: Entry) -> tuple[object, ...]:
    state, recv_q, _, local, peer, process = entry.cells
    kind = " ".join(word for word in process.split() if not word.startswith("fd=") and not word.isdigit())
    return (entry.mark, state, recv_q, local.rpartition(":")[0], peer.rpartition(":")[0], kind)


def _shortened(entries: Sequence[Entry]) -> Iterator[Entry]:
    for _, group in itertools.groupby(entries, key=_alike):
        alike = list(group)
        if len(alike) <= _ALIKE_MOST:
            yield from alike
            continue
        yield from alike[: _ALIKE_SHOWN - 1]
        last = alike[_ALIKE_SHOWN - 1]
        yield last._replace(more=len(alike) - _ALIKE_SHOWN)


class _Layout(NamedTuple):
    """A way to draw: the gap, hosts' names beside or above their rows, the program's name in each row or above."""

    gap: int
    beside: bool
    program: bool = True
    below: bool = False


_LAYOUTS: Final = (
    _Layout(gap=2, beside=True),
    _Layout(gap=1, beside=True),
    _Layout(gap=2, beside=False),
    _Layout(gap=1, beside=False),
    _Layout(gap=2, beside=False, program=False),
    _Layout(gap=1, beside=False, program=False),
    _Layout(gap=1, beside=False, below=True),
)
_MARK: Final = 2


def draw(tables: Sequence[HostTable], width: int, more: str, empty: str) -> list[Line]:
    """Return the tables' lines, one above the other in the same columns, at most `width` cells wide.

    `more` is a template with `{count}` for rows left out, `empty` stands where a host has no rows. The first layout
    that fits is taken: the host's name at the left; smaller gaps; the host's name above; the program's name above
    too; the process on a line of its own.
    """
    drawn: list[Line] = []
    for layout in _LAYOUTS:
        drawn = _drawn(tables, layout, more, empty)
        if max(map(line_cells, drawn), default=0) <= width:
            break
    return drawn


def _drawn(tables: Sequence[HostTable], layout: _Layout, more: str, empty: str) -> list[Line]:
    shown = [table if layout.program else _without_program(table) for table in tables]
    visible = len(COLUMNS) - (1 if layout.below else 0)
    rows = [COLUMNS, *(entry.cells for table in shown for entry in table.entries)]
    widths = [max(cell_len(row[index]) for row in rows) for index in range(visible)]
    beside = max((cell_len(table.host) for table in shown), default=0) + 1 if layout.beside else 0
    head = line(" " * (beside + _MARK), Span(_joined(COLUMNS[:visible], widths, layout.gap), Role.DIM))
    lines: list[Line] = [head] if layout.beside else []
    for index, table in enumerate(shown):
        if not layout.beside:
            lines.append(line(Span(table.host, Role.HOST)))
            lines += [head] if index == 0 else []
        lines += _host_rows(table, widths, layout, beside, (more, empty))
    return lines


def _host_rows(
    table: HostTable, widths: Sequence[int], layout: _Layout, beside: int, words: tuple[str, str]
) -> Iterator[Line]:
    more, empty = words
    name = pad(table.host if layout.beside else "", beside)
    if not table.entries:
        yield line(Span(name, Role.HOST), " " * _MARK, Span(empty, Role.DIM))
    for entry in table.entries:
        role = {"+": Role.NEW, "-": Role.GONE}.get(entry.mark, Role.PLAIN)
        text = _joined(entry.cells[: len(widths)], widths, layout.gap)
        yield line(Span(name, Role.HOST), Span(f"{entry.mark} {text}", role))
        name = " " * beside
        if layout.below and entry.cells[-1]:
            under = " " * (beside + _MARK + widths[0] + layout.gap)
            yield line(under, Span(entry.cells[-1], Role.DIM if role is Role.PLAIN else role))
        if entry.more:
            yield line(" " * (beside + _MARK), Span(more.format(count=entry.more), Role.DIM))


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
    return HostTable(f"{table.host}   {program}", entries)


def _joined(cells_: Sequence[str], widths: Sequence[int], gap: int) -> str:
    return (" " * gap).join(pad(cell, width) for cell, width in zip(cells_, widths, strict=True)).rstrip()
