"""The calls in which a program may wait, and when one has: one table for the page, the text and what is told live."""

from __future__ import annotations

from typing import Final

from lab.timeline.model import CallMade, Moment, Source

FOR_ONE: Final = frozenset({"accept", "connect", "recv", "read", "send", "write"})
"""Those whose wait is for one socket: what arrives there ends it."""
FOR_MANY: Final = frozenset({"select", "poll", "epoll_wait"})
WAITING: Final = FOR_ONE | FOR_MANY | {"sleep"}
"""No close() and no shutdown(): what they ask for the kernel does by itself, later; one that took long was held up."""
SETS_GOING: Final = frozenset({"connect", "send", "write"})
"""Those that set something going first, and wait for what comes of it; all others wait for what comes by itself."""

IN_PROGRESS: Final = frozenset({"EINPROGRESS", "EALREADY"})
_LEAST_NS: Final = 100_000
_LEAST_OF_WRITES_NS: Final = 1_000_000
"""The kernel does much of its work within a send()."""
_LEAST_BY_STRACE_NS: Final = 1_000_000
"""strace slows each call down."""


def waits(moment: Moment) -> bool:
    """Tell whether the program slept in this call: a connect() does until it is answered, others by their length."""
    call = moment.what
    if not isinstance(call, CallMade) or call.name not in WAITING:
        return False
    if call.name == "connect":
        return call.error not in IN_PROGRESS
    if moment.ended_ns is None or call.name == "sleep":
        return True
    least = _LEAST_OF_WRITES_NS if call.name in SETS_GOING else _LEAST_NS
    if moment.source is Source.STRACE:
        least = max(least, _LEAST_BY_STRACE_NS)
    return moment.ended_ns - moment.time_ns >= least
