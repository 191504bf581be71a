"""Put the begin and the end of each system call together, thread by thread, with the socket it was about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lab.kernel.syscalls import Syscall, syscalls
from lab.kernel.trace import KernelCall

_MOST_ARGUMENTS: Final = 6

_Begun = tuple[int, int, int, Syscall, tuple[int, ...]]
"""A call that has not returned: its place among all, when it began, its number, what it is, its arguments."""


class Pairing:
    """Takes what the threads did in the order of time."""

    def __init__(self, machine: str) -> None:
        self._table = dict(syscalls(machine))
        self._begun: dict[int, _Begun] = {}
        self._moved: dict[int, int] = {}
        self._changed: dict[int, int] = {}
        self._calls: list[KernelCall | None] = []

    def enter(self, time_ns: int, pid: int, number: int, registers: Sequence[int]) -> None:
        """Thread `pid` begins a call; an earlier one that is still open never returned as far as is known."""
        if pid in self._begun:
            self._end(pid, None, None)
        syscall = syscall_of(self._table, number)
        self._begun[pid] = (len(self._calls), time_ns, number, syscall, tuple(registers[: syscall.arguments]))
        self._calls.append(None)

    def leave(self, time_ns: int, pid: int, number: int, result: int) -> None:
        """Thread `pid` returns from the call; without its begin nothing is known of it, and it is passed over."""
        begun = self._begun.get(pid)
        if begun is not None and begun[2] == number:
            self._end(pid, time_ns, result)

    def moved(self, pid: int, socket: int) -> None:
        """Data went through `socket` for thread `pid`."""
        if pid in self._begun:
            self._moved.setdefault(pid, socket)

    def changed(self, pid: int, socket: int) -> None:
        """Thread `pid` itself changed the state of `socket`. The first counts: a listener's end takes others along."""
        if pid in self._begun:
            self._changed.setdefault(pid, socket)

    def finished(self) -> tuple[KernelCall, ...]:
        """Return all calls in the order in which they began."""
        for pid in tuple(self._begun):
            self._end(pid, None, None)
        return tuple(call for call in self._calls if call is not None)

    def returned(self) -> list[KernelCall]:
        """Return the calls that have ended since this was last asked for, and let go of them."""
        ended = [call for call in self._calls if call is not None]
        for place, (pid, (_, time_ns, number, syscall, arguments)) in enumerate(self._begun.items()):
            self._begun[pid] = place, time_ns, number, syscall, arguments
        self._calls = [None] * len(self._begun)
        return ended

    def under_way(self) -> list[KernelCall]:
        """Return the calls that have not ended, as far as they are known."""
        return [self._call(pid, None, None) for pid in self._begun]

    def _end(self, pid: int, ended_ns: int | None, result: int | None) -> None:
        self._calls[self._begun[pid][0]] = self._call(pid, ended_ns, result)
        del self._begun[pid]
        self._moved.pop(pid, None)
        self._changed.pop(pid, None)

    def _call(self, pid: int, ended_ns: int | None, result: int | None) -> KernelCall:
        _, begun_ns, _, (name, _, on_descriptor), arguments = self._begun[pid]
        moved, changed = self._moved.get(pid), self._changed.get(pid)
        fd = _descriptor(arguments[0]) if on_descriptor else None
        socket = moved if moved is not None else changed if on_descriptor else None
        return KernelCall(pid, name, fd, arguments, begun_ns, ended_ns, result, socket)


def syscall_of(table: Mapping[int, Syscall], number: int) -> Syscall:
    """Return the system call of that number; one that is not in the table is named by it."""
    return table.get(number) or Syscall(f"syscall_{number}", _MOST_ARGUMENTS, on_descriptor=False)


def _descriptor(register: int) -> int:
    """Return the int in the lower half of a register."""
    low = register & 0xFFFFFFFF
    return low - (1 << 32) if low >> 31 else low
