"""Read a socket table as an exercise writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lab.judge.errors import ExerciseError
from lab.judge.sockets.cells import COLUMNS, MAY_BE_EMPTY, Cell

_GAP: Final = re.compile(r"\s{2,}")


@dataclass(frozen=True, slots=True)
class Grid:
    """A table's columns, and its rows of one cell per column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def parse_grid(text: str, *, id: str) -> Grid:  # noqa: A002 - the exercise's word
    """Read a table: column names first, then a row per line, cells two or more spaces apart.

    A row may leave out Process and Timer cells; its other cells then stand below the names of their columns. `-` is an
    empty cell too. Raises ExerciseError naming the expectation `id` and the line.
    """
    lines = [line.rstrip() for line in text.expandtabs().splitlines() if line.strip()]
    if not lines:
        raise ExerciseError("table-empty", id=id)
    header, *body = lines
    columns = tuple(header.split())
    for column in columns:
        if column not in COLUMNS or columns.count(column) > 1:
            known = ", ".join(COLUMNS)
            raise ExerciseError("table-column", id=id, line=header.strip(), column=column, known=known)
    return Grid(columns, tuple(_row(line, header, columns, id) for line in body))


def _row(line: str, header: str, columns: tuple[str, ...], expectation: str) -> tuple[Cell, ...]:
    texts = _split(line, header, columns)
    if texts is None:
        raise ExerciseError("table-row", id=expectation, line=line.strip(), columns=", ".join(columns))
    return tuple(_cell(column, text, line, expectation) for column, text in zip(columns, texts, strict=True))


def _cell(column: str, text: str, line: str, expectation: str) -> Cell:
    try:
        return COLUMNS[column](text)
    except ValueError:
        raise ExerciseError("table-cell", id=expectation, line=line.strip(), column=column, cell=text or "-") from None


def _split(line: str, header: str, columns: tuple[str, ...]) -> list[str] | None:
    """Return a text per column, None when it cannot be told which cell is which."""
    texts = _GAP.split(line.strip())
    if len(texts) == len(columns):
        return texts
    below = _split_below(line, header)
    if below is not None and all(text or column in MAY_BE_EMPTY for column, text in zip(columns, below, strict=True)):
        return below
    left_out = columns[len(texts) :]
    # With one optional column at the end there is no doubt which cell is missing, aligned or not.
    return [*texts, ""] if len(left_out) == 1 and set(left_out) <= MAY_BE_EMPTY else None


def _split_below(line: str, header: str) -> list[str] | None:
    """Cut a line where the header's names begin, if each cut falls on a space."""
    starts = [match.start() for match in re.finditer(r"\S+", header)]
    if line[: starts[0]].strip() or any(not line[at - 1 : at].isspace() for at in starts[1:] if at < len(line)):
        return None
    texts = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], len(line)], strict=True)]
    return None if any(_GAP.search(text) for text in texts) else texts
