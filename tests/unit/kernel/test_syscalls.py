"""The recorded system calls' numbers."""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import struct

import pytest

from lab.kernel.calls import FAMILIES
from lab.kernel.syscalls import syscall_ids, syscalls

MACHINES = ("x86_64", "aarch64")
WANTED = {
    "socket", "bind", "listen", "accept", "accept4", "connect", "recvfrom", "recvmsg", "sendto", "sendmsg", "read",
    "write", "readv", "writev", "sendfile", "shutdown", "close", "select", "pselect6", "poll", "ppoll", "epoll_wait",
    "epoll_pwait", "epoll_pwait2", "epoll_create1", "epoll_ctl", "setsockopt", "getsockopt", "fcntl", "ioctl",
    "nanosleep", "clock_nanosleep",
}  # fmt: skip
ONLY_OLD_MACHINES = {"select", "poll", "epoll_wait"}
LIBC = ctypes.CDLL(None, use_errno=True)


def numbers(machine: str) -> dict[str, int]:
    return {syscall.name: number for number, syscall in syscalls(machine).items()}


def test_every_call_that_is_recorded_has_a_number() -> None:
    assert set(numbers("x86_64")) == WANTED
    assert set(numbers("aarch64")) == WANTED - ONLY_OLD_MACHINES


@pytest.mark.parametrize("machine", MACHINES)
def test_the_recorder_lets_through_what_the_parser_names(machine: str) -> None:
    assert syscall_ids(machine) == tuple(sorted(syscalls(machine)))
    assert 202 not in syscall_ids("x86_64")  # futex


def test_a_machine_without_a_table_has_no_calls_recorded() -> None:
    assert syscall_ids("riscv64") == ()
    assert not syscalls("riscv64")


@pytest.mark.parametrize("machine", MACHINES)
def test_a_call_works_on_its_first_argument_or_on_none_or_many(machine: str) -> None:
    without = {one.name for one in syscalls(machine).values() if not one.on_descriptor}
    assert without <= {
        "socket", "epoll_create1", "select", "pselect6", "poll", "ppoll", "nanosleep", "clock_nanosleep"
    }  # fmt: skip
    assert all(1 <= one.arguments <= 6 for one in syscalls(machine).values())


def test_families_are_those_of_strace() -> None:
    for one in syscalls("x86_64").values():
        assert one.family == FAMILIES.get(one.name, one.name)
    assert {one.family for one in syscalls("aarch64").values()} >= {"recv", "send", "accept", "select", "epoll_wait"}


class Kernel:
    """Calls this machine's kernel by the table's numbers."""

    def __init__(self) -> None:
        self.numbers = numbers(platform.machine())

    def __call__(self, name: str, *arguments: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
        words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
        result = LIBC.syscall(ctypes.c_long(self.numbers[name]), *words)
        if result < 0:
            raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
        return int(result)


@pytest.mark.skipif(
    platform.machine() not in MACHINES, reason="no table for this machine, so nothing is recorded on it"
)
def test_this_machines_kernel_does_under_each_number_what_its_name_says() -> None:
    kernel = Kernel()
    here = struct.pack("=H2s4s8x", socket.AF_INET, b"\0\0", socket.inet_aton("127.0.0.1"))
    yes, size = struct.pack("=i", 1), len(here)
    listener = kernel("socket", socket.AF_INET, socket.SOCK_STREAM, 0)
    kernel("setsockopt", listener, socket.SOL_SOCKET, socket.SO_REUSEADDR, yes, len(yes))
    value, length = ctypes.create_string_buffer(4), ctypes.create_string_buffer(struct.pack("=i", 4), 4)
    kernel("getsockopt", listener, socket.SOL_SOCKET, socket.SO_REUSEADDR, value, length)
    assert struct.unpack("=i", value.raw) == (1,)
    kernel("bind", listener, here, size)
    kernel("listen", listener, 5)
    with socket.socket(fileno=os.dup(listener)) as known:
        port = known.getsockname()[1]
    there = here[:2] + port.to_bytes(2, "big") + here[4:]
    client, second = (kernel("socket", socket.AF_INET, socket.SOCK_STREAM, 0) for _ in range(2))
    kernel("connect", client, there, size)
    kernel("connect", second, there, size)
    server, other = kernel("accept4", listener, 0, 0, 0), kernel("accept", listener, 0, 0)
    got = ctypes.create_string_buffer(16)
    assert kernel("sendto", client, b"hello", 5, 0, 0, 0) == kernel("recvfrom", server, got, 16, 0, 0, 0) == 5
    assert kernel("write", server, b"hi", 2) == kernel("read", client, got, 16) == 2
    assert got.raw[:5] == b"hillo"
    watch = kernel("epoll_create1", 0)
    kernel("epoll_ctl", watch, 1, server, struct.pack("=IQ" if platform.machine() == "x86_64" else "@IQ", 1, 7))
    assert kernel("epoll_pwait", watch, got, 1, 0, 0, 0) == 0
    kernel("shutdown", client, socket.SHUT_WR)
    assert kernel("epoll_pwait", watch, got, 1, -1, 0, 0) == 1
    assert kernel("fcntl", server, 3) & os.O_ACCMODE == os.O_RDWR  # F_GETFL
    assert kernel("ioctl", server, 0x541B, got) == 0  # FIONREAD
    assert kernel("ppoll", 0, 0, struct.pack("=qq", 0, 0), 0, 0) == 0
    assert kernel("pselect6", 0, 0, 0, 0, struct.pack("=qq", 0, 0), 0) == 0
    assert (
        kernel("nanosleep", struct.pack("=qq", 0, 1), 0)
        == kernel("clock_nanosleep", 1, 0, struct.pack("=qq", 0, 1), 0)
        == 0
    )
    for descriptor in (client, second, server, other, watch, listener):
        kernel("close", descriptor)
    with pytest.raises(OSError, match="close"):
        kernel("close", listener)
