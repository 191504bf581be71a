"""What this whole host has used: everything that runs in its container, by the kernel's own account of its cgroup."""

from __future__ import annotations

import contextlib

ROOT = "/sys/fs/cgroup"
SECOND_VERSION = "0::"


def cpu_ns() -> int | None:
    """Return the ns on a processor of all processes together, the ended ones too; None where no cgroup can be read.

    cpu.stat of cgroup v2 (in µs), else cpuacct.usage of v1: the engine mounts the container's own there.
    """
    with contextlib.suppress(OSError):
        for line in lines(f"{ROOT}{own()}/cpu.stat"):
            name, value = line.split()
            if name == "usage_usec":
                return int(value) * 1000
    with contextlib.suppress(OSError):
        return int(lines(f"{ROOT}/cpuacct/cpuacct.usage")[0])
    return None


def own() -> str:
    """Return the path of this process's cgroup in the tree of v2, as far as it can see that tree: mostly its root."""
    found = (line for line in lines("/proc/self/cgroup") if line.startswith(SECOND_VERSION))
    return next(found, "").removeprefix(SECOND_VERSION).rstrip("/")


def lines(path: str) -> list[str]:
    """Return a file's lines."""
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read().splitlines()
