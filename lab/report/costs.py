"""What models of a server cost, laid side by side: one row each, under it the first answers and what breaks."""

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
    """The heading's words; `turn` and `once` say how the clients were served.

    `first` is a template with `{text}` for the first answers: one `answer` (`{name}`, `{time}`) for each client, with
    `between` between two; `breaks` is one for what breaks.
    """

    model: str
    served: str
    request: str
    idle: str
    calls: str
    cpu: str
    host: str
    wakeups: str
    turn: str
    once: str
    first: str
    answer: str
    between: str
    breaks: str


def draw(costs: Sequence[tuple[Cost, str | None]], words: CostWords, width: int) -> list[Line]:
    """Return the table's lines; beside each cost the text of what breaks, if there is one."""
    rows = [_cells(cost, words) for cost, _ in costs]
    head = (words.model, words.served, words.calls, words.cpu, words.host, words.wakeups, words.calls, words.cpu)
    widths = [max(cell_len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    # The words above several columns may be wider than these.
    widths[5] += max(0, cell_len(words.request) - sum(widths[2:6]) - 3 * _GAP)
    widths[7] += max(0, cell_len(words.idle) - sum(widths[6:8]) - _GAP)
    above = " " * (sum(widths[:2]) + 2 * _GAP)
    over = pad(words.request, sum(widths[2:6]) + 3 * _GAP) + " " * _GAP + words.idle
    lines = [line(Span(above + over, Role.DIM)), line(Span(_row(head, widths), Role.DIM))]
    for row, (cost, breaks) in zip(rows, costs, strict=True):
        lines.append(line(_row(row, widths)))
        under = [_first(cost, words), words.breaks.format(text=breaks)] if breaks else [_first(cost, words)]
        lines += [line(" " * _GAP, Span(text, Role.DIM)) for each in under for text in fold(each, width - _GAP)]
    return lines


def _first(cost: Cost, words: CostWords) -> str:
    answers = (words.answer.format(name=name, time=duration(waited)) for name, waited in cost.first_answers_ns)
    return words.first.format(text=words.between.join(answers))


def _cells(cost: Cost, words: CostWords) -> tuple[str, ...]:
    return (
        cost.program,
        words.turn if cost.in_turn else words.once,
        _number(cost.calls),
        duration(round(cost.cpu_ns)),
        "-" if cost.host_cpu_ns is None else duration(round(cost.host_cpu_ns)),
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
