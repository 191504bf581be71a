"""Read a line that somebody types, so that no Ctrl-C is lost."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from typing import TextIO


def read_line(stdin: TextIO) -> str:
    """Return the next line, empty at the end of the input. Ctrl-C passes through as KeyboardInterrupt.

    A signal that comes just before the read begins, or to another thread, would not end it: Python then only takes note
    of it. So a terminal is waited for together with the signals (signal.set_wakeup_fd).
    """
    if stdin.isatty():
        with _told_of_signals() as told:
            select.select([stdin.fileno(), told], [], [])
    return stdin.readline()


@contextlib.contextmanager
def _told_of_signals() -> Iterator[int]:
    """Yield a descriptor that becomes readable when a signal comes."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    try:
        yield told
    finally:
        signal.set_wakeup_fd(before)
        os.close(told)
        os.close(tell)
