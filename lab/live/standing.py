"""Servers that listened before anybody looked: told as if the kernel had told of them then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from lab.kernel.following import Told
from lab.kernel.homes import Homes, everywhere
from lab.kernel.trace import KernelCall, Started, Transition
from lab.wire.segment import Endpoint
from lab.wire.state import State

_NOWHERE: Final = Endpoint("0.0.0.0", 0)  # noqa: S104 - the peer that a listener does not have


class Standing(NamedTuple):
    """A process that holds a listening socket; `pid` is as the machine numbers it, `address` its host's."""

    program: str
    pid: int
    fd: int
    local: Endpoint
    address: str


class Listeners:
    """Gives each socket that stood already an address of its own, since the kernel's is not known before it ends."""

    def __init__(self) -> None:
        self._addresses: dict[Endpoint, int] = {}

    def told(self, standing: Iterable[Standing], time_ns: int) -> Told:
        """Return what the kernel would have told: programs started, and made their sockets listen."""
        told = Told()
        for each in standing:
            local = Endpoint(each.address, each.local.port) if everywhere(each.local) else each.local
            socket = self._addresses.get(local)
            if socket is None:
                socket = self._addresses[local] = -1 - len(self._addresses)
                states = State.CLOSED, State.LISTEN
                told.transitions.append(Transition(time_ns, socket, *states, each.local, _NOWHERE, each.pid))
            told.started.append(Started(time_ns, each.pid, each.program, None))
            told.calls.append(KernelCall(each.pid, "listen", each.fd, (), time_ns, time_ns, 0, socket))
        return told

    def named(self, told: Told, homes: Mapping[int, str]) -> Told:
        """Put the addresses given here where the kernel tells of the end of such a socket.

        `homes` are hosts' addresses by thread: for one that listens on all of them there is no other telling which.
        """
        hosts = Homes(homes, told.started)
        for place, each in enumerate(told.transitions):
            local = hosts.end_of(each)
            if each.old is State.LISTEN and each.new is State.CLOSED and local in self._addresses:
                socket = self._addresses.pop(local)
                told.transitions[place] = each._replace(socket=socket)
                told.calls = [
                    call._replace(socket=socket) if call.socket == each.socket else call for call in told.calls
                ]
        return told
