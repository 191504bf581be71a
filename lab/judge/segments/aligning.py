"""Lay a ladder beside the segments of a capture, so that as few of them as possible differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lab.judge.segments.rungs import Rung
from lab.wire.segment import Segment

Wrong = Callable[["Rung", "Segment"], frozenset[str]]

_GAP: Final = 2
"""What a rung without segment, or a segment without rung, costs; a pair that differs in n cells costs 1 + n."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """A rung beside a segment, or one of them alone; `wrong` names the columns that differ."""

    rung: Rung | None
    segment: Segment | None
    wrong: frozenset[str]

    @property
    def agrees(self) -> bool:
        """Whether nothing is amiss here; an optional rung may stand alone."""
        if self.segment is None:
            return self.rung is not None and self.rung.optional
        return self.rung is not None and not self.wrong


def align(rungs: Sequence[Rung], segments: Sequence[Segment], wrong: Wrong) -> tuple[Aligned, ...]:
    """Return the cheapest alignment in order (Needleman and Wunsch's), optional rungs left out for nothing.

    It costs nothing exactly when the ladder matches.
    """
    costs = _costs(rungs, segments, wrong)
    aligned: list[Aligned] = []
    i = j = 0
    while i < len(rungs) or j < len(segments):
        if i < len(rungs) and j < len(segments):
            differs = wrong(rungs[i], segments[j])
            if costs[i][j] == _pair_cost(rungs[i], differs) + costs[i + 1][j + 1]:
                aligned.append(Aligned(rungs[i], segments[j], differs))
                i, j = i + 1, j + 1
                continue
        if i < len(rungs) and costs[i][j] == _gap_cost(rungs[i]) + costs[i + 1][j]:
            aligned.append(Aligned(rungs[i], None, frozenset()))
            i += 1
        else:
            aligned.append(Aligned(None, segments[j], frozenset()))
            j += 1
    return tuple(aligned)


def _costs(rungs: Sequence[Rung], segments: Sequence[Segment], wrong: Wrong) -> list[list[float]]:
    """Return at [i][j] the least cost of aligning what follows rung i with what follows segment j."""
    costs = [[0.0] * (len(segments) + 1) for _ in range(len(rungs) + 1)]
    for j in reversed(range(len(segments))):
        costs[-1][j] = costs[-1][j + 1] + _GAP
    for i in reversed(range(len(rungs))):
        costs[i][-1] = costs[i + 1][-1] + _gap_cost(rungs[i])
        for j in reversed(range(len(segments))):
            costs[i][j] = min(
                _pair_cost(rungs[i], wrong(rungs[i], segments[j])) + costs[i + 1][j + 1],
                _gap_cost(rungs[i]) + costs[i + 1][j],
                _GAP + costs[i][j + 1],
            )
    return costs


def _gap_cost(rung: Rung) -> int:
    return 0 if rung.optional else _GAP


def _pair_cost(rung: Rung, differs: frozenset[str]) -> float:
    if not differs:
        return 0
    # A segment from the other side is another segment, and an optional one that differs is not that one.
    return float("inf") if "Segment" in differs or rung.optional else 1 + len(differs)
