"""What the records of the kernel's tracer say, each event by the places that its own format file tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple

from lab.foreign import TAKEN, shown
from lab.kernel.ends import SOCKADDR, Ends
from lab.kernel.formats import Format
from lab.kernel.pairing import Pairing
from lab.kernel.trace import Resent, Reset, Started, Transition
from lab.wire.packet import Buffer
from lab.wire.state import State

Take = Callable[[int, int, int], bool]
"""Takes a record: its time (ns since the epoch), its place in the data, its size; False for values that cannot be."""

TCP: Final = 6
INTERNET: Final = frozenset({2, 10})
"""AF_INET and AF_INET6."""
STATES: Final[Mapping[int, State]] = MappingProxyType(
    {
        1: State.ESTABLISHED, 2: State.SYN_SENT, 3: State.SYN_RECEIVED, 4: State.FIN_WAIT_1, 5: State.FIN_WAIT_2,
        6: State.TIME_WAIT, 7: State.CLOSED, 8: State.CLOSE_WAIT, 9: State.LAST_ACK, 10: State.LISTEN,
        11: State.CLOSING, 12: State.SYN_RECEIVED,
    },
)  # fmt: skip
"""The kernel's numbers (include/net/tcp_states.h); 12 is NEW_SYN_RECV, a half-open request."""

INTERRUPT: Final = 0x08 | 0x10
"""TRACE_FLAG_HARDIRQ and TRACE_FLAG_SOFTIRQ (include/linux/trace_events.h): the thread only stood in the way."""

_ENDS: Final = ("sport", "dport", "saddr_v6:16s", "daddr_v6:16s")
"""Both ends as most of the events tell them: the fields for IPv6 hold an IPv4 address as a mapped one."""


class Taker(NamedTuple):
    """Who takes the records of an event, and how many bytes such a record has at least."""

    take: Take
    needed: int


class Decoder:
    """Gathers what the records of one recording say, in the order in which it is given them."""

    def __init__(self, data: Buffer, machine: str, calls: Pairing | None = None) -> None:
        self.transitions: list[Transition] = []
        self.resent: list[Resent] = []
        self.resets: list[Reset] = []
        self.started: list[Started] = []
        self.calls = calls or Pairing(machine)
        self._data = data
        self._ends = Ends()

    def taker(self, name: str, described: Format) -> Taker:
        """Return who takes the records of an event; FormatError when its format lacks something.

        The records of an event that the lab has no use for are taken and forgotten.
        """
        makers: Mapping[str, Callable[[Format], Taker]] = {
            "sock:inet_sock_set_state": self._transition,
            "tcp:tcp_retransmit_skb": partial(self._retransmission, synack=False),
            "tcp:tcp_retransmit_synack": partial(self._retransmission, synack=True),
            "tcp:tcp_send_reset": partial(self._reset, sent=True),
            "tcp:tcp_receive_reset": partial(self._reset, sent=False),
            "sock:sock_send_length": self._moved,
            "sock:sock_recv_length": self._moved,
            "raw_syscalls:sys_enter": self._enter,
            "raw_syscalls:sys_exit": self._leave,
            "sched:sched_process_exec": self._exec,
            "sched:sched_process_fork": self._fork,
        }
        return makers[name](described) if name in makers else Taker(lambda _time, _at, _size: True, 0)

    def _transition(self, described: Format) -> Taker:
        fields = ("common_flags", "common_pid", "skaddr", "oldstate", "newstate", "protocol")
        read, needed = described.reader(*fields, *_ENDS)
        data, end, states = self._data, self._ends.of, STATES
        append, changed = self.transitions.append, self.calls.changed

        def take(time: int, at: int, _size: int) -> bool:
            flags, pid, socket, before, after, protocol, sport, dport, saddr, daddr = read(data, at)
            if protocol != TCP:
                return True
            if before not in states or after not in states:
                return False
            if flags & INTERRUPT:
                pid = 0
            elif pid:
                changed(pid, socket)
            append(Transition(time, socket, states[before], states[after], end(saddr, sport), end(daddr, dport), pid))
            return True

        return Taker(take, needed)

    def _retransmission(self, described: Format, *, synack: bool) -> Taker:
        read, needed = described.reader(*_ENDS)
        data, end, append = self._data, self._ends.of, self.resent.append

        def take(time: int, at: int, _size: int) -> bool:
            sport, dport, saddr, daddr = read(data, at)
            append(Resent(time, end(saddr, sport), end(daddr, dport), synack))
            return True

        return Taker(take, needed)

    def _reset(self, described: Format, *, sent: bool) -> Taker:
        """Older kernels tell the ends as in all other events, newer ones a sent one's as two `struct sockaddr`."""
        reasons = described.symbols("reason")
        why = ("reason",) if "reason" in described.fields and sent else ()
        plain = "saddr_v6" in described.fields
        ends = _ENDS if plain else (f"saddr:{SOCKADDR}", f"daddr:{SOCKADDR}")
        read, needed = described.reader(*ends, *why)
        data, of, of_sockaddr, append = self._data, self._ends.of, self._ends.of_sockaddr, self.resets.append

        def take(time: int, at: int, _size: int) -> bool:
            said = read(data, at)
            local = of(said[2], said[0]) if plain else of_sockaddr(said[0])
            peer = of(said[3], said[1]) if plain else of_sockaddr(said[1])
            if local is None or peer is None:
                return False
            append(Reset(time, local, peer, sent, reasons.get(said[-1]) if why else None))
            return True

        return Taker(take, needed)

    def _moved(self, described: Format) -> Taker:
        read, needed = described.reader("common_flags", "common_pid", "sk", "family", "protocol")
        data, moved = self._data, self.calls.moved

        def take(_time: int, at: int, _size: int) -> bool:
            flags, pid, socket, family, protocol = read(data, at)
            # Other families number their protocols otherwise.
            if protocol == TCP and family in INTERNET and not flags & INTERRUPT:
                moved(pid, socket)
            return True

        return Taker(take, needed)

    def _enter(self, described: Format) -> Taker:
        read, needed = described.reader("common_pid", "id", "args:6Q")
        data, enter = self._data, self.calls.enter

        def take(time: int, at: int, _size: int) -> bool:
            pid, number, *registers = read(data, at)
            enter(time, pid, number, registers)
            return True

        return Taker(take, needed)

    def _leave(self, described: Format) -> Taker:
        read, needed = described.reader("common_pid", "id", "ret")
        data, leave = self._data, self.calls.leave

        def take(time: int, at: int, _size: int) -> bool:
            leave(time, *read(data, at))
            return True

        return Taker(take, needed)

    def _exec(self, described: Format) -> Taker:
        read, needed = described.reader("pid", "filename")
        data, append = self._data, self.started.append

        def take(time: int, at: int, size: int) -> bool:
            pid, place = read(data, at)
            # A __data_loc: where the text lies in the record, and above that its length with the 0 at its end.
            begin, length = place & 0xFFFF, place >> 16 & 0xFFFF
            if begin + length > size:
                return False
            text = data[at + begin : at + begin + length].partition(b"\0")[0]
            append(Started(time, pid, shown(text.decode(errors=TAKEN)), None))
            return True

        return Taker(take, needed)

    def _fork(self, described: Format) -> Taker:
        read, needed = described.reader("child_pid", "parent_pid")
        data, append = self._data, self.started.append

        def take(time: int, at: int, _size: int) -> bool:
            child, parent = read(data, at)
            append(Started(time, child, None, parent))
            return True

        return Taker(take, needed)
