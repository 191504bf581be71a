"""Which program of the exercise each thread was, and on which host: the kernel numbers them for the whole machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lab.evidence.records import Evidence, Party
from lab.kernel.trace import KernelTrace
from lab.timeline.lives import Life, Lives
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
    """Tells the program of a thread. One that had no socket of the lab's, nor a parent that had, is none of ours."""

    def __init__(self, trace: KernelTrace, lives: Lives, evidence: Evidence) -> None:
        self._parents = {each.pid: each.parent for each in trace.started if each.parent is not None}
        self._files = {each.pid: _name(each.program) for each in trace.started if each.program}
        self._found: dict[int, Running | None] = {}
        sockets = _sockets(trace, lives)
        begun = {each.pid: each.time_ns for each in trace.started if each.program}
        by_order = _in_order(self._files, begun, {pid: some[0].host for pid, some in sockets.items()}, evidence)
        for pid, some in sockets.items():
            host = some[0].host
            party = _by_sockets(some, evidence) or by_order.get(pid)
            serves = any(life.listens for life in some) or (party is not None and party.role == "server")
            self._found[pid] = Running(host, party.name if party else None, serves)

    def of(self, pid: int) -> Running | None:
        """Return the program of a thread: its own, or what its parent is."""
        if pid not in self._found:
            parent = self._parents.get(pid)
            self._found[pid] = None if parent is None or parent == pid else self.of(parent)
        found = self._found[pid]
        if found is not None and found.party is None and pid in self._parents:
            above = self.of(self._parents[pid])
            if above is not None and above.host == found.host:
                return above
        return found


def _sockets(trace: KernelTrace, lives: Lives) -> Mapping[int, list[Life]]:
    """Return which sockets each thread was at work on, in the order in which that was told."""
    found: dict[int, list[Life]] = {}
    for life in lives.all:
        for each in life.transitions:
            if each.pid and (life.listens or each.new in _BY_PROGRAMS):
                found.setdefault(each.pid, []).append(life)
    for call in trace.calls:
        worked_on = lives.behind(call)
        if worked_on is not None:
            found.setdefault(call.pid, []).append(worked_on)
    return found


def _by_sockets(some: list[Life], evidence: Evidence) -> Party | None:
    """Return the party that made one of these connections, or that listens there."""
    for life in some:
        for party in evidence.parties:
            if party.host != life.host or party.local != life.local:
                continue
            if party.role == "client" and not life.listens and party.has(life.local, life.peer):
                return party
    return None


def _in_order(
    files: Mapping[int, str], begun: Mapping[int, int], hosts: Mapping[int, str], evidence: Evidence
) -> dict[int, Party]:
    """Pair programs with parties that were started from the same file on the same host, in the order of their start."""
    acts: dict[str, int] = {}
    for action in evidence.actions:
        acts.setdefault(action.actor, action.time_ns)
    waiting = sorted((pid for pid in files if pid in hosts), key=lambda pid: begun[pid])
    found: dict[int, Party] = {}
    for party in evidence.parties:
        last = acts.get(party.name)
        for pid in waiting:
            same = files[pid] == party.program and hosts[pid] == party.host
            if pid not in found and same and (last is None or begun[pid] <= last):
                found[pid] = party
                break
    return found


def _name(path: str) -> str:
    """Return a program's name as the exercise has it: its file's, without the ending."""
    return path.rpartition("/")[2].removesuffix(".py")
