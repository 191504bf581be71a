"""Whose calls they are: other labs run the same programs, and anybody may listen on all addresses or run Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.kernel.following import Told
from lab.kernel.trace import KernelCall, Started, Transition
from lab.live.owners import Owners, Thread
from lab.wire.segment import Endpoint
from lab.wire.state import State

HERE, ALL, NOWHERE = Endpoint("10.0.0.2", 8000), Endpoint("0.0.0.0", 8000), Endpoint("0.0.0.0", 0)  # noqa: S104
OURS, THEIRS = 7, 8
SOCKET, OTHER = 0x1000, 0x2000


@dataclass
class Hosts:
    """What runs there, and how often somebody has looked."""

    threads: Mapping[int, Thread]
    looks: int = field(default=0)

    def who(self) -> Mapping[int, Thread]:
        self.looks += 1
        return self.threads


def listens(pid: int, local: Endpoint, socket: int = SOCKET, *, ends: bool = False) -> Transition:
    states = (State.LISTEN, State.CLOSED) if ends else (State.CLOSED, State.LISTEN)
    return Transition(1, socket, *states, local, NOWHERE, pid)


def call(pid: int, name: str = "accept4") -> KernelCall:
    return KernelCall(pid, name, 3, (), 2, 3, 4, None)


def test_who_listens_on_all_addresses_is_ours_if_a_host_runs_it() -> None:
    hosts = Hosts({OURS: Thread("echo", "10.0.0.2")})
    owners = Owners(hosts.who)
    told = Told(transitions=[listens(OURS, ALL), listens(THEIRS, ALL, OTHER)], calls=[call(OURS), call(THEIRS)])
    assert [each.pid for each in owners.sort(told)] == [OURS]
    assert [each.pid for each in told.transitions] == [OURS]
    assert (owners.homes, told.started) == ({OURS: "10.0.0.2"}, [Started(1, OURS, "echo", None)])
    end = Told(transitions=[listens(OURS, ALL, ends=True), listens(THEIRS, ALL, OTHER, ends=True)])
    owners.sort(end)
    assert [each.pid for each in end.transitions] == [OURS]


def test_another_process_may_close_it() -> None:
    owners = Owners(Hosts({OURS: Thread("echo", "10.0.0.2")}).who)
    owners.sort(Told(transitions=[listens(OURS, ALL)]))
    end = Told(transitions=[listens(OURS + 100, ALL, ends=True)])
    owners.sort(end)
    assert len(end.transitions) == 1
    again = Told(transitions=[listens(THEIRS, ALL)])
    owners.sort(again)
    assert again.transitions == [], "the kernel gives the address of a socket out again"


def test_what_python_runs_gets_its_name_from_the_host() -> None:
    hosts = Hosts({OURS: Thread("echo", "10.0.0.2")})
    owners = Owners(hosts.who)
    owners.sort(Told(calls=[call(OURS, "socket")]))
    assert hosts.looks == 0, "it may be anybody's"
    told = Told(transitions=[listens(OURS, HERE)], calls=[call(OURS)])
    assert [each.name for each in owners.sort(told)] == ["socket", "accept4"]
    assert told.started == [Started(1, OURS, "echo", None)]


def test_nobody_is_asked_for_twice_nor_for_what_the_kernel_names() -> None:
    hosts = Hosts({})
    owners = Owners(hosts.who)
    for _ in range(3):
        owners.sort(Told(transitions=[listens(THEIRS, ALL)]))
    assert hosts.looks == 1
    started = [Started(0, OURS, "/lab/bin/serve_forked", None), Started(0, OURS + 1, None, OURS)]
    owners.sort(Told(transitions=[listens(OURS + 1, HERE)], started=started))
    assert hosts.looks == 1


def test_without_anybody_to_ask_who_listens_on_all_addresses_is_nobody() -> None:
    told = Told(transitions=[listens(OURS, ALL)], calls=[call(OURS)])
    assert Owners().sort(told) == []
    assert told.transitions == []
