"""What a program spent on the same work under several circumstances, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.recording.recording import Usage
from lab.report.ink import Line, Role, Span, line, pad, pad_left
from lab.report.lengths import duration

_BAR: Final = 30
_GAP: Final = 2


class SpentWords(NamedTuple):
    """The heading's words."""

    when: str
    cpu: str
    wakeups: str


def draw(rows: Sequence[tuple[str, Usage, Usage]], requests: int, words: SpentWords, width: int) -> list[Line]:
    """Return a row for each span: processor time and wake-ups for a request, and in the room left a bar of the time."""
    times = [max(0, last.cpu_ns - first.cpu_ns) / requests for _, first, last in rows]
    wakeups = [f"{(last.voluntary - first.voluntary) / requests:.1f}" for _, first, last in rows]
    cells = [
        words,
        *((name, duration(round(time)), woken) for (name, _, _), time, woken in zip(rows, times, wakeups, strict=True)),
    ]
    widths = [max(cell_len(row[at]) for row in cells) for at in range(len(words))]
    lines = [line(Span(_row(words, widths), Role.DIM))]
    longest = min(_BAR, width - sum(widths) - _GAP * len(widths))
    for row, time in zip(cells[1:], times, strict=True):
        bar = "█" * max(1, round(longest * time / max(1, *times))) if longest > 0 else ""
        lines.append(line(_row(row, widths), " " * _GAP, Span(bar, Role.STATE)))
    return lines


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = row
    right = [pad_left(text, width) for text, width in zip(numbers, widths[1:], strict=True)]
    return (" " * _GAP).join((pad(name, widths[0]), *right))
