"""Pure: the figures as cells, and the cells as markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lab.text.catalog import Catalog
from tests.bench.numbers import Comparison, Plain, Row, spread

NOTHING: Final = "—"
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Cells:
    """A table: its header and its rows; the first column is words, all others are figures."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def duration(seconds: float) -> str:
    """Return a time with three digits: 0.284 ms, 12.3 ms, 456 ms, 1.23 s."""
    unit, scale = _unit(seconds)
    return f"{digits(seconds * scale)} {unit}"


def _unit(seconds: float) -> tuple[str, float]:
    return ("ms", 1000.0) if seconds < 1 else ("s", 1.0)


def digits(number: float) -> str:
    """Return a number with three significant digits, a larger one whole and with its thousands apart."""
    whole_from, one_from, two_from = 99.95, 9.995, 0.9995  # each rounds up to the next digit
    if number >= whole_from:
        return f"{number:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{number:.1f}" if number >= one_from else f"{number:.2f}" if number >= two_from else f"{number:.3f}"


def _percent(number: float) -> str:
    """Return a share to a thousandth of a percent, never rounded up: what is not all is not called all."""
    cut = math.floor(number * 1000) / 1000
    return f"{cut:.3f}".rstrip("0").rstrip(".") if cut >= 1 else digits(number) if number else "0"


def _count(number: float) -> str:
    return f"{number:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _times(values: Sequence[float]) -> str:
    """Return the median and, in its unit, the least and the greatest."""
    found = spread(values)
    _, scale = _unit(found.median)
    return f"{duration(found.median)} ({digits(found.low * scale)}–{digits(found.high * scale)})"


def _numbers(values: Sequence[float]) -> tuple[str, str]:
    """Return the median, and the least and the greatest."""
    found = spread(values)
    return digits(found.median), f"({digits(found.low)}–{digits(found.high)})"


def comparisons(rows: Sequence[Row], texts: Catalog) -> Cells:
    """Return the ratios: what, the lab's time, the other's, their ratio, the goal, whether it is reached."""
    header = tuple(texts.get(f"header.{name}") for name in ("what", "lab", "other", "ratio", "goal", "reached"))
    return Cells(header, tuple(_comparison(row, texts) for row in rows if isinstance(row, Comparison)))


def _comparison(row: Comparison, texts: Catalog) -> tuple[str, ...]:
    way = "faster" if row.goal and row.goal.faster else "at-most"
    goal = texts.get(f"goal.{way}", factor=f"{row.goal.factor:g}") if row.goal else NOTHING
    what = texts.get(f"rows.{row.id}")
    if not row.lab:
        return (what, NOTHING, NOTHING, NOTHING, goal, NOTHING)
    median, extremes = _numbers(row.ratios())
    ratio = f"{texts.get(f'ratio.{way}', ratio=median)} {extremes}"
    return (what, _times(row.lab), _times(row.other), ratio, goal, _reached(row, texts))


def _reached(row: Row, texts: Catalog) -> str:
    reached = row.reached()
    return NOTHING if reached is None else texts.get("reached.yes" if reached else "reached.no")


def aims(rows: Sequence[Row], texts: Catalog) -> Cells:
    """Return the measurements that stand alone and have a goal: what, how much, the goal, whether it is reached."""
    header = tuple(texts.get(f"header.{name}") for name in ("aims", "figure", "goal", "reached"))
    found = [row for row in rows if isinstance(row, Plain) and row.goal]
    return Cells(header, tuple((*_plain(row, texts), _bound(row, texts), _reached(row, texts)) for row in found))


def _bound(row: Plain, texts: Catalog) -> str:
    if row.goal is None:
        return NOTHING
    way = "always" if row.goal.always else "least" if row.goal.least else "most"
    return texts.get(f"bound.{way}", figure=_alone(row.goal.figure, row.unit))


def plain(rows: Sequence[Row], texts: Catalog) -> Cells:
    """Return the measurements that stand alone and have no goal: what, and how much."""
    header = (texts.get("header.plain"), texts.get("header.figure"))
    found = [row for row in rows if isinstance(row, Plain) and not row.goal]
    return Cells(header, tuple(_plain(row, texts) for row in found))


def _plain(row: Plain, texts: Catalog) -> tuple[str, str]:
    what = texts.get(f"rows.{row.id}")
    if not row.values:
        return (what, NOTHING)
    figure = _times(row.values) if row.unit == "s" else _figures(row.values, row.unit)
    if row.peaks:
        figure = texts.get("figure.peak", figure=figure, peak=_size(spread(row.peaks).median))
    return (what, figure)


def _figures(values: Sequence[float], unit: str) -> str:
    found = spread(values)
    return f"{_alone(found.median, unit)} ({_bare(found.low, unit)}–{_bare(found.high, unit)})"


def _alone(number: float, unit: str) -> str:
    """Return a figure with its unit: 2 500/s, 99.98 %, 0."""
    return _bare(number, unit) + {"/s": "/s", "%": " %"}.get(unit, "")


def _bare(number: float, unit: str) -> str:
    return {"%": _percent, "n": _count}.get(unit, digits)(number)


def _size(number: float) -> str:
    return f"{digits(number / _MEGABYTE)} MB"


def facts_line(facts: Mapping[str, str], texts: Catalog, rounds: int) -> str:
    """Return on which machine, when, and how often."""
    return texts.get("facts", **facts, rounds=rounds)


def notes(rows: Sequence[Row], texts: Catalog) -> list[str]:
    """Return what a reader must know to read the figures, for the rows that are there."""
    found = [texts.get("notes.how")]
    found += [_note(row, texts) for row in rows if isinstance(row, Comparison) and (row.parts or row.peaks)]
    groups: dict[str, int] = {}
    for row in rows:
        group = row.id.partition("-")[0]
        groups[group] = max(groups.get(group, 0), _rounds(row))
    said = (texts.maybe(f"parts.{group}", rounds=count) for group, count in groups.items())
    found += [note for note in said if note]
    found += [texts.get("notes.dropped", what=row.id, count=row.dropped) for row in rows if row.dropped]
    return found


def _note(row: Comparison, texts: Catalog) -> str:
    said = {name: duration(part) for name, part in row.parts.items()}
    said |= {name: _size(peak) for name, peak in row.peaks.items()}
    return texts.get(f"notes.{row.id}", **said, rounds=_rounds(row))


def _rounds(row: Row) -> int:
    return len(row.lab if isinstance(row, Comparison) else row.values)


def document(rows: Sequence[Row], facts: Mapping[str, str], rounds: int, texts: Catalog) -> str:
    """Return all of it as markdown: the tables, the notes and the machine; a table without a row is left out."""
    tables = [cells for cells in (comparisons(rows, texts), aims(rows, texts), plain(rows, texts)) if cells.rows]
    parts = [*map(markdown, tables), *notes(rows, texts), facts_line(facts, texts, rounds)]
    return "\n\n".join(parts) + "\n"


def markdown(cells: Cells) -> str:
    """Return the cells as a table of markdown."""
    lines = [cells.header, ("---", *["--:"] * (len(cells.header) - 1)), *cells.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
