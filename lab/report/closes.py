"""How a step's connections were closed: bars of how many took three segments, how many four."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from rich.cells import cell_len

from lab.recording.play import Step
from lab.recording.run import Run
from lab.report.ink import Line, Role, Span, line, pad, pad_left

_BAR: Final = 30
_SHARE: Final = 7


def closes_of(run: Run, step: Step, host: str = "server") -> Mapping[int, int]:
    """Return how many conversations begun in the step were closed with how many segments (0: no clean close)."""
    counts = Counter(
        conversation.close_segments or 0
        for conversation in run.recording.capture(host).conversations
        if step.begun_ns <= conversation.segments[0].time_ns <= step.ended_ns
    )
    return dict(sorted(counts.items()))


def draw(counts: Mapping[int, int], names: Mapping[int, str], room: int) -> list[Line]:
    """Return a bar for each number of segments, at most `room` cells wide; `names` gives its words."""
    total = sum(counts.values())
    if not total:
        return []
    width = max(cell_len(text) for text in names.values()) + 2
    most = max(counts.values())
    longest = max(1, min(_BAR, room - width - 2 - len(str(most)) - _SHARE))
    lines: list[Line] = []
    for number, count in counts.items():
        bar = "█" * max(1, round(longest * count / most))
        share = f"{100 * count / total:.0f} %"
        lines.append(
            line(
                pad(names[number], width),
                Span(pad(bar, longest + 2), Role.STATE),
                Span(pad_left(str(count), len(str(most))), Role.STRONG),
                Span(f"  {pad_left(share, 5)}", Role.DIM),
            )
        )
    return lines
