"""The lives of the lab's sockets as the kernel told of them, each with the connection whose end it was."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lab.kernel.homes import Homes, everywhere
from lab.kernel.trace import KernelCall, KernelTrace, Transition
from lab.timeline.connections import Joined
from lab.wire.segment import Endpoint
from lab.wire.state import State

SLACK_NS: Final = 1_000_000
"""Stamps of one clock that belong together are never further apart: a state and the segment behind it."""
_NEVER: Final = 1 << 62


@dataclass(slots=True)
class Life:
    """A socket from its first change of state to its last; the kernel may use its address again for another.

    One that listens on all addresses is known by its host's: so it is for who connects.
    `talk` is the index of its connection; None for a listener, and where no segment of it was captured.
    """

    socket: int
    host: str
    local: Endpoint
    peer: Endpoint
    transitions: list[Transition] = field(default_factory=list)
    talk: int | None = None

    @property
    def begun_ns(self) -> int:
        """The time of its first change of state."""
        return self.transitions[0].time_ns

    @property
    def closed_ns(self) -> int | None:
        """When the kernel let it go; None while it had not."""
        last = self.transitions[-1]
        return last.time_ns if last.new is State.CLOSED else None

    @property
    def listens(self) -> bool:
        """Whether it is a listener's."""
        return any(each.new is State.LISTEN for each in self.transitions)

    @property
    def serves(self) -> bool:
        """Whether it came out of a listener's queue."""
        return any(each.new is State.SYN_RECEIVED for each in self.transitions)


class Lives:
    """All of them; found by the kernel's address of the socket and the time."""

    def __init__(self, lives: Sequence[Life]) -> None:
        self.all = sorted(lives, key=lambda life: life.begun_ns)
        self._by_socket: dict[int, list[Life]] = {}
        for life in self.all:
            self._by_socket.setdefault(life.socket, []).append(life)
        self._begun = {socket: [life.begun_ns for life in some] for socket, some in self._by_socket.items()}

    def behind(self, call: KernelCall) -> Life | None:
        """Return the life that the call's socket had while it was made; None when it was over, or not the lab's.

        The kernel gives an address out again, perhaps to a socket of somebody else, of whom nothing else is told.
        """
        if call.socket is None:
            return None
        place = bisect_right(self._begun.get(call.socket, ()), call.ended_ns or _NEVER)
        if not place:
            return None
        life = self._by_socket[call.socket][place - 1]
        return life if life.closed_ns is None or life.closed_ns >= call.begun_ns else None


def lives_of(trace: KernelTrace, joined: Sequence[Joined], hosts: Mapping[str, str]) -> Lives:
    """Return the lives of the sockets on the lab's addresses; `hosts` gives a host's name by its address."""
    homes = Homes(trace.agents, trace.started)
    found: list[Life] = []
    living: dict[int, Life] = {}
    for each in trace.transitions:
        life = living.get(each.socket)
        if life is None or _begins(each):
            local = homes.end_of(each)
            host = hosts.get(local.address)
            if host is None:
                continue
            life = living[each.socket] = Life(each.socket, host, local, each.peer)
            found.append(life)
        life.transitions.append(each)
        if each.local.port and not everywhere(each.local):
            life.local = each.local
        if each.peer.port:
            life.peer = each.peer
        if each.new is State.CLOSED:
            del living[each.socket]
    _assign(found, joined)
    return Lives(found)


def _begins(each: Transition) -> bool:
    opens = each.old is State.CLOSED and each.new in (State.SYN_SENT, State.LISTEN)
    return opens or (each.old is State.LISTEN and each.new is State.SYN_RECEIVED)


def _assign(lives: Sequence[Life], joined: Sequence[Joined]) -> None:
    """Give each life its connection: by both endpoints; of several that had the same ports in turn, by time."""
    by_ends: dict[tuple[Endpoint, Endpoint], list[int]] = {}
    by_target: dict[tuple[str, Endpoint], list[int]] = {}
    for number, each in enumerate(joined):
        by_ends.setdefault((each.client, each.server), []).append(number)
        by_target.setdefault((each.client_host, each.server), []).append(number)
    begun = [each.begun_ns for each in joined]  # which they are ordered by
    nameless: list[Life] = []
    taken: set[int] = set()
    for life in lives:
        if life.listens:
            continue
        if any(each.new is State.SYN_SENT for each in life.transitions):
            if not life.local.port:
                nameless.append(life)
                continue
            some = by_ends.get((life.local, life.peer), ())
            place = bisect_left(some, life.begun_ns - SLACK_NS, key=begun.__getitem__)
            life.talk = some[place] if place < len(some) else None
            if life.talk is not None:
                taken.add(life.talk)
        else:
            some = by_ends.get((life.peer, life.local), ())
            place = bisect_right(some, life.begun_ns + SLACK_NS, key=begun.__getitem__)
            life.talk = some[place - 1] if place else None
    reached: dict[tuple[str, Endpoint], int] = {}
    for life in nameless:  # it was never told which port it got: the next connection from there that nobody has
        target = life.host, life.peer
        some = by_target.get(target, ())
        # They come in the order of time, so that what one of them passed over is too early, or taken, for the next.
        place = max(reached.get(target, 0), bisect_left(some, life.begun_ns - SLACK_NS, key=begun.__getitem__))
        while place < len(some) and some[place] in taken:
            place += 1
        reached[target] = place + 1
        life.talk = some[place] if place < len(some) else None
