"""How long the queues are: only what lasts is worth a word."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from lab.report.lanes.choice import Choice
from lab.report.lanes.marks import Mark, level_mark
from lab.timeline.model import Lane, Queue, StateChange, Timeline
from lab.wire.state import State

_BRIEF_NS: Final = 1_000_000
"""A queue that is read at once is no news."""
_OVER: Final = frozenset({State.TIME_WAIT, State.CLOSED})


def level_marks(timeline: Timeline, choice: Choice) -> Iterator[Mark]:
    """Yield a mark for each length that a queue of the choice kept for a while, and for its end.

    An end that is closed or waits in TIME-WAIT has no queue any more.
    """
    begun_ns, ended_ns = choice.window
    for queue in timeline.queues:
        if not choice.waits_in(queue):
            continue
        lane = Lane.CLIENT_STATE if queue.at_client else Lane.SERVER_STATE
        over_ns = _over(timeline, queue, lane)
        levels = [level for level in queue.levels if over_ns is None or level.time_ns < over_ns]
        shown = 0
        for level, following in zip_longest(levels, levels[1:]):
            until_ns = over_ns if following is None else following.time_ns
            lasts = until_ns is None or until_ns - level.time_ns >= _BRIEF_NS
            if not lasts or level.value == shown:
                continue
            shown = level.value
            if begun_ns <= level.time_ns < ended_ns:
                yield level_mark(queue, level, lane)


def _over(timeline: Timeline, queue: Queue, lane: Lane) -> int | None:
    """Return when an end of a connection was over, None while it is not, and for a listener."""
    if queue.talk is None:
        return None
    moments = (timeline.moments[number] for number in timeline.talks[queue.talk].moments)
    return next(
        (
            moment.time_ns
            for moment in moments
            if moment.lane is lane and isinstance(moment.what, StateChange) and moment.what.state in _OVER
        ),
        None,
    )
