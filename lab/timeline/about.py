"""What a call asked for, where its name alone does not tell: an option's name, or what epoll_ctl does with whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lab.kernel.calls import Call
from lab.kernel.trace import KernelCall

FIONBIO: Final = "FIONBIO"
REQUESTS: Final[Mapping[int, str]] = MappingProxyType({0x5421: FIONBIO})
"""include/uapi/asm-generic/ioctls.h; the only one that programs ask of a TCP socket here: to block, or not to."""
_OPERATIONS: Final[Mapping[int, str]] = MappingProxyType({1: "ADD", 2: "DEL", 3: "MOD"})
"""include/uapi/linux/eventpoll.h."""
OPTIONS: Final[Mapping[tuple[int, int], str]] = MappingProxyType(
    {
        # include/uapi/asm-generic/socket.h
        (1, 2): "SO_REUSEADDR", (1, 4): "SO_ERROR", (1, 7): "SO_SNDBUF", (1, 8): "SO_RCVBUF", (1, 9): "SO_KEEPALIVE",
        (1, 13): "SO_LINGER", (1, 15): "SO_REUSEPORT", (1, 20): "SO_RCVTIMEO", (1, 21): "SO_SNDTIMEO",
        # include/uapi/linux/tcp.h
        (6, 1): "TCP_NODELAY", (6, 2): "TCP_MAXSEG", (6, 3): "TCP_CORK", (6, 4): "TCP_KEEPIDLE",
        (6, 5): "TCP_KEEPINTVL", (6, 6): "TCP_KEEPCNT", (6, 7): "TCP_SYNCNT", (6, 8): "TCP_LINGER2",
        (6, 9): "TCP_DEFER_ACCEPT", (6, 10): "TCP_WINDOW_CLAMP", (6, 11): "TCP_INFO", (6, 12): "TCP_QUICKACK",
        (6, 18): "TCP_USER_TIMEOUT",
    }
)  # fmt: skip


def kernel_about(call: KernelCall) -> str | None:
    """Return what a recorded call asked for; None where nothing is to be said, or nobody knows."""
    if len(call.arguments) < 2:  # noqa: PLR2004 - a descriptor, and what is asked of it
        return None
    if call.name == "epoll_ctl":
        operation, target = _OPERATIONS.get(call.arguments[1]), target_of(call)
        return None if operation is None else f"{operation} {target}"
    if call.name in ("setsockopt", "getsockopt"):
        return OPTIONS.get((call.arguments[1], call.arguments[2]))
    return REQUESTS.get(call.arguments[1]) if call.name == "ioctl" else None


def target_of(call: KernelCall) -> int | None:
    """Return the descriptor that an epoll_ctl is about; None for every other call."""
    return call.arguments[2] & 0xFFFFFFFF if call.name == "epoll_ctl" and len(call.arguments) > 2 else None  # noqa: PLR2004


def strace_about(call: Call) -> str | None:
    """Return what a traced call asked for, as `kernel_about` does.

    >>> from lab.kernel.calls import parse_strace
    >>> traced = parse_strace('''7 1.0 setsockopt(3<TCP:[1]>, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0 <0.000010>
    ... 7 2.0 epoll_ctl(4<anon_inode:[eventpoll]>, EPOLL_CTL_ADD, 5<TCP:[2]>, {events=EPOLLIN}) = 0 <0.000010>
    ... 7 3.0 ioctl(3<TCP:[1]>, FIONBIO, [1]) = 0 <0.000010>''')
    >>> [strace_about(call) for call in traced.calls]
    ['SO_REUSEADDR', 'ADD 5', 'FIONBIO']
    """
    if call.name == "epoll_ctl":
        found = re.search(r"EPOLL_CTL_(ADD|DEL|MOD), (\d+)", call.arguments)
        return f"{found[1]} {found[2]}" if found else None
    if call.name in ("setsockopt", "getsockopt"):
        return next(iter(re.findall(r", ((?:SO|TCP)_\w+)", call.arguments)), None)
    return FIONBIO if call.name == "ioctl" and f", {FIONBIO}" in call.arguments else None
