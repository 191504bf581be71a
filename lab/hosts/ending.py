"""The end of a `docker exec` that lives as long as its stdin is open."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from threading import Thread
from typing import IO, Any, Final

_END_SECONDS: Final = 2.0


def wait_end(process: subprocess.Popen[Any], readers: Iterable[Thread] = ()) -> None:
    """Wait until a process whose stdin is closed has ended, and end it if it does not; then close its other pipes.

    `readers` are the threads that read these; safe to call twice.
    """
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:  # the engine or the host is frozen
        process.kill()
        process.wait()
    for thread in readers:
        thread.join(_END_SECONDS)
    pipes: tuple[IO[Any] | None, ...] = (process.stdout, process.stderr)
    for pipe in pipes:
        if pipe:
            pipe.close()
