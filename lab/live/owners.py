"""Whose calls are of this lab: the kernel is asked by a program's name, and other labs run the same programs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from lab.kernel.following import Told
from lab.kernel.trace import KernelCall
from lab.wire.state import State

_OWN: Final = frozenset({State.LISTEN, State.SYN_SENT})
"""States that only a program's own call brings about: any other may come in whatever thread the kernel interrupts."""
_EARLIER: Final = 32
"""Calls of a stranger that are kept: they are told of once it turns out to be none."""
_MOST_STRANGERS: Final = 200


class Owners:
    """Knows the threads that had a socket of the lab's, and what these started."""

    def __init__(self) -> None:
        self._ours: set[int] = set()
        self._sockets: set[int] = set()
        self._strangers: dict[int, deque[KernelCall]] = {}

    def sort(self, told: Told) -> list[KernelCall]:
        """Return the calls of the lab's own programs: of a thread that has just shown to be one also earlier ones."""
        self._learn(told)
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
        return found

    def owns(self, pid: int) -> bool:
        """Tell whether the thread is of this lab."""
        return pid in self._ours

    def forget(self, pids: Iterable[int]) -> None:
        """Forget all threads but these: a number may be another's by now."""
        self._ours &= set(pids)

    def _learn(self, told: Told) -> None:
        opened: dict[int, int] = {}
        closed: dict[int, int] = {}
        for change in told.transitions:
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
        for started in told.started:
            if started.parent in self._ours:
                self._ours.add(started.pid)
        self._sockets -= closed.keys()
