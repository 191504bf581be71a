"""Whose calls are of this lab: the kernel is asked by a program's name, and others run programs of the same name."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from lab.kernel.following import Told
from lab.kernel.homes import everywhere
from lab.kernel.trace import KernelCall, Started, Transition
from lab.wire.state import State

_OWN: Final = frozenset({State.LISTEN, State.SYN_SENT})
"""States that only a program's own call brings about: any other may come in whatever thread the kernel interrupts."""
_EARLIER: Final = 32
"""Calls of a stranger that are kept: they are told of once it turns out to be none."""
_MOST_STRANGERS: Final = 200
_MOST_FORKS: Final = 1_000
"""Forks that are kept, the last: a worker may have nothing to do for hours."""


class Thread(NamedTuple):
    """A thread on a host: the name of its program, and the host's address."""

    program: str
    address: str


class Owners:
    """Knows the threads that had a socket of the lab's, and what these started.

    `who` looks at the hosts. It is asked for a thread that listens on all addresses, which may be anybody's; for the
    name of what the kernel tells no name of: whatever Python runs is `python3` to it; and for a worker that calls again
    after it was idle for long: its number may be another's by now.
    """

    def __init__(self, who: Callable[[], Mapping[int, Thread]] = dict) -> None:
        self.homes: dict[int, str] = {}
        """The addresses of the hosts of those that were asked about."""
        self._who = who
        self._asked: set[int] = set()
        self._named: dict[int, str] = {}
        self._ours: set[int] = set()
        self._forks: dict[int, int] = {}
        self._idle: set[int] = set()
        self._called: set[int] = set()
        self._sockets: set[int] = set()
        self._everywhere: set[int] = set()
        self._strangers: dict[int, deque[KernelCall]] = {}

    def sort(self, told: Told) -> list[KernelCall]:
        """Return the calls of the lab's own programs: of a thread that has just shown to be one also earlier ones.

        Out of what was told goes who listens on all addresses elsewhere; into it come the names that were asked for.
        """
        self._learn(told)
        for started in told.started:
            self._take(started)
        self._inherit()
        if unknown := self._unknown(told):
            self._asked |= unknown
            self._introduce(told, unknown)
            self._inherit()
        told.transitions = [each for each in told.transitions if not everywhere(each.local) or self._at_home(each)]
        found: list[KernelCall] = []
        for pid in self._strangers.keys() & self._ours:
            found += self._strangers.pop(pid)
        for call in told.calls:
            if call.pid in self._ours:
                found.append(call)
            else:
                # Who called last stands last.
                earlier = self._strangers.pop(call.pid, None) or deque(maxlen=_EARLIER)
                earlier.append(call)
                self._strangers[call.pid] = earlier
        for pid in [*self._strangers][:-_MOST_STRANGERS]:
            del self._strangers[pid]
        self._called |= {call.pid for call in found}
        return found

    def owns(self, pid: int) -> bool:
        """Tell whether the thread is of this lab."""
        return pid in self._ours

    def busy(self, under_way: Iterable[KernelCall]) -> set[int]:
        """Return the threads of ours that are in a call, or called since this was asked last: those live."""
        called, self._called = self._called, set()
        return called | {call.pid for call in under_way if call.pid in self._ours}

    def forget(self, pids: Iterable[int]) -> None:
        """Forget all threads but these: a number may be another's by now. Who was forked is asked for when it calls."""
        kept = set(pids)
        self._forks = dict([*self._forks.items()][-_MOST_FORKS:])
        self._idle = (self._idle | self._ours - kept) & self._forks.keys()
        self._ours &= kept
        self._named = {pid: program for pid, program in self._named.items() if pid in kept or pid in self._idle}
        self._asked &= kept
        self.homes = {pid: address for pid, address in self.homes.items() if pid in kept}

    def _take(self, started: Started) -> None:
        """Take note of a program, or of who forked whom: of strangers too, who may turn out to be none."""
        if started.parent is not None:
            self._forks.pop(started.pid, None)
            self._forks[started.pid] = started.parent
            self._idle.discard(started.pid)
        if started.program:
            self._named[started.pid] = started.program

    def _inherit(self) -> None:
        """Take those for ours that one of ours forked; they run its program."""
        for pid, parent in self._forks.items():
            if pid not in self._idle and (parent in self._ours or parent in self._idle):
                self._ours.add(pid)
                if parent in self._named:
                    self._named.setdefault(pid, self._named[parent])

    def _learn(self, told: Told) -> None:
        opened: dict[int, int] = {}
        closed: dict[int, int] = {}
        for change in told.transitions:
            if everywhere(change.local):
                continue
            if change.socket not in self._sockets:
                opened[change.socket] = change.time_ns
            self._sockets.add(change.socket)
            closed.pop(change.socket, None)
            if change.new is State.CLOSED:
                closed[change.socket] = change.time_ns
            if change.pid and change.new in _OWN:
                self._ours.add(change.pid)
        for call in told.calls:
            if call.socket in self._sockets:
                # The kernel gives the address of a closed socket out again at once, to whoever asks.
                ended_ns = call.ended_ns or call.begun_ns
                if ended_ns >= opened.get(call.socket, 0) and call.begun_ns <= closed.get(call.socket, ended_ns):
                    self._ours.add(call.pid)
        self._sockets -= closed.keys()

    def _unknown(self, told: Told) -> set[int]:
        """Return the threads to ask for: nobody is asked for twice."""
        anybody = {each.pid for each in told.transitions if everywhere(each.local) and each.new is State.LISTEN}
        again = self._idle & {call.pid for call in told.calls}
        return (anybody - self.homes.keys() | self._ours - self._named.keys() | again) - self._asked

    def _introduce(self, told: Told, unknown: set[int]) -> None:
        """Take those for ours that run on the hosts, and tell of their names as if the kernel had."""
        begun_ns = min([*(each.time_ns for each in told.transitions), *(each.begun_ns for each in told.calls)])
        threads = self._who()
        for pid in unknown & self._idle:
            self._idle.discard(pid)
            if threads and pid not in threads:
                del self._forks[pid]
            else:
                self._ours.add(pid)
        for pid in unknown & threads.keys():
            self.homes[pid] = threads[pid].address
            self._ours.add(pid)
        for pid in unknown & threads.keys() - self._named.keys():
            program = self._named[pid] = threads[pid].program
            parent = self._forks.get(pid)
            if parent not in self._ours or parent not in threads or threads[parent].program != program:
                told.started.append(Started(begun_ns, pid, program, None))

    def _at_home(self, change: Transition) -> bool:
        """Tell whether a socket on all addresses is one of ours; another process may close it than opened it."""
        ours = change.pid in self.homes or change.socket in self._everywhere
        if ours and change.new is State.LISTEN:
            self._everywhere.add(change.socket)
        elif change.new is State.CLOSED:
            self._everywhere.discard(change.socket)
        return ours
