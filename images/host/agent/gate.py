"""Whether this host may be driven now: its packet filter stands, and nobody else drives it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable

ADDRESS = "/run/lab-address"  # written by entry.sh; the recorder has none
LINK = "/sys/class/net/eth0/address"
READY = "/run/lab-ready"  # made as the last thing by what holds this container up: entry.sh, or the recorder's keeper
LOCK = "/run/lab-agent.lock"
GUARD_SECONDS = 5.0
POLL_SECONDS = 0.005


def guarded() -> bool:
    """Wait until entry.sh has set the packet filter of this namespace; False when it does not in time."""
    return comes(lambda: os.path.exists(READY), GUARD_SECONDS)


def state() -> str:
    """Return what the container said of itself when it was ready: nothing in a host, see recorder/keep.py otherwise."""
    with open(READY, encoding="ascii") as file:
        return file.read()


def wrong_address() -> str:
    """Return the link's hardware address if it is not the one by which the other hosts know this one, else nothing."""
    try:
        with open(ADDRESS, encoding="ascii") as wanted, open(LINK, encoding="ascii") as link:
            expected, seen = wanted.read().strip(), link.read().strip()
    except FileNotFoundError:
        return ""
    return "" if seen == expected else f"{seen} instead of {expected}"


def take_turn(patience: float) -> bool:
    """Wait until this host is ours, for at most `patience` seconds: two labs must not drive it at once."""
    # Nobody else may open it: who can read a file can lock it, and would keep the next agent out.
    lock = os.open(LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    def taken() -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    return comes(taken, patience)


def comes(look: Callable[[], bool], seconds: float) -> bool:
    """Look until it is so; False at the deadline."""
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
