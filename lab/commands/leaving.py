"""The end of `lab` when the make that started it has gone: by kill -9 too, which tells nobody."""

from __future__ import annotations

import os
import select
import signal
import threading
from typing import Final

VARIABLE: Final = "LAB_MAKE"
"""Make's process number; only the Makefile sets it. Who types `lab`, also with nohup or setsid, has no make."""


def end_with_make() -> None:
    """Have this process interrupted, as by SIGTERM, as soon as its make is no more; here and now if it already is not.

    Not by the parent-death signal: it follows the thread that forked, and a shell may stand in between.
    """
    number = os.environ.pop(VARIABLE, "")
    if not number.isdecimal() or not hasattr(os, "pidfd_open"):
        return
    try:
        make = os.pidfd_open(int(number))
    except ProcessLookupError:
        _interrupt()
    except (OSError, OverflowError):  # before Linux 5.3; no number of a process
        return
    else:
        threading.Thread(target=_wait, args=(make,), name="make", daemon=True).start()


def _wait(make: int) -> None:
    ended = select.poll()
    ended.register(make, select.POLLIN)
    ended.poll()
    _interrupt()


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
