"""One at a time: whoever makes or removes a lab's hosts waits for the one who does so already."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from lab.errors import MachineError

if TYPE_CHECKING:
    from lab.settings import Settings

SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.02


@contextlib.contextmanager
def our_turn(settings: Settings, seconds: float = SECONDS, *, must: bool = True) -> Iterator[tuple[int, ...]]:
    """Hold this lab's turn, and yield the descriptors that hold it, for a child that must hold it longer than we live.

    A `docker compose` whose lab was killed with -9 goes on to its end: the next lab waits for that. At the deadline
    this raises MachineError `lab-busy`, or goes on without the turn (and yields nothing) unless it `must` be had.

    The lock is a socket's abstract name (unix(7)): it ends with its last holder, and leaves no file behind.
    """
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
        held = True
        while not _bind(lock, f"\0socketlab/{settings.name}"):
            if time.monotonic() > deadline:
                if must:
                    raise MachineError("lab-busy", lab=settings.name)
                held = False
                break
            time.sleep(_POLL_SECONDS)
        yield (lock.fileno(),) if held else ()


def _bind(lock: socket.socket, name: str) -> bool:
    try:
        lock.bind(name)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    return True
