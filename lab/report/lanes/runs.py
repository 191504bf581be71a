"""Runs of equal calls, one after the other: what a program that polls does ten thousand times is told once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

Key = tuple[object, ...]
"""What makes two calls alike."""
_LONGEST_PERIOD: Final = 8
_FEWEST_TIMES: Final = 3
_FEWEST: Final = 5
"""Shorter runs are as quickly read as their fold."""


class Run(NamedTuple):
    """The calls from `begin` up to `end`: the first `period` of them are made `times` times."""

    begin: int
    end: int
    period: int
    times: int


def folded(keys: Sequence[Key | None]) -> Iterator[Run]:
    """Yield the runs among calls in their order, the ones that begin first before others; None belongs to no run."""
    at = 0
    while at < len(keys):
        run = _longest(keys, at) if keys[at] is not None else None
        if run is None:
            at += 1
        else:
            yield run
            at = run.end


def _longest(keys: Sequence[Key | None], begin: int) -> Run | None:
    """Return the run that covers most from here on, the shortest period first."""
    best: Run | None = None
    for period in range(1, _LONGEST_PERIOD + 1):
        end = begin + period
        if end > len(keys) or None in keys[begin:end]:
            break
        while end < len(keys) and keys[end] is not None and keys[end] == keys[end - period]:
            end += 1
        times = (end - begin) // period
        run = Run(begin, begin + times * period, period, times)
        if times >= _FEWEST_TIMES and run.end - begin >= _FEWEST and (best is None or run.end > best.end):
            best = run
        if best is not None and best.period == 1:
            break
    return best
