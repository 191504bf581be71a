"""Expected and observed side by side, the cells that differ marked under them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.judge.verdict import Comparison, Pair
from lab.report.ink import Line, Role, Span, line, pad

_GAP: Final = 2
_BETWEEN: Final = 5


class CompareWords(NamedTuple):
    """The words of a comparison."""

    expected: str
    observed: str
    both: str
    missing: str
    unexpected: str


def draw(comparison: Comparison, words: CompareWords, width: int) -> list[Line]:
    """Return the comparison's lines: beside each other when they fit in `width` cells, else row under row."""
    sides = _sides(comparison)
    total = sum(map(sum, sides)) + 2 * _GAP * (len(comparison.columns) - 1) + _BETWEEN
    return list(_beside(comparison, sides, words) if total <= width else _stacked(comparison, words, width))


def _sides(comparison: Comparison) -> tuple[list[int], list[int]]:
    """Return each side's column widths."""
    expected = [pair.expected for pair in comparison.pairs if pair.expected is not None]
    observed = [pair.observed for pair in comparison.pairs if pair.observed is not None]
    return _widths([comparison.columns, *expected]), _widths([comparison.columns, *observed])


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(cell_len(row[index]) for row in rows) for index in range(len(rows[0]))]


def _beside(comparison: Comparison, sides: tuple[list[int], list[int]], words: CompareWords) -> Iterator[Line]:
    left, right = (_total(side, _GAP) for side in sides)
    left = max(left, cell_len(words.expected), cell_len(words.unexpected))
    between = " " * _BETWEEN
    yield line(Span(pad(words.expected, left), Role.STRONG), between, Span(words.observed, Role.STRONG))
    heads = [_row(comparison.columns, side, _GAP) for side in sides]
    yield line(Span(pad(heads[0], left), Role.DIM), between, Span(heads[1], Role.DIM))
    for pair in comparison.pairs:
        yield line(
            *_cells(pair.expected, pair, sides[0], left, words.unexpected),
            between,
            *_cells(pair.observed, pair, sides[1], right, words.missing),
        )
        marks = [_marks(row, pair, side, _GAP) for row, side in zip((pair.expected, pair.observed), sides, strict=True)]
        if any(marks):
            yield line(Span(pad(marks[0], left), Role.DIFFERS), between, Span(marks[1], Role.DIFFERS))


def _stacked(comparison: Comparison, words: CompareWords, width: int) -> Iterator[Line]:
    rows = [comparison.columns, *(row for pair in comparison.pairs for row in (pair.expected, pair.observed) if row)]
    side = _widths(rows)
    label = max(cell_len(word) for word in (words.expected, words.observed, words.both)) + _GAP
    gap = _GAP if label + _total(side, _GAP) <= width else 1
    yield line(" " * label, Span(_row(comparison.columns, side, gap), Role.DIM))
    for pair in comparison.pairs:
        if pair.agrees:
            yield line(Span(pad(words.both, label), Role.DIM), *_cells(pair.expected, pair, side, 0, "", gap))
            continue
        yield line(pad(words.expected, label), *_cells(pair.expected, pair, side, 0, words.unexpected, gap))
        yield line(pad(words.observed, label), *_cells(pair.observed, pair, side, 0, words.missing, gap))
        marks = _marks(pair.observed or pair.expected, pair, side, gap)
        if marks:
            yield line(" " * label, Span(marks, Role.DIFFERS))


def _cells(
    row: tuple[str, ...] | None, pair: Pair, side: Sequence[int], width: int, absent: str, gap: int = _GAP
) -> Iterator[Span]:
    if row is None:
        yield Span(pad(absent, width), Role.DIFFERS)
        return
    alone = pair.expected is None or pair.observed is None
    for index, cell in enumerate(row):
        role = Role.DIFFERS if alone or index in pair.differs else Role.DIM if pair.agrees else Role.PLAIN
        yield Span(cell, role)
        yield Span(" " * (side[index] - cell_len(cell) + (gap if index + 1 < len(row) else 0)))
    if width > (total := _total(side, gap)):
        yield Span(" " * (width - total))


def _marks(row: tuple[str, ...] | None, pair: Pair, side: Sequence[int], gap: int) -> str:
    """Return `^^^` under each differing cell, under the whole row where the other side has none."""
    if row is None:
        return ""
    alone = pair.expected is None or pair.observed is None
    cells = [
        "^" * max(1, cell_len(cell)) if (alone and cell) or index in pair.differs else ""
        for index, cell in enumerate(row)
    ]
    return _row(cells, side, gap).rstrip()


def _row(cells: Sequence[str], side: Sequence[int], gap: int) -> str:
    return (" " * gap).join(pad(cell, width) for cell, width in zip(cells, side, strict=True))


def _total(side: Sequence[int], gap: int) -> int:
    return sum(side) + gap * (len(side) - 1)
