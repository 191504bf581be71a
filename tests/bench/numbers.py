"""Pure: what several measurements say together, and how they stand to each other and to a goal."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of `count` measurements, in their own unit."""

    median: float
    low: float
    high: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    """Return the spread of at least one measurement; ValueError without any."""
    if not values:
        raise ValueError("no measurement")
    return Spread(statistics.median(values), min(values), max(values), len(values))


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal for a ratio: with `faster`, so many times faster at least; else so many times as long at most."""

    factor: float
    faster: bool

    def reached(self, ratio: float) -> bool:
        """Tell whether a ratio, taken the goal's way round, reaches it."""
        return ratio >= self.factor if self.faster else ratio <= self.factor


@dataclass(frozen=True, slots=True)
class Bound:
    """A goal for a figure that stands alone: so much at the least, or at the most; `always`: in every round."""

    figure: float
    least: bool
    always: bool = False

    def reached(self, values: Sequence[float]) -> bool:
        """Tell whether the median reaches it, or, where it must always be reached, each of at least one value."""
        judged = values if self.always else [statistics.median(values)]
        return all(value >= self.figure if self.least else value <= self.figure for value in judged)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the lab takes against something else, in seconds: the n-th of each was measured in the n-th round.

    `id` finds its texts; without a `goal` it is only told; `dropped` counts the rounds that measured nothing (a run without a verdict of pass); `parts` are
    medians in seconds, by name, of what `other` consists of, and `peaks` medians of peak memory in bytes, for the row's
    note.
    """

    id: str
    lab: tuple[float, ...]
    other: tuple[float, ...]
    goal: Goal | None
    dropped: int = 0
    parts: Mapping[str, float] = field(default_factory=dict)
    peaks: Mapping[str, float] = field(default_factory=dict)

    def ratios(self) -> tuple[float, ...]:
        """Return each round's ratio: other / lab for a goal of `faster`, lab / other else.

        Round by round, since a machine that drifts hits both halves of a round alike.
        """
        pairs = zip(self.lab, self.other, strict=True)
        faster = self.goal is not None and self.goal.faster
        return tuple(other / lab if faster else lab / other for lab, other in pairs)

    def reached(self) -> bool | None:
        """Tell whether the median ratio reaches the goal; None without a goal, and when nothing was measured."""
        ratios = self.ratios()
        return self.goal.reached(statistics.median(ratios)) if self.goal and ratios else None


@dataclass(frozen=True, slots=True)
class Plain:
    """Measurements that stand against nothing, but perhaps against a goal.

    `unit` is s (seconds), /s (how many in a second), % or n (how many). `peaks` are the peak memory of each, in bytes.
    """

    id: str
    values: tuple[float, ...]
    unit: str = "s"
    dropped: int = 0
    goal: Bound | None = None
    peaks: tuple[float, ...] = ()

    def reached(self) -> bool | None:
        """Tell whether the goal is reached; None without one, and when nothing was measured."""
        return self.goal.reached(self.values) if self.goal and self.values else None


Row = Comparison | Plain
