"""How long a connection lasted: from its first segment until both of its ends had let go of it."""

from __future__ import annotations

from typing import Final, NamedTuple

from lab.timeline.model import Lane, SegmentSent, StateChange, Talk, Timeline
from lab.wire.state import State

_OVER: Final = frozenset({State.CLOSED, State.TIME_WAIT})
_NONE: Final = frozenset({State.LISTEN})


class Span(NamedTuple):
    """From when to when (ns since the epoch); `still_open` at the end of the run, which is then its end."""

    begun_ns: int
    ended_ns: int
    still_open: bool


def span_of(timeline: Timeline, talk: Talk) -> Span:
    """Return how long a connection was there, whatever the programs did before and after.

    It begins with the client's SYN-SENT or the first segment. An end that waits in TIME-WAIT is done with it: it ends
    with the last segment, or when the last end forgets it.
    """
    begins, ends = list[int](), list[int]()
    over: dict[Lane, int | None] = {}
    for number in talk.moments:
        moment = timeline.moments[number]
        if isinstance(moment.what, SegmentSent):
            begins.append(moment.time_ns)
            ends.append(moment.time_ns if moment.ended_ns is None else moment.ended_ns)
        elif isinstance(moment.what, StateChange) and moment.what.state not in _NONE:
            if moment.what.state is State.SYN_SENT:
                begins.append(moment.time_ns)
            if moment.what.state not in _OVER:
                over[moment.lane] = None
            elif over.get(moment.lane) is None:
                over[moment.lane] = moment.time_ns
    ended = [*ends, *(time_ns for time_ns in over.values() if time_ns is not None)]
    last = max(ended, default=talk.ended_ns)
    still_open = None in over.values()
    begun = min(begins, default=talk.begun_ns)
    return Span(begun, max(last, timeline.ended_ns) if still_open else last, still_open)
