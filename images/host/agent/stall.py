"""Tell when this host stood still (paused, machine asleep): what was late then is nobody's failure."""

from __future__ import annotations

import functools
import time

from loop import Loop

TICK_SECONDS = 0.25
STALL_SECONDS = 1.0


def tell_stalls(loop: Loop, last: float | None = None) -> None:
    """Look at the clock that goes on during sleep again and again, the last time at `last` (s)."""
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    late = 0.0 if last is None else now - last - TICK_SECONDS
    if late > STALL_SECONDS:
        loop.send({"event": "stalled", "name": "", "seconds": round(late, 3), "time_ns": time.time_ns()})
    loop.at(TICK_SECONDS, functools.partial(tell_stalls, loop, now))
