"""All system calls as columns: begin and end put together thread by thread, as lab/kernel/pairing.py does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.kernel.columns.events import Events
from lab.kernel.columns.records import DamagedError
from lab.kernel.columns.transitions import TransitionColumns
from lab.kernel.columns.views import Views
from lab.kernel.decoding import INTERNET, INTERRUPT, TCP
from lab.kernel.pairing import syscall_of
from lab.kernel.syscalls import syscalls
from lab.kernel.trace import KernelCall

NONE: Final = -1
"""Where a time or a row is told: there is none."""
_ARGUMENTS: Final = 6
_ENTER, _LEAVE, _MOVED, _CHANGED = range(4)
_Int = NDArray[np.int64]


class Told(NamedTuple):
    """What is told of calls: begins, returns, and bytes moved through sockets."""

    enter: Events
    leave: Events
    moved: Sequence[Events]


class CallColumns(Views[KernelCall]):
    """System calls in the order in which they began: 52 bytes for each. As a sequence it gives their records."""

    def __init__(self, told: Told, changes: TransitionColumns, machine: str) -> None:
        enter = told.enter
        super().__init__(len(enter))
        pid, number, registers = enter.fields("common_pid", "id", "args")
        self._enter = enter
        self._table = syscalls(machine)
        self.pid: NDArray[np.int32] = pid.astype(np.int32)
        self.number: NDArray[np.int16] = number.astype(np.int16)
        """Which call it is, by the machine's own numbers."""
        self.begun_ns: _Int = enter.time_ns
        if (self.number != number).any():
            raise DamagedError
        on_descriptor = np.isin(self.number, [number for number, each in self._table.items() if each.on_descriptor])
        first = registers[:, 0].astype(np.uint32).view(np.int32)
        self.fd: NDArray[np.int32] = np.where(on_descriptor, first, np.int32(NO_DESCRIPTOR))
        """The descriptor it works on, NO_DESCRIPTOR where it works on none or on many."""
        self.ended_ns, self.result, self.socket = _paired(told, changes, self, on_descriptor)
        """NONE, 0 and 0 where there is none; a negative result is minus an errno."""

    def named(self, *names: str) -> NDArray[np.bool_]:
        """Tell of each call whether the kernel calls it one of these."""
        return np.isin(self.number, [number for number, each in self._table.items() if each.name in names])

    @cached_property
    def names(self) -> dict[int, str]:
        """Return the kernel's name of each number that there is."""
        return {number: syscall_of(self._table, number).name for number in np.unique(self.number).tolist()}

    def arguments(self, rows: NDArray[np.intp]) -> NDArray[np.uint64]:
        """Return six registers of each of these calls, of which not all need be arguments."""
        enter = self._enter
        some = Events(enter.data, enter.described, enter.order[rows], enter.time_ns[rows], enter.place[rows])
        found: NDArray[np.uint64] = some.fields("args")[0]
        return found

    def made(self, begin: int, end: int) -> list[KernelCall]:
        """Return the records of these rows."""
        some = slice(begin, end)
        rows = zip(
            self.pid[some].tolist(), self.number[some].tolist(), self.fd[some].tolist(),
            self.arguments(np.arange(begin, end)).tolist(), self.begun_ns[some].tolist(), self.ended_ns[some].tolist(),
            self.result[some].tolist(), self.socket[some].tolist(), strict=True,
        )  # fmt: skip
        found = []
        for pid, number, fd, registers, begun_ns, ended_ns, result, socket in rows:
            name, arguments, on_descriptor = syscall_of(self._table, number)
            returned = ended_ns != NONE
            found.append(
                KernelCall(
                    pid,
                    name,
                    fd if on_descriptor else None,
                    tuple(registers[:arguments]),
                    begun_ns,
                    ended_ns if returned else None,
                    result if returned else None,
                    socket or None,
                )
            )
        return found


NO_DESCRIPTOR: Final = -(1 << 31)
"""No program has one of that number."""


def _paired(
    told: Told, changes: TransitionColumns, calls: CallColumns, on_descriptor: NDArray[np.bool_]
) -> tuple[_Int, _Int, NDArray[np.uint64]]:
    """Return when each call returned, with what, and which socket it was about."""
    leave = told.leave
    left_pid, left_number, left_with = leave.fields("common_pid", "id", "ret")
    parts = [(told.enter.order, calls.pid, _ENTER), (leave.order, left_pid, _LEAVE)]
    sockets = [np.zeros(0, np.uint64)]
    for each in told.moved:
        flags, pid, socket, family, protocol = each.fields("common_flags", "common_pid", "sk", "family", "protocol")
        mine = (protocol == TCP) & np.isin(family, list(INTERNET)) & ((flags & INTERRUPT) == 0)
        parts.append((each.order[mine], pid[mine], _MOVED))
        sockets.append(socket[mine])
    theirs = changes.pid != 0
    parts.append((changes.order[theirs], changes.pid[theirs], _CHANGED))
    sockets.append(changes.socket[theirs])
    socket_of = np.concatenate(sockets)
    same, kind, row = _by_thread(parts)
    # The call that each event falls into: the last that this thread has begun.
    begun = np.where(kind == _ENTER, np.arange(len(kind), dtype=np.uint32), np.uint32(0))
    np.maximum.accumulate(begun, out=begun)
    within = (kind[begun] == _ENTER) & (same[begun] == same)
    ended = np.full(len(calls), NONE, np.int64)
    result = np.zeros(len(calls), np.int64)
    over = np.full(len(calls), len(kind), np.uint32)
    returns = np.flatnonzero((kind == _LEAVE) & within)
    call, left = row[begun[returns]], row[returns]
    matches = (left_number[left] == calls.number[call])[::-1]
    call, left, returns = call[::-1][matches], left[::-1][matches], returns[::-1][matches]
    ended[call], result[call], over[call] = leave.time_ns[left], left_with[left], returns
    found = np.zeros(len(calls), np.uint64)
    for of_kind in (_CHANGED, _MOVED):  # the second counts more
        some = np.flatnonzero((kind == of_kind) & within)
        call = row[begun[some]]
        before = some < over[call]
        if of_kind == _CHANGED:
            before &= on_descriptor[call]
        some, call = some[before][::-1], call[before][::-1]
        found[call] = socket_of[row[some]]
    return ended, result, found


def _by_thread(
    parts: Sequence[tuple[NDArray[np.uint32], NDArray[Any], int]],
) -> tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.uint32]]:
    """Return thread, kind and row of all events, thread by thread and in their order.

    Rows of begins and of returns are those of their columns; those of sockets count through all that tell of one.
    """
    bits, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    last = max((int(order[-1]) for order, _, _ in parts if len(order)), default=-1)
    kind_of, row_of = np.zeros(last + 1, np.int8), np.zeros(last + 1, np.uint32)
    keys, sockets = [], 0
    for order, pid, kind in parts:
        begin = sockets if kind in (_MOVED, _CHANGED) else 0
        kind_of[order] = kind
        row_of[order] = np.arange(begin, begin + len(order), dtype=np.uint32)
        sockets += len(order) if kind in (_MOVED, _CHANGED) else 0
        keys.append(pid.astype(np.int32).view(np.uint32).astype(np.uint64) << bits | order)
    key = np.concatenate(keys)
    del keys
    key.sort()
    order = (key & mask).astype(np.uint32)
    key >>= bits
    return key.astype(np.uint32).view(np.int32), kind_of[order], row_of[order]
