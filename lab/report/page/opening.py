"""Which connections the page begins with: those of the lesson, not all that were recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from lab import views
from lab.exercise import Step
from lab.report.page.run import PageRun
from lab.timeline.model import SegmentSent, Talk, Timeline

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
    begins = [*sorted(step.begun_ns for step in run.steps), timeline.ended_ns + 1]
    named = [talk for talk in timeline.talks if talk.name] or timeline.talks
    for begin, end in pairwise(begins):
        if found := [talk for talk in named if begin <= _asked_ns(talk, timeline) < end]:
            return found
    return named


def _asked_ns(talk: Talk, timeline: Timeline) -> int:
    """Return when its first segment was sent: the accept() that took it may have waited long before."""
    own = (timeline.moments[number] for number in talk.moments)
    return next((moment.time_ns for moment in own if isinstance(moment.what, SegmentSent)), talk.begun_ns)
