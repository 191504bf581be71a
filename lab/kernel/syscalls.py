"""The system calls that are recorded, by the numbers that each machine gives them."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from lab.kernel.calls import FAMILIES


class Syscall(NamedTuple):
    """A system call's name, how many arguments it takes, and whether the first is the descriptor that it works on."""

    name: str
    arguments: int
    on_descriptor: bool

    @property
    def family(self) -> str:
        """Its name as programs write it: `recv` for recvfrom."""
        return FAMILIES.get(self.name, self.name)


_ON_DESCRIPTOR: Final[Mapping[str, int]] = MappingProxyType(
    {
        "bind": 3, "listen": 2, "accept": 3, "accept4": 4, "connect": 3, "shutdown": 2, "close": 1,
        "recvfrom": 6, "recvmsg": 3, "sendto": 6, "sendmsg": 3, "read": 3, "write": 3, "readv": 3, "writev": 3,
        "sendfile": 4, "epoll_wait": 4, "epoll_pwait": 6, "epoll_pwait2": 6, "epoll_ctl": 4,
        "setsockopt": 5, "getsockopt": 5, "fcntl": 3, "ioctl": 3,
    },
)  # fmt: skip
_ON_NONE_OR_MANY: Final[Mapping[str, int]] = MappingProxyType(
    {
        "socket": 3, "epoll_create1": 1, "select": 5, "pselect6": 6, "poll": 3, "ppoll": 5,
        "nanosleep": 2, "clock_nanosleep": 4,
    },
)  # fmt: skip
"""How many arguments each takes (include/linux/syscalls.h)."""

_NOT_RECORDED: Final = frozenset(
    {"clone", "clone3", "dup", "dup2", "dup3", "epoll_create", "eventfd2", "execve", "fork", "fsync", "futex", "kill"}
    | {"mmap", "munmap", "openat", "pause", "pipe2", "socketpair", "vfork", "wait4", "waitid"}
)
CALL_NAMES: Final = frozenset({*_ON_DESCRIPTOR, *_ON_NONE_OR_MANY, *_NOT_RECORDED, *FAMILIES, *FAMILIES.values()})
"""What an exercise may call a system call: those that are recorded, and further ones that strace shows."""

KERNEL_ONLY: Final = {512: "ERESTARTSYS", 513: "ERESTARTNOINTR", 514: "ERESTARTNOHAND", 516: "ERESTART_RESTARTBLOCK"}
"""What a call that a signal broke off returns inside the kernel: include/linux/errno.h."""
ERRORS: Final[Mapping[int, str]] = MappingProxyType(
    {**errno.errorcode, errno.EDEADLK: "EDEADLK", errno.EOPNOTSUPP: "EOPNOTSUPP", **KERNEL_ONLY},
)
"""Errors by number, each by the name that the kernel's headers and strace give it: Python prefers another for two."""

_NUMBERS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        # arch/x86/entry/syscalls/syscall_64.tbl
        "x86_64": {
            "read": 0, "write": 1, "close": 3, "poll": 7, "ioctl": 16, "readv": 19, "writev": 20, "select": 23,
            "nanosleep": 35, "sendfile": 40, "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "recvfrom": 45,
            "sendmsg": 46, "recvmsg": 47, "shutdown": 48, "bind": 49, "listen": 50, "setsockopt": 54, "getsockopt": 55,
            "fcntl": 72, "clock_nanosleep": 230, "epoll_wait": 232, "epoll_ctl": 233, "pselect6": 270, "ppoll": 271,
            "epoll_pwait": 281, "accept4": 288, "epoll_create1": 291, "epoll_pwait2": 441,
        },
        # include/uapi/asm-generic/unistd.h; poll, select and epoll_wait are the C library's own there
        "aarch64": {
            "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "fcntl": 25, "ioctl": 29, "close": 57, "read": 63,
            "write": 64, "readv": 65, "writev": 66, "sendfile": 71, "pselect6": 72, "ppoll": 73, "nanosleep": 101,
            "clock_nanosleep": 115, "socket": 198, "bind": 200, "listen": 201, "accept": 202, "connect": 203,
            "sendto": 206, "recvfrom": 207, "setsockopt": 208, "getsockopt": 209, "shutdown": 210, "sendmsg": 211,
            "recvmsg": 212, "accept4": 242, "epoll_pwait2": 441,
        },
    },
)  # fmt: skip


def _syscall(name: str) -> Syscall:
    on_descriptor = name in _ON_DESCRIPTOR
    return Syscall(name, _ON_DESCRIPTOR[name] if on_descriptor else _ON_NONE_OR_MANY[name], on_descriptor)


_TABLES: Final[Mapping[str, Mapping[int, Syscall]]] = MappingProxyType(
    {
        machine: MappingProxyType({number: _syscall(name) for name, number in numbers.items()})
        for machine, numbers in _NUMBERS.items()
    },
)


def syscalls(machine: str) -> Mapping[int, Syscall]:
    """Return what is recorded on `machine` (as `uname -m` prints it), by number; nothing for a machine without a table.

    >>> syscalls("x86_64")[45], syscalls("aarch64")[207].family
    (Syscall(name='recvfrom', arguments=6, on_descriptor=True), 'recv')
    """
    return _TABLES.get(machine, {})


def syscall_ids(machine: str) -> tuple[int, ...]:
    """Return the numbers that the recorder lets through, ascending; none for a machine without a table.

    >>> syscall_ids("x86_64")[:3], syscall_ids("s390x")
    ((0, 1, 3), ())
    """
    return tuple(sorted(syscalls(machine)))
