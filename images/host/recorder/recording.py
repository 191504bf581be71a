"""What record.py and stream.py do alike: get an instance for oneself, switch on what is wanted, describe it."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from typing import Any

from clocks import Offset
from instance import Instance
from keep import GO
from tracefs import NO_TRACEFS, NOT_PERMITTED, REFUSALS

FORMAT = 1
DIED = "died"
BUSY_SECONDS = 5.0
_ANSWER_BYTES = 64
_ERRORS = {NOT_PERMITTED: errno.EPERM, NO_TRACEFS: errno.ENODEV}


def ask_keeper(door: str) -> socket.socket:
    """Get what is given out at that door for oneself; it is ours while the connection lasts."""
    keeper = socket.socket(socket.AF_UNIX)
    keeper.settimeout(BUSY_SECONDS)
    keeper.connect(door)
    answer = keeper.recv(_ANSWER_BYTES)
    if answer.decode("ascii") in _ERRORS:
        raise OSError(_ERRORS[answer.decode("ascii")], "the container found that out when it began")
    if answer != GO:
        raise OSError(errno.EBUSY, "somebody else reads the lab's instance")
    return keeper


def be_called(name: str) -> None:
    """Give this process a name: `lab live` asks for what is called python3, and reading it would make more to read."""
    with open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name)


def why(error: OSError) -> str:
    """Return why there is no recording: a code, a colon, words."""
    if error.errno in REFUSALS:
        return f"{NOT_PERMITTED}: {error}"
    return f"{NO_TRACEFS if error.errno == _ERRORS[NO_TRACEFS] else DIED}: {error}"


def header(instances: Sequence[Instance], offset: Offset, begun_ns: int) -> dict[str, Any]:
    """Return the header of a recording that has just begun and has no pages: see lab/kernel/tracefile.py."""
    first = instances[0]
    return {
        "format": FORMAT,
        "machine": os.uname().machine,
        "kernel": os.uname().release,
        "clock": first.clock,
        "offset_ns": offset.ns,
        "precision_ns": offset.precision_ns,
        "page": first.page,
        "header_page": first.header_page,
        "events": {event: form for each in instances for event, form in each.forms.items()},
        "missing": sorted({event for each in instances for event in each.missing}),
        "left_out": sorted({event for each in instances for event in each.left_out}),
        "cpus": [],
        "begun_ns": begun_ns,
        "ended_ns": begun_ns,
    }
