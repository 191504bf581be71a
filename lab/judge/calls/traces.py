"""What the trace of a program holds: its calls within a time, whose connection each works on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from lab.errors import EvidenceError
from lab.judge.errors import EvasionError
from lab.judge.verdict import MOST, CallAt
from lab.kernel.calls import Call, Descriptor
from lab.recording.raw import Trace
from lab.recording.run import Run

Window = tuple[int, int]
"""Begin and end, in ns since the epoch."""
Readings = tuple[str, str]
"""Two readings of what a program used, by the names that the exercise gave them (`stage.measure`)."""

LISTENER: Final = "listener"
_STANDARD_STREAMS: Final = 2


_UNTRACED: Final = "CLONE_UNTRACED"
"""A flag of clone(2): the new process is not traced, whatever its parent's tracer asks for."""
_RING: Final = "io_uring_setup"
"""What is asked for through such a ring is done without a system call (io_uring(7))."""


def whole_trace(run: Run, party: str) -> Trace:
    """Return a program's trace; EvidenceError when there is none or when its end is missing.

    EvasionError when it shows that the program did what strace cannot follow: else that would buy it an inconclusive.
    """
    trace = run.trace(party)
    for call in trace.calls:
        untraced = call.name.startswith("clone") and _UNTRACED in call.arguments
        if (untraced or call.name == _RING) and call.error is None:
            raise EvasionError("trace-evaded", file=trace.file, party=party, row=call.row, call=call.name)
    # strace's last line of each process tells how it ended.
    if trace.cut or run.play.party(party).pid not in trace.traced.ends:
        raise EvidenceError("trace-cut", file=trace.file, party=party)
    return trace


def calls_within(trace: Trace, window: Window | None) -> Sequence[Call]:
    """Return the calls that began within a window (ns since the epoch), all of them without one."""
    if window is None:
        return trace.calls
    return [call for call in trace.calls if window[0] <= call.begun_ns <= window[1]]


def proof_of(party: str, calls: Iterable[Call]) -> tuple[CallAt, ...]:
    """Return calls of a program as what proves something: the first of many."""
    return tuple(CallAt(party, call.family, call.begun_ns) for call in islice(calls, MOST))


def window_of(run: Run, party: str, step: str | None, readings: Readings | None = None) -> Window | None:
    """Return the time between two readings of what a program used, else that of a step; None for the whole trace."""
    if readings:
        return between(run, party, readings)
    return step_window(run, step) if step else None


def between(run: Run, party: str, readings: Readings) -> Window:
    """Return the times of two readings of what a program used."""
    first, last = (run.usage(name, party).time_ns for name in readings)
    return first, last


def step_window(run: Run, step: str) -> Window:
    """Return begin and end of a step; one that the play stopped in ends with the run."""
    found = run.play.step(step)
    return found.begun_ns, found.ended_ns


def overlap_ns(call: Call, window: Window) -> int:
    """Return how long (ns) a call was under way within a window; one that never returned, to the window's end."""
    if call.name.startswith("exit"):
        return 0  # it never returns because nobody is left
    ended = window[1] if call.duration_ns is None else call.begun_ns + call.duration_ns
    return max(0, min(ended, window[1]) - max(call.begun_ns, window[0]))


def works_on(run: Run, call: Call, of: str | int) -> bool:
    """Return whether a call works on a descriptor: a number, `listener`, or the connection of a client."""
    on = call.on
    if on is None:
        return False
    if isinstance(of, int):
        return on.fd == of
    if of == LISTENER:
        return on.local is not None and on.peer is None
    return run.play.party(of).has(on.local, on.peer)


def name_of(run: Run, on: Descriptor) -> str | None:
    """Return the client whose connection a server's descriptor is, None for nobody's."""
    made = (party for party in run.play.parties if party.local == on.peer and party.has(on.local, on.peer))
    return next((party.name for party in made), None)


def prints(call: Call) -> bool:
    """Return whether a call only prints or reads what was typed: no part of serving anybody."""
    return call.fd is not None and call.fd <= _STANDARD_STREAMS and call.on is not None and call.on.local is None
