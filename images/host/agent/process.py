"""What the kernel offers about processes and Python does not: prctl(2), and who descends from whom."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterable

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None)


def be_called(name: str) -> None:
    """Give this process a name, which its children have until they are something else."""
    with open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with(parent: int, number: signal.Signals) -> None:
    """Have the kernel send this process that signal when `parent` ends; end at once if it has ended already.

    The signal follows the thread that forked, is not inherited by children, and is forgotten at setuid.
    """
    LIBC.prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def descendants(root: int) -> list[int]:
    """Return the ids of the living and the dead but unreaped processes below `root`, deepest last."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:
                # The command's name, in brackets, may hold anything.
                children.setdefault(int(file.read().rpartition(b")")[2].split()[1]), []).append(int(entry))
    found = list(children.get(root, ()))
    for pid in found:
        found += children.get(pid, ())
    return found


def belonging_to(owner: int | None) -> list[int]:
    """Return the processes of a user id: also those that have left their parents and their session."""
    found = []
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == owner:
                found.append(int(entry))
    return found


def tasks(pids: Iterable[int]) -> int:
    """Return how many threads these processes have, the first of each included."""
    found = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            found += len(os.listdir(f"/proc/{pid}/task"))
    return found


def kill(pid: int) -> None:
    """End a process that may have ended already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
