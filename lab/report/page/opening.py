"""Which connections the page begins with: those of the lesson, not all that were recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lab import views
from lab.exercise import Step
from lab.report.page.run import PageRun
from lab.timeline.model import Talk, Timeline

SEVERAL: Final = 12
"""As many as have lanes of their own (layout.js)."""


def lesson(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return the clients of the first timeline that the exercise itself shows; none where it shows none."""
    shown = (view for step in steps for view in step.show if isinstance(view, views.Timeline))
    first = next(shown, None)
    return () if first is None else first.clients


def opening(timeline: Timeline, run: PageRun) -> tuple[int, ...]:
    """Return the numbers of the connections to begin with.

    Those of the lesson's clients; else of the first step, the exercise's own where it names some; else all.
    """
    wanted = [talk for talk in timeline.talks if talk.name in run.first] or _of_first_step(timeline, run)
    return tuple(talk.number for talk in wanted if len(wanted) <= SEVERAL) or tuple(range(len(timeline.talks)))


def _of_first_step(timeline: Timeline, run: PageRun) -> Sequence[Talk]:
    begins = sorted(step.begun_ns for step in run.steps)
    named = [talk for talk in timeline.talks if talk.name] or timeline.talks
    for begin, end in zip(begins, [*begins[1:], timeline.ended_ns + 1], strict=True):
        if found := [talk for talk in named if begin <= talk.begun_ns < end]:
            return found
    return named
