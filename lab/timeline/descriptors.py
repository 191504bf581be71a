"""Which socket a descriptor was at each call: a number means another one after each close() and accept()."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from lab.kernel.trace import KernelCall, KernelTrace, Started
from lab.timeline.lives import Life, Lives
from lab.wire.state import State

_MAKES: Final = frozenset({"socket", "accept", "accept4"})
_NEVER: Final = 1 << 62
_Step = tuple[int, int, "KernelCall | Started", bool]


@dataclass(slots=True, eq=False)
class Opening:
    """A socket from the call that made its descriptor to the last close(); `life` once something tells which it is."""

    life: Life | None = None


class Descriptors:
    """Follows the descriptors of all processes through a recording.

    A forked process or thread begins with those of its parent. An accepted socket is known by the first call that moves
    data through it or changes its state; one that no such call ever tells of is the next in the listener's queue, which
    is first in, first out: inet_csk_accept() in net/ipv4/inet_connection_sock.c.
    """

    def __init__(self, trace: KernelTrace, lives: Lives) -> None:
        self._lives = lives
        self._at: dict[int, Opening] = {}
        self._made: dict[int, Opening] = {}
        self._accepted: list[tuple[KernelCall, Opening, Opening]] = []
        tables: dict[int, dict[int, Opening]] = {}
        for _, _, step, returned in _steps(trace):
            if isinstance(step, Started):
                if step.parent is not None:
                    tables[step.pid] = dict(tables.get(step.parent, {}))
            elif returned:
                self._return(step, tables.setdefault(step.pid, {}))
            else:
                self._begin(step, tables.setdefault(step.pid, {}))
        self._name_the_silent()

    def of(self, call: KernelCall) -> Opening | None:
        """Return the socket that the call works on; None for everything else."""
        return self._at.get(id(call))

    def made_by(self, call: KernelCall) -> Opening | None:
        """Return the socket that an accept returned."""
        return self._made.get(id(call))

    def _begin(self, call: KernelCall, table: dict[int, Opening]) -> None:
        if call.fd is None or call.name == "socket":
            return
        opening = table.get(call.fd)
        if opening is None and self._lives.behind(call):
            opening = table[call.fd] = Opening()  # made before the recording, or by another thread
        if opening is None:
            return
        self._at[id(call)] = opening
        if opening.life is None and call.socket is not None and call.name not in _MAKES:
            opening.life = self._lives.behind(call)
        if call.name == "close":
            del table[call.fd]

    def _return(self, call: KernelCall, table: dict[int, Opening]) -> None:
        if call.name not in _MAKES or call.result is None or call.result < 0:
            return
        opening = self._made[id(call)] = table[call.result] = Opening()
        listener = self._at.get(id(call))
        if listener is not None and call.name != "socket":
            self._accepted.append((call, listener, opening))

    def _name_the_silent(self) -> None:
        # Also those that were accepted before the recording began.
        known = {id(opening.life) for opening in self._at.values() if opening.life}
        known |= {id(opening.life) for _, _, opening in self._accepted if opening.life}
        waiting: dict[int, deque[Life]] = {}
        for call, listener, opening in self._accepted:
            if opening.life is not None or listener.life is None:
                continue
            queue = waiting.get(id(listener.life))
            if queue is None:
                queue = waiting[id(listener.life)] = deque(
                    life for life in self._lives.all if id(life) not in known and _born_of(life, listener.life)
                )
            if queue and queue[0].begun_ns <= (call.ended_ns or _NEVER):
                opening.life = queue.popleft()


def _born_of(life: Life, listener: Life) -> bool:
    return life.local == listener.local and any(each.new is State.SYN_RECEIVED for each in life.transitions)


def _steps(trace: KernelTrace) -> list[_Step]:
    """Return forks, the begins of calls and their returns, in the order of time."""
    steps: list[_Step] = [(each.time_ns, 0, each, False) for each in trace.started]
    steps += [(call.begun_ns, 1, call, False) for call in trace.calls]
    steps += [(call.ended_ns, 2, call, True) for call in trace.calls if call.ended_ns is not None]
    steps.sort(key=itemgetter(0, 1))
    return steps
