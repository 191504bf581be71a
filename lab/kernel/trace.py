"""What the kernel's own tracer told of the lab's sockets, on the clock that tcpdump stamps with (ns, realtime)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lab.wire.segment import Endpoint
from lab.wire.state import State

SOCKETS: Final = "sockets"
"""The recorder's instance of what becomes of sockets: `Transition`, `Resent`, `Reset`."""
PROGRAMS: Final = "programs"
"""Its instance of what programs do: `KernelCall`, `Started`, and LISTEN on all addresses."""
UNTOLD: Final = ""
"""One of the two, in recordings made before it was told which."""


class Transition(NamedTuple):
    """A TCP socket's state changed (`sock:inet_sock_set_state`).

    `socket` is the kernel's address of it: a name that holds until it is freed. `pid` is the thread that did it, as the
    machine numbers it (not the host's own number); 0 when it happened in a soft interrupt, on nobody's behalf. A port
    or an address may be 0: SYN-SENT is told before the local port is chosen, and a server may listen on all addresses.
    """

    time_ns: int
    socket: int
    old: State
    new: State
    local: Endpoint
    peer: Endpoint
    pid: int


class Resent(NamedTuple):
    """The kernel sent a segment again (`tcp:tcp_retransmit_skb`), or a SYN-ACK (`tcp:tcp_retransmit_synack`)."""

    time_ns: int
    local: Endpoint
    peer: Endpoint
    synack: bool


class Reset(NamedTuple):
    """A RST was sent (`tcp:tcp_send_reset`) or taken (`tcp:tcp_receive_reset`).

    `reason` is the kernel's own word for a sent one (`NO_SOCKET`, `TCP_ABORT_ON_CLOSE`), where it has one.
    """

    time_ns: int
    local: Endpoint
    peer: Endpoint
    sent: bool
    reason: str | None


class KernelCall(NamedTuple):
    """A system call (`raw_syscalls:sys_enter` and `sys_exit`) of a program of the lab.

    `name` is the kernel's (`accept4`, `recvfrom`). `ended_ns` and `result` are None for a call that had not returned
    when the recording ended; a negative result is minus an errno. `fd` is the descriptor it works on, None where it
    works on none or on many. `socket` is the kernel's address of the socket that data moved through, where the kernel
    told it (`sock:sock_send_length`, `sock:sock_recv_length`) or that changed its state meanwhile in this thread.
    """

    pid: int
    name: str
    fd: int | None
    arguments: tuple[int, ...]
    begun_ns: int
    ended_ns: int | None
    result: int | None
    socket: int | None


class Started(NamedTuple):
    """A program of the lab was started (`sched:sched_process_exec`), or a process or thread forked (`…_process_fork`).

    `program` is the name of the file for the first, None for the second, whose `parent` is who forked.
    """

    time_ns: int
    pid: int
    program: str | None
    parent: int | None


@dataclass(frozen=True, slots=True)
class KernelTrace:
    """A whole recording, each kind in the order of time; transitions and calls of a large one are columns.

    `clock` is the kernel's clock it was stamped with; `precision_ns` is how far a time here may be off the capture's
    clock (0: the same clock). `lost` is how many events the buffers of each instance had no room for (SOCKETS,
    PROGRAMS, UNTOLD): of what it records nothing is proved by what is not here. `missing` are events that this kernel
    does not have, `left_out` those that the lab did not ask for; `all-addresses` among them stands for LISTEN on all
    addresses, where the kernel was not told whose programs are whose: then calls are those of all programs of those
    names. `agents` are the hosts' addresses by the processes that started all of the lab's programs there.
    """

    transitions: Sequence[Transition]
    resent: tuple[Resent, ...]
    resets: tuple[Reset, ...]
    calls: Sequence[KernelCall]
    started: tuple[Started, ...]
    clock: str
    precision_ns: int
    lost: Mapping[str, int]
    missing: tuple[str, ...]
    begun_ns: int
    ended_ns: int
    left_out: tuple[str, ...] = ()
    agents: Mapping[int, str] = field(default_factory=dict)

    @property
    def lost_states(self) -> int:
        """How many events were lost among which changes of states, retransmissions or resets may be."""
        return self.lost.get(SOCKETS, 0) + self.lost.get(UNTOLD, 0)

    @property
    def lost_calls(self) -> int:
        """How many events were lost among which calls or starts may be."""
        return self.lost.get(PROGRAMS, 0) + self.lost.get(UNTOLD, 0)
