"""Expected and observed side by side, the cells that differ marked under them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.foreign import shown
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
    """Return the comparison's lines: beside each other when they fit in `width` cells, else row under row.

    Where even that is too wide, columns in which nothing differs are left out, those that never vary first.
    """
    comparison = _plain(comparison)
    if _beside_width(comparison, words) <= width:
        return list(_beside(comparison, words))
    while _stacked_width(comparison, words, 1) > width and (column := _dispensable(comparison)) is not None:
        comparison = _without(comparison, column)
    gap = _GAP if _stacked_width(comparison, words, _GAP) <= width else 1
    return list(_stacked(comparison, words, gap))


def _plain(comparison: Comparison) -> Comparison:
    """Return the comparison with cells of text that is printable, and so as wide as it is drawn."""

    def plain(row: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if row is None else tuple(map(shown, row))

    pairs = (Pair(plain(pair.expected), plain(pair.observed), pair.differs) for pair in comparison.pairs)
    return Comparison(comparison.columns, tuple(pairs))


def _sides(comparison: Comparison) -> tuple[list[int], list[int]]:
    """Return each side's column widths."""
    expected = [pair.expected for pair in comparison.pairs if pair.expected is not None]
    observed = [pair.observed for pair in comparison.pairs if pair.observed is not None]
    return _widths([comparison.columns, *expected]), _widths([comparison.columns, *observed])


def _all_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    return [row for pair in comparison.pairs for row in (pair.expected, pair.observed) if row is not None]


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(cell_len(row[index]) for row in rows) for index in range(len(rows[0]))]


def _left_width(comparison: Comparison, words: CompareWords) -> int:
    named = (words.expected, words.unexpected)
    return max(_total(_sides(comparison)[0], _GAP), *map(cell_len, named))


def _beside_width(comparison: Comparison, words: CompareWords) -> int:
    right = max(_total(_sides(comparison)[1], _GAP), cell_len(words.missing))
    return _left_width(comparison, words) + _BETWEEN + right


def _stacked_width(comparison: Comparison, words: CompareWords, gap: int) -> int:
    return _label(words) + _total(_widths([comparison.columns, *_all_rows(comparison)]), gap)


def _label(words: CompareWords) -> int:
    return max(map(cell_len, words)) + _GAP


def _dispensable(comparison: Comparison) -> int | None:
    """Return a column that may be left out: nothing differs in it; best an empty one, or one that never varies."""
    told = frozenset().union(*(pair.differs for pair in comparison.pairs))
    silent = [index for index in range(len(comparison.columns)) if index not in told]
    if len(comparison.columns) == 1 or not silent:
        return None
    rows = _all_rows(comparison)
    shown = {index: {row[index] for row in rows} for index in silent}
    return min(silent, key=lambda index: (shown[index] != {""}, len(shown[index])))


def _without(comparison: Comparison, column: int) -> Comparison:
    def cut(row: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if row is None else (*row[:column], *row[column + 1 :])

    pairs = tuple(
        Pair(cut(pair.expected), cut(pair.observed), frozenset(at - (at > column) for at in pair.differs))
        for pair in comparison.pairs
    )
    return Comparison((*comparison.columns[:column], *comparison.columns[column + 1 :]), pairs)


def _beside(comparison: Comparison, words: CompareWords) -> Iterator[Line]:
    sides = _sides(comparison)
    left, between = _left_width(comparison, words), " " * _BETWEEN
    yield line(Span(pad(words.expected, left), Role.STRONG), between, Span(words.observed, Role.STRONG))
    heads = [_row(comparison.columns, side, _GAP) for side in sides]
    yield line(Span(pad(heads[0], left), Role.DIM), between, Span(heads[1], Role.DIM))
    for pair in comparison.pairs:
        yield line(
            *_cells(pair.expected, pair, sides[0], _GAP, words.unexpected),
            " " * (left - _shown_width(pair.expected, sides[0], words.unexpected)),
            between,
            *_cells(pair.observed, pair, sides[1], _GAP, words.missing),
        )
        if pair.differs:
            marks = [
                _marks(pair, side, _GAP, row) for row, side in zip((pair.expected, pair.observed), sides, strict=True)
            ]
            yield line(Span(pad(marks[0], left), Role.DIFFERS), between, Span(marks[1], Role.DIFFERS))


def _shown_width(row: tuple[str, ...] | None, side: Sequence[int], absent: str) -> int:
    return cell_len(absent) if row is None else _total(side, _GAP)


def _stacked(comparison: Comparison, words: CompareWords, gap: int) -> Iterator[Line]:
    side, label = _widths([comparison.columns, *_all_rows(comparison)]), _label(words)
    yield line(" " * label, Span(_row(comparison.columns, side, gap), Role.DIM))
    for pair in comparison.pairs:
        for name, row, role in _named(pair, words):
            yield line(Span(pad(name, label), role), *_cells(row, pair, side, gap, ""))
        if pair.differs:
            yield line(" " * label, Span(_marks(pair, side, gap, pair.observed), Role.DIFFERS))


def _named(pair: Pair, words: CompareWords) -> Iterator[tuple[str, tuple[str, ...] | None, Role]]:
    """Yield the rows of a pair, each with the word that says which side it is."""
    if pair.observed is None:
        yield words.missing, pair.expected, Role.DIFFERS
    elif pair.expected is None:
        yield words.unexpected, pair.observed, Role.DIFFERS
    elif pair.agrees:
        yield words.both, pair.observed, Role.DIM
    else:
        yield words.expected, pair.expected, Role.PLAIN
        yield words.observed, pair.observed, Role.PLAIN


def _cells(row: tuple[str, ...] | None, pair: Pair, side: Sequence[int], gap: int, absent: str) -> Iterator[Span]:
    if row is None:
        yield Span(absent, Role.DIFFERS)
        return
    alone = pair.expected is None or pair.observed is None
    for index, cell in enumerate(row):
        role = Role.DIFFERS if alone or index in pair.differs else Role.DIM if pair.agrees else Role.PLAIN
        yield Span(cell, role)
        yield Span(" " * (side[index] - cell_len(cell) + (gap if index + 1 < len(row) else 0)))


def _marks(pair: Pair, side: Sequence[int], gap: int, row: tuple[str, ...] | None) -> str:
    """Return `^^^` under each cell of the row that differs; an empty one by a single mark."""
    cells = ["^" * (cell_len(cell) or 1) if index in pair.differs else "" for index, cell in enumerate(row or ())]
    return _row(cells, side, gap).rstrip() if row is not None else ""


def _row(cells: Sequence[str], side: Sequence[int], gap: int) -> str:
    return (" " * gap).join(pad(cell, width) for cell, width in zip(cells, side, strict=True))


def _total(side: Sequence[int], gap: int) -> int:
    return sum(side) + gap * (len(side) - 1)
