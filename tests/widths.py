"""What a drawing may not do, at whatever width: cut a line to type or a number, shift a table, stick out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.cells import cell_len

WIDTHS: Final = (40, 60, 80, 121, 130, 150, 200)
"""Of terminals: a telephone's, halves and wholes of usual windows, and those between which tables once shifted."""
_TOKEN: Final = re.compile(r"[^\s()\[\],]+")
_LAST: Final = re.compile(r"(?<=[:=])\d+$")


def cut(lines: Iterable[str], whole: Iterable[str]) -> list[str]:
    """Return which of these, lines to type, stand whole on none of the lines."""
    drawn = [*lines]
    return [each for each in whole if not any(one == each or one.endswith(f" {each}") for one in drawn)]


def shortened(lines: Iterable[str], numbers: Iterable[str]) -> list[str]:
    """Return which drawn words are one of these (an address with its port, `fd=12`) whose last digits are missing."""
    known = {*numbers}
    begins = {
        each[: match.start() + 1 + at]
        for each in known
        if (match := _LAST.search(each))
        for at in range(len(match[0]) - 1)
    }
    return [word for one in lines for word in _TOKEN.findall(one) if word in begins - known]


def outside(lines: Iterable[str], width: int) -> list[str]:
    """Return the lines that are wider and could have been folded: they hold more than one word."""
    return [one for one in lines if cell_len(one) > width and len(one.split()) > 1]


def shifted(head: str, rows: Sequence[Sequence[str]], lines: Sequence[str]) -> list[str]:
    """Return the cells of rows that do not begin where their column's head does; each row stands on one of the lines."""
    found = []
    begins = [begin for begin, _ in _columns(head)]
    if len(rows) != len(lines):
        return [f"{len(rows)} rows on {len(lines)} lines"]
    for row, one in zip(rows, lines, strict=True):
        for cell, begin in zip(row, begins, strict=True):
            there = _from_cell(one, begin)
            if cell and not (there.startswith(cell) and (begin == 0 or _from_cell(one, begin - 1).startswith(" "))):
                found.append(f"{cell} in {one!r}")
    return found


def _columns(head: str) -> Iterator[tuple[int, str]]:
    for match in re.finditer(r"\S+", head):
        yield cell_len(head[: match.start()]), match.group()


def _from_cell(text: str, cell: int) -> str:
    """Return what of a text begins at that cell."""
    used = 0
    for place, char in enumerate(text):
        if used >= cell:
            return text[place:]
        used += cell_len(char)
    return ""
