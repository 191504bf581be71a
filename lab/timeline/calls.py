"""Whose system calls they were, and on which connection each worked: from the kernel's record, or from strace's."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from errno import errorcode
from typing import Final

from lab.evidence.raw import Trace
from lab.evidence.records import Evidence
from lab.kernel.calls import FAMILIES, Call
from lab.kernel.trace import KernelCall, KernelTrace
from lab.timeline.connections import Joined
from lab.timeline.descriptors import Descriptors, Opening
from lab.timeline.draft import Draft
from lab.timeline.lives import Lives
from lab.timeline.model import CallMade, Lane, Source
from lab.timeline.programs import Programs
from lab.wire.segment import Endpoint

NS_OF_STRACE: Final = 1_000
"""strace stamps to the microsecond, and a call's begin is exact to that; its return it learns late."""
ON_SOCKETS: Final = frozenset(
    {"bind", "listen", "accept", "connect", "recv", "send", "read", "write", "shutdown", "close"}
)
ON_MANY: Final = frozenset({"select", "poll", "epoll_wait", "sleep"})
_KERNEL_ONLY: Final = {512: "ERESTARTSYS", 513: "ERESTARTNOINTR", 514: "ERESTARTNOHAND", 516: "ERESTART_RESTARTBLOCK"}
"""What a call that a signal broke off returns inside the kernel: include/linux/errno.h."""
_KEYBOARD: Final = 0


@functools.cache
def family(name: str) -> str:
    """Return a system call's name as programs write it.

    >>> family("accept4"), family("readv")
    ('accept', 'read')
    """
    return FAMILIES.get(name, {"readv": "read", "writev": "write"}.get(name, name))


def kernel_calls(trace: KernelTrace, lives: Lives, programs: Programs) -> Iterator[Draft]:
    """Yield the calls of the lab's programs on sockets, on many descriptors at once, and reads of what is typed."""
    descriptors = Descriptors(trace, lives)
    for call in trace.calls:
        program = programs.of(call.pid)
        name = family(call.name)
        if program is None or (name not in ON_SOCKETS and name not in ON_MANY):
            continue
        opening = descriptors.of(call)
        typed = name == "read" and call.fd == _KEYBOARD and opening is None
        if name in ON_SOCKETS and opening is None and not typed:
            continue
        life = opening.life if opening else None
        serves = life.listens or life.serves if life else program.serves
        made = CallMade(program.party, call.pid, name, call.fd, *_outcome(call))
        yield Draft(
            Lane.SERVER_CALLS if serves else Lane.CLIENT_CALLS,
            program.host,
            _talk(call, opening, descriptors),
            call.begun_ns,
            call.ended_ns,
            0,
            Source.KERNEL,
            made,
            call.pid,
        )


def _talk(call: KernelCall, opening: Opening | None, descriptors: Descriptors) -> int | None:
    if family(call.name) == "accept":
        opening = descriptors.made_by(call)
    return opening.life.talk if opening and opening.life else None


def _outcome(call: KernelCall) -> tuple[int | None, str | None]:
    if call.result is None or call.result >= 0:
        return call.result, None
    number = -call.result
    return -1, errorcode.get(number) or _KERNEL_ONLY.get(number, str(number))


@dataclass(frozen=True, slots=True)
class Strace:
    """What is needed to place the calls of a traced program."""

    evidence: Evidence
    talks: Mapping[tuple[Endpoint, Endpoint], list[int]]
    joined: list[Joined]

    def calls(self, trace: Trace) -> Iterator[Draft]:
        """Yield the calls of one traced program, as `kernel_calls` does."""
        party = self.evidence.party(trace.party)
        serves = party.role == "server"
        for call in trace.calls:
            ends = self._ends(call)
            on_socket = call.family in ON_SOCKETS and (call.on is not None and call.on.what.startswith("TCP"))
            if not (on_socket or call.family in ON_MANY or (call.family == "read" and call.fd == _KEYBOARD)):
                continue
            yield Draft(
                Lane.SERVER_CALLS if serves else Lane.CLIENT_CALLS,
                trace.host,
                self._talk(ends, call.begun_ns) if ends else None,
                call.begun_ns,
                call.ended_ns,
                NS_OF_STRACE,
                Source.STRACE,
                CallMade(trace.party, call.pid, call.family, call.fd, call.result, call.error),
                call.pid,
            )

    def _ends(self, call: Call) -> tuple[Endpoint, Endpoint] | None:
        """Return (local, peer) of the connection that the call works on, or that it made."""
        one = call.made if call.family == "accept" and call.made else call.on
        return (one.local, one.peer) if one and one.local and one.peer else None

    def _talk(self, ends: tuple[Endpoint, Endpoint], time_ns: int) -> int | None:
        some = self.talks.get(ends) or self.talks.get((ends[1], ends[0])) or []
        begun = [n for n in some if self.joined[n].conversation.segments[0].time_ns <= time_ns + 1_000_000]
        return begun[-1] if begun else (some[0] if some else None)
