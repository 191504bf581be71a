"""Which program of the exercise each thread was, and on which host: the kernel numbers them for the whole machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lab.evidence.records import Evidence, Party
from lab.kernel.trace import KernelTrace
from lab.timeline.lives import Life, Lives
from lab.wire.segment import Endpoint
from lab.wire.state import State

_BY_PROGRAMS: Final = frozenset({State.LISTEN, State.SYN_SENT})
"""States that only the program's own call brings about: any other may come in whatever thread the kernel interrupts."""


@dataclass(frozen=True, slots=True)
class Running:
    """A program: its host, the exercise's name for it (None: it has none), whether it is a server."""

    host: str
    party: str | None
    serves: bool


class Programs:
    """Tells the program of a thread: the one that its process, or the nearest one above it, was started as.

    One that had no socket of the lab's in all its processes is none of ours.
    """

    def __init__(self, trace: KernelTrace, lives: Lives, evidence: Evidence) -> None:
        self._files = {each.pid: _name(each.program) for each in trace.started if each.program}
        agents = trace.agents.keys() - self._files.keys()  # they start all programs, and are none of them
        self._parents = {
            each.pid: each.parent for each in trace.started if each.parent is not None and each.parent not in agents
        }
        sockets: dict[int, list[Life]] = {}
        for pid, life in _sockets(trace, lives):
            sockets.setdefault(self._root(pid), []).append(life)
        begun = {each.pid: each.time_ns for each in trace.started if each.program}
        hosts = {pid: some[0].host for pid, some in sockets.items()}
        by_order = _in_order(self._files, begun, hosts, evidence)
        clients = _clients(evidence)
        self._found: dict[int, Running] = {}
        for pid, some in sockets.items():
            party = _by_sockets(some, clients) or by_order.get(pid)
            serves = any(life.listens for life in some) or (party is not None and party.role == "server")
            self._found[pid] = Running(hosts[pid], party.name if party else None, serves)

    def of(self, pid: int) -> Running | None:
        """Return the program of a thread."""
        return self._found.get(self._root(pid))

    def recorded(self, pid: int) -> bool:
        """Tell whether the thread is of a program of the lab's, whose calls the kernel was asked for."""
        return self._root(pid) in self._files

    def _root(self, pid: int) -> int:
        """Return the process that was started as a program, from this one upwards; the uppermost where none was."""
        seen = {pid}
        while pid not in self._files and (parent := self._parents.get(pid)) is not None and parent not in seen:
            pid = parent
            seen.add(pid)
        return pid


def _sockets(trace: KernelTrace, lives: Lives) -> Iterator[tuple[int, Life]]:
    """Yield which thread was at work on which socket, in the order in which that was told."""
    for life in lives.all:
        for each in life.transitions:
            if each.pid and each.new in _BY_PROGRAMS:
                yield each.pid, life
    for call in trace.calls:
        worked_on = lives.behind(call)
        if worked_on is not None:
            yield call.pid, worked_on


def _clients(evidence: Evidence) -> Mapping[tuple[str, Endpoint | None], list[Party]]:
    """Return the parties that are clients by their host and their end of the connection."""
    found: dict[tuple[str, Endpoint | None], list[Party]] = {}
    for party in evidence.parties:
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


def _in_order(
    files: Mapping[int, str], begun: Mapping[int, int], hosts: Mapping[int, str], evidence: Evidence
) -> dict[int, Party]:
    """Pair programs with parties that were started from the same file on the same host, in the order of their start.

    The exercise starts its programs one after another; under strace a program may begin a while after that.
    """
    waiting = sorted((pid for pid in files if pid in hosts), key=lambda pid: begun[pid])
    found: dict[int, Party] = {}
    for party in evidence.parties:
        for pid in waiting:
            if pid not in found and files[pid] == party.program and hosts[pid] == party.host:
                found[pid] = party
                break
    return found


def _name(path: str) -> str:
    """Return a program's name as the exercise has it: its file's, without the ending."""
    return path.rpartition("/")[2].removesuffix(".py")
