"""What a program has used: time on a processor, and how often it gave the processor up or lost it."""

from __future__ import annotations

import contextlib
import os
import time

from process import belonging_to, descendants

CPUCLOCK_SCHED = 2
FIELDS = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")


def usage(pid: int, owner: int | None) -> tuple[int, int, int]:
    """Return what a process and all its descendants have used, and whoever else has the user id that is its own alone.

    ns on a processor, threads that have ended included; then how often their threads gave the processor up to wait, and
    how often it was taken from them, threads that have ended not included: proc(5) knows only of the living.
    """
    used = [0, 0, 0]
    for each in {pid, *descendants(pid), *belonging_to(owner)}:
        with contextlib.suppress(OSError):  # it may end any moment
            used[0] += time.clock_gettime_ns(clock_of(each))
            for thread in os.listdir(f"/proc/{each}/task"):
                for at, count in enumerate(switches(f"/proc/{each}/task/{thread}/status"), start=1):
                    used[at] += count
    return used[0], used[1], used[2]


def clock_of(pid: int) -> int:
    """Return the clock of a process's time on a processor: clock_getcpuclockid(3) makes its number so.

    It is what schedstat of all its threads adds up to, but it is exact at any moment and remembers ended threads.
    """
    return (~pid << 3) | CPUCLOCK_SCHED


def switches(path: str) -> list[int]:
    """Return the voluntary and the involuntary context switches of a thread from its status file."""
    gone = (FileNotFoundError, ProcessLookupError)
    with contextlib.suppress(*gone), open(path, encoding="ascii", errors="replace") as file:
        values = dict(line.split(":", 1) for line in file if ":" in line)
        return [int(values[field]) for field in FIELDS]
    return [0, 0]
