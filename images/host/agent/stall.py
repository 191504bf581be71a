"""Tell when this host stood still (paused, machine asleep): what was late then is nobody's failure."""

from __future__ import annotations

import functools
import time

import cgroup
from loop import Loop

TICK_SECONDS = 0.25
STALL_SECONDS = 1.0


def tell_stalls(loop: Loop, last: tuple[float, int] | None = None) -> None:
    """Look at the clock that goes on during sleep again and again, the last time at `last` (s).

    Its second number is what this whole host had had of the processors by then (ns). What it had since then, it was
    not kept from: the programs of a play, which run here too, cannot make it stand still by taking all of it.
    """
    now, used = time.clock_gettime(time.CLOCK_BOOTTIME), cgroup.cpu_ns() or 0
    late, ran = (0.0, 0.0) if last is None else (now - last[0] - TICK_SECONDS, (used - last[1]) / 1e9)
    if late - ran > STALL_SECONDS:
        loop.send({"event": "stalled", "name": "", "seconds": round(late, 3), "time_ns": time.time_ns()})
    loop.at(TICK_SECONDS, functools.partial(tell_stalls, loop, (now, used)))
