"""The drawing: rows as lines of spans, at any width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size

from lab.report.ink import Line, Role, Span, line, pad, pad_left
from lab.report.lanes.choice import Choice
from lab.report.lanes.layout import ARROW, FIVE, PLACE, THREE, Layout, fit, squeeze
from lab.report.lanes.marks import WIRE_PARTS, Mark, Part
from lab.report.lanes.rows import CALLS, STATES, Row, Title, rows_of, shortened
from lab.report.lanes.telling import Told
from lab.report.lengths import duration, milliseconds
from lab.timeline.model import Lane

_BAR: Final = "│"
_LASTS: Final = "┊"
_BEFORE: Final = "…"
_UNIT: Final = "ms"
_LONGEST_NAME: Final = 10


class LaneWords(NamedTuple):
    """The heads of the five lanes, of the two sides where lanes share a column, and of the connections' names.

    `more` says how many lines are left out.
    """

    heads: tuple[str, str, str, str, str]
    sides: tuple[str, str, str]
    name: str
    more: Callable[[int], str]


def draw(
    told: Told, choice: Choice, words: LaneWords, width: int, titles: Sequence[Title] = (), most: int | None = None
) -> list[Line]:
    """Return the drawing's lines, at most `width` cells wide: five columns, or three where five do not fit.

    With `most`, what is in the middle of more lines is left out.
    """
    names = _names(choice, words) if choice.several else 0
    for columns, heads in ((FIVE, words.heads), (THREE, words.sides)):
        rows = shortened(rows_of(told, columns, titles, several=choice.several), most)
        times = max([len(_UNIT), *(cell_len(_time(row, choice.zero_ns)) for row in rows)])
        room = width - times - (names + 1 if names else 0)
        widths = fit(rows, columns, heads, room)
        if widths is None and columns is THREE:
            widths = squeeze(rows, columns, heads, room)
        if widths is not None:
            return [*_Drawing(Layout(rows, columns, widths), choice, words, times, names).lines(heads)]
    raise AssertionError  # three columns always fit


def _names(choice: Choice, words: LaneWords) -> int:
    return min(_LONGEST_NAME, max(map(cell_len, (words.name, *choice.labels.values()))))


def _time(row: Row, zero_ns: int) -> str:
    if row.passed_ns:
        return f"+ {duration(row.passed_ns)}"
    if row.left_out or row.title:
        return ""
    return _BEFORE if row.time_ns is None else milliseconds(row.time_ns - zero_ns)


class _Drawing:
    """One drawing, its widths known."""

    def __init__(self, layout: Layout, choice: Choice, words: LaneWords, times: int, names: int) -> None:
        self._layout, self._choice, self._words = layout, choice, words
        self._times, self._names = times, names
        columns, gap = layout.widths
        self._width = times + (names + 1 if names else 0) + sum(columns) + gap * len(columns)
        self._lanes = [
            [lane for lane, column in layout.columns.items() if column == place]
            for place in range(len(layout.widths.columns))
        ]

    def lines(self, heads: Sequence[str]) -> Iterator[Line]:
        """Yield the heads, then the rows."""
        gap = Span(" " * self._layout.widths.gap)
        columns = zip(heads, self._layout.widths.columns, strict=True)
        texts = [Span(exactly(head, width), Role.HOST) for head, width in columns]
        unit = Span(pad_left(_UNIT, self._times), Role.DIM)
        yield line(unit, *self._name(self._words.name, Role.HOST), *_each(gap, texts))
        for row in self._layout.rows:
            yield self._line(row, gap)

    def _line(self, row: Row, gap: Span) -> Line:
        if row.title:
            return line(Span(exactly(row.title, self._width).rstrip(), Role.TITLE))
        start = Span(pad_left(_time(row, self._choice.zero_ns), self._times), Role.DIM)
        if row.left_out:
            return line(start, gap, Span(self._words.more(row.left_out), Role.DIM))
        name = "" if row.talk is None else self._choice.labels.get(row.talk, "")
        cells = [
            cell(row, column, width, self._lanes[column]) for column, width in enumerate(self._layout.widths.columns)
        ]
        spans = [span for drawn in cells for span in (gap, *drawn)]
        return line(start, *self._name(name, Role.PLAIN), *spans)

    def _name(self, name: str, role: Role) -> tuple[Span, ...]:
        return (Span(" "), Span(exactly(name, self._names), role)) if self._names else ()


def cell(row: Row, column: int, width: int, lanes: Sequence[Lane]) -> tuple[Span, ...]:
    """Return a column of a row, in exactly so many cells, with the bars that stand in it; `lanes` are the column's."""
    mark = row.cells.get(column)
    if list(lanes) == [Lane.WIRE]:
        return (Span(" " * width),) if mark is None else _on_wire(mark, width)
    bars = {PLACE * place for lane in lanes if lane in CALLS for place in row.bars.get(lane, ())}
    if lanes[0] in STATES and row.lasting.intersection(lanes):
        bars = {0}
    shape = _BAR if any(lane in CALLS for lane in lanes) else _LASTS
    if mark is None:
        return (Span(_barred(bars, shape, 0, width), Role.DIM),)
    begin = PLACE * row.places.get(column, 0)
    text = _chosen(mark, width - begin)
    end = begin + cell_len(text)
    return (
        Span(_barred(bars, shape, 0, begin), Role.DIM),
        Span(text, mark.role),
        Span(_barred(bars, shape, end, width), Role.DIM),
    )


def _each(gap: Span, spans: Sequence[Span]) -> Iterator[Span]:
    for span in spans:
        yield gap
        yield span


def _barred(bars: set[int], shape: str, begin: int, end: int) -> str:
    """Return the cells from `begin` to `end`, with the bars that stand in them; none touches what is before it."""
    return "".join(shape if cell in bars and (cell > begin or not begin) else " " for cell in range(begin, end))


def _chosen(mark: Mark, width: int) -> str:
    """Return the longest text that fits; the shortest is cut when not even that does."""
    for text in mark.texts:
        if cell_len(text) <= width:
            return text
    return exactly(mark.texts[-1], width).rstrip() if width > 0 else ""


def exactly(text: str, width: int) -> str:
    """Return the text in exactly so many cells, cut with an ellipsis when it is longer."""
    if cell_len(text) <= width:
        return pad(text, width)
    return set_cell_size(text, max(0, width - 1)) + "…" if width > 0 else ""


def _on_wire(mark: Mark, width: int) -> tuple[Span, ...]:
    """Return an arrow from its sender to its receiver with what it says on it, or what stands for segments left out."""
    if mark.part not in WIRE_PARTS:
        text = _chosen(mark, width)
        margin = (width - cell_len(text)) // 2
        return (Span(pad(" " * margin + text, width), mark.role),)
    text = _chosen(mark, width - ARROW)
    shaft = "─" * (width - ARROW - cell_len(text))
    begin = "…" if mark.part is Part.ARRIVED else "─"
    if mark.from_client:
        left, right = f"{begin}─ ", f" {shaft}{_tip(mark.part, '▶')}"
    else:
        left, right = f"{_tip(mark.part, '◀')}─ ", f" {shaft}{begin}"
    return Span(left, Role.DIM), Span(text, mark.role), Span(right, Role.DIM)


def _tip(part: Part, tip: str) -> str:
    return {Part.LEFT: "…", Part.LOST: "✗"}.get(part, tip)
