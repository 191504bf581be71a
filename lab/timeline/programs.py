"""Which program of the exercise each thread was, and on which host: the kernel numbers them for the whole machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from errno import EACCES, EAFNOSUPPORT, EINVAL, ENETUNREACH
from typing import Final

from lab.kernel.trace import KernelCall, KernelTrace
from lab.recording.play import Party, Play
from lab.recording.run import Run
from lab.timeline.descriptors import Descriptors, makes_tcp
from lab.timeline.lives import Life, Lives
from lab.timeline.parties import Candidate, paired
from lab.wire.segment import Endpoint
from lab.wire.state import State

BY_PROGRAMS: Final = frozenset({State.LISTEN, State.SYN_SENT})
"""States that only the program's own call brings about: any other may come in whatever thread the kernel interrupts."""
_NEVER_BEGUN: Final = frozenset({-ENETUNREACH, -EACCES, -EINVAL, -EAFNOSUPPORT})
"""What a connect() returns that comes to nothing before the socket has any state."""


_SLACK_NS: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Running:
    """A program: its host, the exercise's name for it (None: it has none), whether it is a server."""

    host: str
    party: str | None
    serves: bool


@dataclass(slots=True)
class Seen:
    """What a started program did: the lab's sockets that it worked on, whether it made others that came to nothing."""

    sockets: list[Life] = field(default_factory=list)
    tried: bool = False
    elsewhere: bool = False
    last_ns: int = 0


class Roots:
    """Tells of a thread the process that was started as a program: its own, or the nearest one above it."""

    def __init__(self, trace: KernelTrace) -> None:
        self.files = {each.pid: _name(each.program) for each in trace.started if each.program}
        """The name of each program by its process."""
        self.begun = {each.pid: each.time_ns for each in trace.started if each.program}
        agents = trace.agents.keys() - self.files.keys()  # they start all programs, and are none of them
        self._parents = {
            each.pid: each.parent for each in trace.started if each.parent is not None and each.parent not in agents
        }

    def of(self, pid: int) -> int:
        """Return the process that was started as a program, from this one upwards; the uppermost where none was."""
        seen = {pid}
        while pid not in self.files and (parent := self._parents.get(pid)) is not None and parent not in seen:
            pid = parent
            seen.add(pid)
        return pid


class Programs:
    """Tells the program of a thread: the one that its process, or the nearest one above it, was started as.

    Several labs run the same programs on one machine: one is ours that had a socket of the lab's in any of its
    processes, or that made sockets which came to nothing, just when the exercise started a program of its name.
    """

    def __init__(self, roots: Roots, seen: Mapping[int, Seen], run: Run, precision_ns: int) -> None:
        self._roots = roots
        begun = roots.begun
        clients = clients_of(run.play)
        by_sockets = {pid: _by_sockets(one.sockets, clients) for pid, one in seen.items()}
        candidates = [
            Candidate(
                pid,
                roots.files[pid],
                seen[pid].sockets[0].host if seen[pid].sockets else None,
                begun[pid],
                seen[pid].last_ns,
                by_sockets[pid],
            )
            for pid in sorted(begun, key=begun.__getitem__)
            if pid in seen and (seen[pid].sockets or (seen[pid].tried and not seen[pid].elsewhere))
        ]
        parties = paired(candidates, run, precision_ns)
        self._found: dict[int, Running] = {}
        for pid, one in seen.items():
            party = parties.get(pid) or by_sockets[pid]
            host = one.sockets[0].host if one.sockets else party.host if party else None
            if host is not None:
                serves = any(life.listens for life in one.sockets) or (party is not None and party.role == "server")
                self._found[pid] = Running(host, party.name if party else None, serves)
        self._killed = {each.actor: each.time_ns for each in run.play.exits if each.status < 0}
        self._stops = [act for act in run.play.actions if act.verb in ("freeze", "thaw")]

    def of(self, pid: int) -> Running | None:
        """Return the program of a thread."""
        return self._found.get(self._roots.of(pid))

    def recorded(self, pid: int) -> bool:
        """Tell whether the thread is of a program of the lab's, whose calls the kernel was asked for."""
        return self._roots.of(pid) in self._roots.files

    def killed_in(self, call: KernelCall) -> bool:
        """Tell whether the signal that broke the call off ended its program, and did not only freeze it."""
        program = self.of(call.pid)
        name, ended_ns = (program.party or "" if program else ""), call.ended_ns or call.begun_ns
        killed_ns = self._killed.get(name)
        if killed_ns is None or killed_ns < ended_ns:
            return False
        mine = (act for act in self._stops if act.actor == name)
        # An act is told when it is done: the call may have been broken off a moment before.
        early = (act for act in mine if act.time_ns <= ended_ns + (_SLACK_NS if act.verb == "freeze" else 0))
        last = max(early, key=lambda act: act.time_ns, default=None)
        return last is None or last.verb != "freeze"


