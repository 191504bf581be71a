"""How wide each column is: texts are said shorter until all of them fit; at last two lanes share a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.report.lanes.marks import WIRE_PARTS
from lab.report.lanes.rows import CALLS, Columns, Row
from lab.timeline.model import Lane

FIVE: Final[Columns] = {lane: place for place, lane in enumerate(Lane)}
THREE: Final[Columns] = {
    Lane.CLIENT_CALLS: 0, Lane.CLIENT_STATE: 0, Lane.WIRE: 1, Lane.SERVER_STATE: 2, Lane.SERVER_CALLS: 2,
}  # fmt: skip
ARROW: Final = 5
"""Cells of an arrow beside what is written on it, at the least."""
PLACE: Final = 2
"""Cells for each bar."""
_WIRE: Final = 26


class _Try(NamedTuple):
    """How short the texts are said in the lanes of calls, of states and of the wire, and the gap between columns."""

    gap: int
    calls: int
    states: int
    wire: int


_TRIES: Final = (
    _Try(2, 0, 0, 0), _Try(2, 1, 0, 0), _Try(1, 1, 0, 1), _Try(1, 1, 0, 3), _Try(1, 1, 1, 3), _Try(1, 1, 1, 5),
    _Try(1, 1, 1, 9), _Try(1, 2, 1, 9), _Try(1, 2, 2, 9),
)  # fmt: skip


class Widths(NamedTuple):
    """Cells of each column, and of the gap between two."""

    columns: tuple[int, ...]
    gap: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows with the columns that they were made for, and how wide these are."""

    rows: Sequence[Row]
    columns: Columns
    widths: Widths


def fit(rows: Sequence[Row], columns: Columns, heads: Sequence[str], room: int) -> Widths | None:
    """Return the widths with which the rows fit into `room` cells; None when the shortest texts do not."""
    wire = columns[Lane.WIRE]
    longest = _needs(rows, columns, heads, _TRIES[0])
    for each in _TRIES:
        found = _needs(rows, columns, heads, each)
        left = room - each.gap * len(heads) - sum(found)
        if left < 0:
            continue
        # What is left goes to the arrows first, then to whoever could say more.
        for column in (wire, *range(len(heads))):
            more = max(longest[column], _WIRE if column == wire else 0) - found[column]
            more = max(0, min(more, left))
            found[column] += more
            left -= more
        return Widths(tuple(found), each.gap)
    return None


def squeeze(rows: Sequence[Row], columns: Columns, heads: Sequence[str], room: int) -> Widths:
    """Return widths that fit in any case: texts that find no room are cut."""
    found = fit(rows, columns, heads, room)
    if found is not None:
        return found
    space = room - len(heads)
    return Widths(tuple([max(1, space // len(heads))] * len(heads)), 1)


def _needs(rows: Sequence[Row], columns: Columns, heads: Sequence[str], each: _Try) -> list[int]:
    """Return the cells that each column needs when its texts are said so short."""
    needs = [cell_len(head) for head in heads]
    for row in rows:
        for column, mark in row.cells.items():
            level = each.calls if mark.lane in CALLS else each.wire if mark.lane is Lane.WIRE else each.states
            text = mark.texts[min(level, len(mark.texts) - 1)]
            arrow = ARROW if mark.part in WIRE_PARTS else 0
            needs[column] = max(needs[column], cell_len(text) + PLACE * row.places.get(column, 0) + arrow)
        for lane in CALLS:
            bars = [PLACE * place + 1 for place in row.bars.get(lane, ())]
            needs[columns[lane]] = max(needs[columns[lane]], *bars, 0)
    return needs
