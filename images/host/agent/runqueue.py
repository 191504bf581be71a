"""How long the programs waited for a processor, and had one: a deadline may have passed for that reason alone."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque

import cgroup
from children import Children
from loop import Loop
from process import descendants

LOOK_SECONDS = 1.0
LOOKS = 64

Spent = tuple[int, int]
"""ns on a processor, and ns runnable without one: the first two numbers of a thread's schedstat (sched-stats.rst)."""
Threads = dict[str, dict[str, Spent]]
"""Every thread of every program and of what descends from it, by the program's name and the thread's number."""


class RunQueue:
    """Looks at all programs once a second, so that it can be told later what a time before was like."""

    def __init__(self, loop: Loop, children: Children) -> None:
        self._loop = loop
        self._children = children
        self._looks: deque[tuple[float, Threads, int]] = deque(maxlen=LOOKS)
        self._look()

    def since(self, seconds: float) -> list[dict[str, object]]:
        """Return for each program that runs what its thread that waited longest spent in the last seconds.

        The time begins with the look before, so that it is up to a second longer; `window_ns` is what it was, and
        `host_ran_ns` what this whole host had of the processors: a program may have waited for others of its own kind.
        """
        now = time.monotonic()
        begun, before, used = next((look for look in reversed(self._looks) if now - look[0] >= seconds), self._looks[0])
        whole = {"window_ns": int((now - begun) * 1e9), "host_ran_ns": (cgroup.cpu_ns() or used) - used}
        found: list[dict[str, object]] = []
        for name, threads in self._threads().items():
            then = before.get(name, {})
            spent = [minus(each, then.get(thread, (0, 0))) for thread, each in threads.items()]
            ran, waited = max(spent, key=lambda each: each[1], default=(0, 0))
            found.append({"name": name, "ran_ns": ran, "waited_ns": waited, **whole})
        return found

    def _look(self) -> None:
        self._looks.append((time.monotonic(), self._threads(), cgroup.cpu_ns() or 0))
        self._loop.at(LOOK_SECONDS, self._look)

    def _threads(self) -> Threads:
        return {name: spent_by(pid) for name, pid in self._children.programs().items()}


def minus(one: Spent, other: Spent) -> Spent:
    """Return what was spent between two looks."""
    return one[0] - other[0], one[1] - other[1]


def spent_by(pid: int) -> dict[str, Spent]:
    """Return what each thread of a process and of its descendants has spent; nothing where this kernel does not say."""
    found: dict[str, Spent] = {}
    for each in (pid, *descendants(pid)):
        with contextlib.suppress(OSError, ValueError):  # it may end any moment; CONFIG_SCHED_INFO may be off
            for thread in os.listdir(f"/proc/{each}/task"):
                with open(f"/proc/{each}/task/{thread}/schedstat", encoding="ascii") as file:
                    ran, waited, _ = map(int, file.read().split())
                found[thread] = (ran, waited)
    return found