def programs_of(trace: KernelTrace, lives: Lives, descriptors: Descriptors, run: Run) -> Programs:
    """Return the programs of a recording."""
    roots = Roots(trace)
    return Programs(roots, _seen(trace, lives, descriptors, roots), run, trace.precision_ns)


def _seen(trace: KernelTrace, lives: Lives, descriptors: Descriptors, roots: Roots) -> dict[int, Seen]:
    """Return what each program did, with all its processes, in the order in which that was told."""
    found: dict[int, Seen] = {}
    for pid, life in _sockets(trace, lives, descriptors):
        sockets = found.setdefault(roots.of(pid), Seen()).sockets
        if not sockets or sockets[-1] is not life:
            sockets.append(life)
    for call in trace.calls:
        one = found.setdefault(roots.of(call.pid), Seen())
        one.last_ns = max(one.last_ns, call.ended_ns or call.begun_ns)
    try_sockets(found, trace.calls, roots)
    return found


def try_sockets(found: Mapping[int, Seen], calls: Iterable[KernelCall], roots: Roots) -> None:
    """Note of each program whether it made TCP sockets, and whether some must be elsewhere than in the lab."""
    tcp: set[tuple[int, int]] = set()
    for call in calls:
        one = found[roots.of(call.pid)]
        if call.name == "socket" and call.result is not None:
            made = call.pid, call.result
            (tcp.add if makes_tcp(call) else tcp.discard)(made)
            one.tried |= makes_tcp(call)
        elif (call.pid, call.fd) in tcp:
            one.elsewhere |= _shows_a_state(call)


def _shows_a_state(call: KernelCall) -> bool:
    """Tell whether the kernel must have told of the socket's state, were it on the lab's addresses."""
    if call.name == "listen":
        return call.result == 0
    return call.name == "connect" and call.result not in _NEVER_BEGUN


def _sockets(trace: KernelTrace, lives: Lives, descriptors: Descriptors) -> Iterator[tuple[int, Life]]:
    """Yield which thread was at work on which socket: first what the kernel told, then what descriptors tell.

    A worker that inherited its listener, and waits for it, has no socket that the kernel told it to be at work on.
    """
    for life in lives.all:
        for each in life.transitions:
            if each.pid and each.new in BY_PROGRAMS:
                yield each.pid, life
    for call in trace.calls:
        worked_on = lives.behind(call)
        if worked_on is not None:
            yield call.pid, worked_on
    for call in trace.calls:
        opening = descriptors.target_of(call) or descriptors.of(call)
        if opening is not None and opening.life is not None:
            yield call.pid, opening.life


def clients_of(play: Play) -> Mapping[tuple[str, Endpoint | None], list[Party]]:
    """Return the parties that are clients by their host and their end of the connection."""
    found: dict[tuple[str, Endpoint | None], list[Party]] = {}
    for party in play.parties:
        if party.role == "client":
            found.setdefault((party.host, party.local), []).append(party)
    return found


def _by_sockets(some: list[Life], clients: Mapping[tuple[str, Endpoint | None], list[Party]]) -> Party | None:
    """Return the party that made one of these connections."""
    for life in some:
        for party in clients.get((life.host, life.local), ()):
            if not life.listens and party.has(life.local, life.peer):
                return party
    return None


def _name(path: str) -> str:
    """Return a program's name as the exercise has it: its file's, without the ending."""
    return path.rpartition("/")[2].removesuffix(".py")
