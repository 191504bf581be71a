"""Which socket a descriptor was at each call: a number means another one after each close() and accept()."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from lab.kernel.trace import KernelCall, KernelTrace, Started
from lab.timeline.about import target_of
from lab.timeline.lives import Life, Lives
from lab.wire.state import State

MAKES: Final = frozenset({"socket", "accept", "accept4"})
MAKES_EPOLL: Final = "epoll_create1"
IP: Final = frozenset({2, 10})
"""AF_INET and AF_INET6: include/linux/socket.h."""
TYPE: Final = 0xF
STREAM: Final = 1
"""What of socket()'s second argument is the type, and SOCK_STREAM: include/linux/net.h."""
_NEVER: Final = 1 << 62
_Step = tuple[int, int, "KernelCall | Started", bool]


@dataclass(slots=True, eq=False)
class Opening:
    """A TCP socket, or an epoll, from the call that made its descriptor to the last close().

    `life` is known once something tells which socket it is. An epoll is `watching` when it was ever told of a TCP
    socket: Python makes one also to find out whether the kernel can.
    """

    life: Life | None = None
    epoll: bool = False
    watching: bool = False


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
        self._targets: dict[int, Opening] = {}
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
        """Return the TCP socket or the epoll that the call works on; None for everything else."""
        return self._at.get(id(call))

    def made_by(self, call: KernelCall) -> Opening | None:
        """Return what the call made: a TCP socket, or an epoll."""
        return self._made.get(id(call))

    def target_of(self, call: KernelCall) -> Opening | None:
        """Return the TCP socket that an epoll_ctl is about."""
        return self._targets.get(id(call))

    def _begin(self, call: KernelCall, table: dict[int, Opening]) -> None:
        if call.fd is None or call.name == "socket":
            return
        number = target_of(call)
        target = None if number is None else table.get(number)
        if target is not None and not target.epoll:
            self._targets[id(call)] = target
            table.setdefault(call.fd, Opening(epoll=True)).watching = True
        opening = table.get(call.fd)
        if opening is None and self._lives.behind(call):
            opening = table[call.fd] = Opening()  # made before the recording, or by another thread
        if opening is None:
            return
        self._at[id(call)] = opening
        silent = opening.life is None and not opening.epoll
        if silent and call.socket is not None and call.name not in MAKES:
            opening.life = self._lives.behind(call)
        if call.name == "close":
            del table[call.fd]

    def _return(self, call: KernelCall, table: dict[int, Opening]) -> None:
        if call.result is None or call.result < 0:
            return
        if call.name == MAKES_EPOLL:
            self._made[id(call)] = table[call.result] = Opening(epoll=True)
        if call.name not in MAKES or not makes_tcp(call):
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


def makes_tcp(call: KernelCall) -> bool:
    """Tell whether a socket() asks for a TCP socket; every accept returns one."""
    if call.name != "socket" or len(call.arguments) < 2:  # noqa: PLR2004 - its family and its type
        return True
    family, kind = call.arguments[:2]
    return family in IP and kind & TYPE == STREAM


def _born_of(life: Life, listener: Life) -> bool:
    return life.local == listener.local and any(each.new is State.SYN_RECEIVED for each in life.transitions)


def _steps(trace: KernelTrace) -> list[_Step]:
    """Return forks, the begins of calls and their returns, in the order of time."""
    steps: list[_Step] = [(each.time_ns, 0, each, False) for each in trace.started]
    steps += [(call.begun_ns, 1, call, False) for call in trace.calls]
    steps += [(call.ended_ns, 2, call, True) for call in trace.calls if call.ended_ns is not None]
    steps.sort(key=itemgetter(0, 1))
    return steps
