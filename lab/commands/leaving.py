"""The end of `lab`: with its make, also when kill -9 has ended that, which tells nobody; and with its last words."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from typing import Final

VARIABLE: Final = "LAB_MAKE"
"""Make's process number; only the Makefile sets it. Who types `lab`, also with nohup or setsid, has no make."""

ENDING: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""The signals that end `lab` as Ctrl-C does."""
_ONE_SECONDS: Final = 0.5
_raised: Final[list[float]] = []
"""When this command was interrupted last; empty before."""


def be_interruptible() -> None:
    """Have the signals raise KeyboardInterrupt: kill without -9 and a closed terminal end the lab as Ctrl-C does.

    Those that are ignored stay so (nohup). Some that come together are one: who ends a group of processes ends make as
    well, which then sends a signal of its own.
    """
    _raised.clear()
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _raise)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)  # see lab/__main__.py


def _raise(*_: object) -> None:
    now = time.monotonic()
    if not _raised or now - _raised[0] > _ONE_SECONDS:
        _raised[:] = [now]
        raise KeyboardInterrupt


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


@contextlib.contextmanager
def undisturbed(*, for_good: bool) -> Iterator[None]:
    """Heed no further signal: it would cut short what is said last, and the exit code would be another than that."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number in before:
        while signal.getsignal(number) != signal.SIG_IGN:
            with contextlib.suppress(KeyboardInterrupt):  # of one that came just before
                signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        if not for_good:
            for number, handler in before.items():
                signal.signal(number, handler)


def _wait(make: int) -> None:
    ended = select.poll()
    ended.register(make, select.POLLIN)
    ended.poll()
    _interrupt()


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
