"""The kernel's tracing file system as this container has it, and the lab's own instance in it."""

from __future__ import annotations

import contextlib
import errno
import os
import time

ROOT = "/tracing"
CALLS = ".calls"  # behind an instance's name: what programs do, beside what becomes of sockets
INSTANCES = "/tracing/instances"
BIND, MOUNT = "bind", "mount"
NO_TRACEFS, NOT_PERMITTED = "no-tracefs", "not-permitted"
REFUSALS = (errno.EPERM, errno.EACCES, errno.EROFS)
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
BUSY_SECONDS = 3.0
POLL_SECONDS = 0.01


def open_up() -> str:
    """Find the machine's own tracefs bound here, or mount it; return bind, mount, or why neither can be.

    Never under /sys: a container's /sys is read-only, and security modules guard that path by its name.
    """
    way = BIND if is_tracefs(INSTANCES) else mount()
    if way in (BIND, MOUNT) and not os.access(INSTANCES, os.R_OK | os.W_OK | os.X_OK):
        return NOT_PERMITTED
    return way


def is_tracefs(folder: str) -> bool:
    """Tell whether tracefs, or a part of it, is mounted there."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        return any(line.split()[1:3] == [folder, "tracefs"] for line in file)


def mount() -> str:
    """Mount tracefs, which this container alone sees; return mount, or why it cannot be."""
    import ctypes  # noqa: PLC0415 - a recording is begun oftener than this is needed

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tracefs", ROOT.encode(), b"tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, None) == 0:
        return MOUNT
    with open("/proc/filesystems", encoding="ascii") as file:
        known = any(line.split()[-1] == "tracefs" for line in file)
    return NOT_PERMITTED if known and ctypes.get_errno() in REFUSALS else NO_TRACEFS


def folder_of(name: str) -> str:
    """Return the folder of the instance of that name."""
    return f"{INSTANCES}/{name}"


def remove_pair(name: str) -> bool:
    """Remove an instance and the one beside it; tell whether none is left."""
    return all([remove(name), remove(name + CALLS)])


def remove(name: str) -> bool:
    """Remove the instance if it is there; False when somebody still has a file of it open at the deadline.

    It records nothing any more in any case.
    """
    folder = folder_of(name)
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            return True
        except OSError:
            with contextlib.suppress(OSError):
                put(f"{folder}/tracing_on", "0")
                put(f"{folder}/set_event", "")
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)


def put(path: str, text: str) -> None:
    """Write to a file of the kernel's, which takes each write as a command."""
    with open(path, "wb", buffering=0) as file:
        file.write(os.fsencode(text or "\n"))  # programs' names are files', of any bytes


def get(path: str) -> str:
    """Read a file of the kernel's."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
