"""All changes of state as columns."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.kernel.columns.events import Events
from lab.kernel.columns.records import DamagedError
from lab.kernel.columns.views import Views
from lab.kernel.decoding import INTERRUPT, STATES, TCP
from lab.kernel.trace import Transition
from lab.wire.columns.addresses import Addresses
from lab.wire.state import State

NUMBERS: Final = {state: number for number, state in sorted(STATES.items(), reverse=True)}
"""The number of each state in the columns: the kernel's own, NEW_SYN_RECV as SYN_RECV."""
_NEW_SYN_RECV: Final = 12
_MAPPED: Final = np.uint64(0xFFFF0000)


class TransitionColumns(Views[Transition]):
    """Changes of state in the order of time: 38 bytes for each. As a sequence it gives their records."""

    def __init__(self, events: Events, addresses: Addresses) -> None:
        """Read the columns; DamagedError for a state that cannot be."""
        flags, pid, socket, old, new, protocol, sport, dport, saddr, daddr = events.fields(
            "common_flags", "common_pid", "skaddr", "oldstate", "newstate", "protocol", "sport", "dport", "saddr_v6",
            "daddr_v6",
        )  # fmt: skip
        tcp = np.flatnonzero(protocol == TCP)
        super().__init__(len(tcp))
        self.order = events.order[tcp]
        """Each one's place among all records of the recording."""
        self.time_ns: NDArray[np.int64] = events.time_ns[tcp]
        self.socket = socket[tcp].astype(np.uint64)
        self.old, self.new = _states(old[tcp]), _states(new[tcp])
        self.local = ends(addresses, saddr[tcp], sport[tcp])
        """Each end as the integer that stands for it in `addresses`."""
        self.peer = ends(addresses, daddr[tcp], dport[tcp])
        self.pid: NDArray[np.int32] = np.where((flags[tcp] & INTERRUPT) != 0, 0, pid[tcp]).astype(np.int32)
        self.addresses = addresses

    def made(self, begin: int, end: int) -> list[Transition]:
        """Return the records of these rows."""
        some = slice(begin, end)
        endpoint = self.addresses.endpoint
        return list(
            map(
                Transition,
                self.time_ns[some].tolist(),
                self.socket[some].tolist(),
                map(STATES.__getitem__, self.old[some].tolist()),
                map(STATES.__getitem__, self.new[some].tolist()),
                map(endpoint, self.local[some].tolist()),
                map(endpoint, self.peer[some].tolist()),
                self.pid[some].tolist(),
            )
        )


def number_of(*states: State) -> list[int]:
    """Return the numbers of states, as the columns have them."""
    return [NUMBERS[state] for state in states]


def ends(addresses: Addresses, raw: NDArray[np.uint64], ports: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """Return the integers of ends, whose addresses are of 16 bytes; a mapped one is an IPv4 address."""
    low = raw[:, 1]
    mapped = (raw[:, 0] == 0) & (low & np.uint64(0xFFFFFFFF) == _MAPPED)
    found = addresses.values((low >> np.uint64(32)).astype(np.uint32).byteswap(), ports)
    rest = np.flatnonzero(~mapped)
    if len(rest):
        found[rest] = addresses.values(np.ascontiguousarray(raw[rest]), ports[rest])
    return found


def _states(told: NDArray[np.int32]) -> NDArray[np.int8]:
    known = np.isin(told, list(STATES))
    if not known.all():
        raise DamagedError
    return np.where(told == _NEW_SYN_RECV, NUMBERS[State.SYN_RECEIVED], told).astype(np.int8)
