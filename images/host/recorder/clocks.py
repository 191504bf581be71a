"""The clock that the kernel stamps its events with, and how far it is from the clock of captures (CLOCK_REALTIME)."""

from __future__ import annotations

import time
from typing import NamedTuple

TAI, MONO = "tai", "mono"
SECOND_NS = 1_000_000_000
TRIES = 200


class Offset(NamedTuple):
    """What to subtract from a stamp (ns) to get CLOCK_REALTIME, and how far that may be off."""

    ns: int
    precision_ns: int


def best_clock(offered: str) -> str:
    """Return the best of those that the file `trace_clock` offers: tai is CLOCK_REALTIME and whole seconds."""
    return TAI if TAI in offered.replace("[", "").replace("]", "").split() else MONO


def measure(clock: str) -> Offset:
    """Read the two clocks one inside the other, and take the closest of many tries."""
    number = time.CLOCK_TAI if clock == TAI else time.CLOCK_MONOTONIC
    width, offset = min(once(number) for _ in range(TRIES))
    if clock == TAI:
        return Offset(round(offset / SECOND_NS) * SECOND_NS, 0)
    return Offset(offset, (width + 1) // 2)


def once(number: int) -> tuple[int, int]:
    """Return how long (ns) two readings of CLOCK_REALTIME lay apart, and the other clock's lead over their middle."""
    before = time.clock_gettime_ns(time.CLOCK_REALTIME)
    there = time.clock_gettime_ns(number)
    after = time.clock_gettime_ns(time.CLOCK_REALTIME)
    return after - before, there - (before + after) // 2


def both(begin: Offset, end: Offset) -> Offset:
    """Return the offset that holds from begin to end: a clock that was set meanwhile makes it so much less precise."""
    return Offset(begin.ns, max(begin.precision_ns, end.precision_ns) + abs(end.ns - begin.ns))
