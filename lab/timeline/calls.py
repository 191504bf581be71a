"""Whose system calls they were, and on which connection each worked: from the kernel's record, or from strace's."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lab.kernel.calls import FAMILIES, Call, Descriptor
from lab.kernel.syscalls import ERRORS
from lab.kernel.trace import KernelCall, KernelTrace
from lab.recording.play import Party
from lab.recording.raw import Trace
from lab.timeline.about import FIONBIO, kernel_about, strace_about
from lab.timeline.connections import Joined
from lab.timeline.descriptors import Descriptors, Opening
from lab.timeline.draft import Draft
from lab.timeline.model import CallMade, Lane, Signal, Source
from lab.timeline.programs import Programs
from lab.timeline.signals import broken_off, signals
from lab.timeline.waiting import FOR_MANY
from lab.wire.segment import Endpoint

NS_OF_STRACE: Final = 1_000
"""strace stamps to the microsecond, and a call's begin is exact to that; its return it learns late."""
SETS_UP: Final = frozenset(
    {"socket", "setsockopt", "getsockopt", "ioctl", "bind", "listen", "epoll_create", "epoll_ctl"}
)
"""Those that move nothing: those of a listener belong to all connections of its program."""
ON_SOCKETS: Final = SETS_UP | {"accept", "connect", "recv", "send", "read", "write", "shutdown", "close"}
ON_MANY: Final = FOR_MANY | {"sleep"}
KEYBOARD: Final = 0
_SHOWN: Final = ("TCP", "anon_inode:[eventpoll]")
"""How strace's names begin for what the timeline tells of."""


@functools.cache
def family(name: str) -> str:
    """Return a system call's name as programs write it.

    >>> family("accept4"), family("readv")
    ('accept', 'read')
    """
    return FAMILIES.get(name, {"readv": "read", "writev": "write"}.get(name, name))


def kernel_calls(trace: KernelTrace, descriptors: Descriptors, programs: Programs) -> Iterator[Draft]:
    """Yield the calls of the lab's programs on sockets, on many descriptors at once, and reads of what is typed."""
    broken = signals(trace.calls, lambda call: broken_off(_outcome(call)[1]), likeness, programs.killed_in)
    for call in trace.calls:
        program = programs.of(call.pid)
        name = family(call.name)
        if program is None or (name not in ON_SOCKETS and name not in ON_MANY):
            continue
        opening = _opening(call, descriptors)
        about = kernel_about(call)
        typed = name == "read" and call.fd == KEYBOARD and opening is None
        if name in ON_SOCKETS and not typed and (opening is None or (opening.epoll and not opening.watching)):
            continue
        if name == "ioctl" and about != FIONBIO:
            continue
        life = opening.life if opening else None
        serves = life.listens or life.serves if life else program.serves
        made = call_made(call, program.party, broken.get(id(call)))
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


def call_made(call: KernelCall, party: str | None, signal: Signal | None) -> CallMade:
    """Return what a call was, of that program."""
    return CallMade(party, call.pid, family(call.name), call.fd, *_outcome(call), kernel_about(call), signal)


def _opening(call: KernelCall, descriptors: Descriptors) -> Opening | None:
    """Return the socket or the epoll that a call is about."""
    match family(call.name):
        case "epoll_ctl":
            return descriptors.target_of(call)
        case "socket" | "epoll_create":
            return descriptors.made_by(call)
        case _:
            return descriptors.of(call)


def likeness(call: KernelCall) -> tuple[object, ...]:
    """Return what two calls have in common of which the second is the first, begun anew."""
    return call.name, call.fd, call.arguments


def _talk(call: KernelCall, opening: Opening | None, descriptors: Descriptors) -> int | None:
    if family(call.name) == "accept":
        opening = descriptors.made_by(call)
    return opening.life.talk if opening and opening.life else None


def _outcome(call: KernelCall) -> tuple[int | None, str | None]:
    if call.result is None or call.result >= 0:
        return call.result, None
    number = -call.result
    return -1, ERRORS.get(number, str(number))


@dataclass(frozen=True, slots=True)
class Strace:
    """What is needed to place the calls of a traced program."""

    talks: Mapping[tuple[Endpoint, Endpoint], list[int]]
    joined: list[Joined]

    def calls(self, trace: Trace, party: Party | None) -> Iterator[Draft]:
        """Yield the calls of one traced program, which the play may know, as `kernel_calls` does."""
        serves = party is not None and party.role == "server"
        name = party.name if party else None
        broken = signals(trace.calls, lambda call: broken_off(call.error), _asked, lambda call: _killed(trace, call))
        for call in trace.calls:
            worked_on = _worked_on(call)
            ends = self._ends(worked_on)
            about = strace_about(call)
            on_socket = call.family in ON_SOCKETS and worked_on is not None and worked_on.what.startswith(_SHOWN)
            on_socket = on_socket and (call.family != "ioctl" or about == FIONBIO)
            if not (on_socket or call.family in ON_MANY or (call.family == "read" and call.fd == KEYBOARD)):
                continue
            yield Draft(
                Lane.SERVER_CALLS if serves else Lane.CLIENT_CALLS,
                trace.host,
                self._talk(ends, call.begun_ns) if ends else None,
                call.begun_ns,
                call.ended_ns,
                NS_OF_STRACE,
                Source.STRACE,
                CallMade(name, call.pid, call.family, call.fd, call.result, call.error, about, broken.get(id(call))),
                call.pid,
            )

    @staticmethod
    def _ends(one: Descriptor | None) -> tuple[Endpoint, Endpoint] | None:
        """Return (local, peer) of the connection that a descriptor is of."""
        return (one.local, one.peer) if one and one.local and one.peer else None

    def _talk(self, ends: tuple[Endpoint, Endpoint], time_ns: int) -> int | None:
        some = self.talks.get(ends) or self.talks.get((ends[1], ends[0])) or []
        begun = [n for n in some if self.joined[n].conversation.segments[0].time_ns <= time_ns + 1_000_000]
        return begun[-1] if begun else (some[0] if some else None)


def _worked_on(call: Call) -> Descriptor | None:
    """Return the descriptor that a call works on, that it made, or that it tells an epoll of."""
    if call.made and call.family in ("accept", "socket", "epoll_create"):
        return call.made
    if call.family == "epoll_ctl":
        return next((one for one in call.descriptors if one.fd != call.fd), None)
    return call.on


def _asked(call: Call) -> tuple[object, ...]:
    return call.family, call.fd


def _killed(trace: Trace, call: Call) -> bool:
    return trace.traced.ends.get(call.pid, "").startswith("killed by")
