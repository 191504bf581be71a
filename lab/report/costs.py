"""What models of a server cost, laid side by side: one row each, and under it what breaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.judge.readings.costs import Cost
from lab.report.fold import fold
from lab.report.ink import Line, Role, Span, line, pad, pad_left
from lab.report.lengths import duration

_GAP: Final = 2
_TEN: Final = 10


class CostWords(NamedTuple):
    """The heading's words; `turn` and `once` say how the clients were served; `breaks` is a template with `{text}`."""

    model: str
    served: str
    request: str
    idle: str
    calls: str
    cpu: str
    wakeups: str
    turn: str
    once: str
    breaks: str


def draw(costs: Sequence[tuple[Cost, str | None]], words: CostWords, width: int) -> list[Line]:
    """Return the table's lines; beside each cost the text of what breaks, if there is one."""
    rows = [_cells(cost, words) for cost, _ in costs]
    head = (words.model, words.served, words.calls, words.cpu, words.wakeups, words.calls, words.cpu)
    widths = [max(cell_len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    # The words above several columns may be wider than these.
    widths[4] += max(0, cell_len(words.request) - sum(widths[2:5]) - 2 * _GAP)
    widths[6] += max(0, cell_len(words.idle) - sum(widths[5:7]) - _GAP)
    above = " " * (sum(widths[:2]) + 2 * _GAP)
    over = pad(words.request, sum(widths[2:5]) + 2 * _GAP) + " " * _GAP + words.idle
    lines = [line(Span(above + over, Role.DIM)), line(Span(_row(head, widths), Role.DIM))]
    for row, (_, breaks) in zip(rows, costs, strict=True):
        lines.append(line(_row(row, widths)))
        if breaks:
            lines += [
                line(" " * _GAP, Span(text, Role.DIM)) for text in fold(words.breaks.format(text=breaks), width - _GAP)
            ]
    return lines


def _cells(cost: Cost, words: CostWords) -> tuple[str, ...]:
    return (
        cost.program,
        words.turn if cost.in_turn else words.once,
        _number(cost.calls),
        duration(round(cost.cpu_ns)),
        _number(cost.wakeups),
        f"{cost.idle_calls:.0f}",
        duration(round(cost.idle_cpu_ns)) if cost.idle_cpu_ns else "0",
    )


def _number(value: float) -> str:
    return f"{value:.1f}" if value < _TEN else f"{value:.0f}"


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    left = [pad(text, width) for text, width in zip(row[:2], widths[:2], strict=True)]
    right = [pad_left(text, width) for text, width in zip(row[2:], widths[2:], strict=True)]
    return (" " * _GAP).join((*left, *right)).rstrip()
