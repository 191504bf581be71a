"""Which calls are told, and what each asked for."""

from __future__ import annotations

import socket

from lab.kernel.trace import KernelCall
from lab.timeline.model import CallMade, Lane, Timeline
from tests.unit.timeline.builders import (
    CLIENT_BEGINS,
    SERVER_BEGINS,
    SERVER_PID,
    TALKS,
    at,
    kernel,
    timeline,
)

ADD, DELETE, FIONBIO, TCGETS = 1, 2, 0x5421, 0x5401


def asks(us: float, name: str, *arguments: int, fd: int | None = None, result: int = 0) -> KernelCall:
    return KernelCall(SERVER_PID, name, fd, arguments, at(us), at(us + 0.5), result, None)


def told(line: Timeline, talk: int | None) -> list[tuple[str, str | None]]:
    return [
        (m.what.name, m.what.about)
        for m in line.moments
        if isinstance(m.what, CallMade) and m.lane is Lane.SERVER_CALLS and m.talk == talk
    ]


def made_of(*more: KernelCall) -> Timeline:
    calls = sorted((*SERVER_BEGINS, *CLIENT_BEGINS, *TALKS, *more), key=lambda one: one.begun_ns)
    return timeline(record=kernel(calls=tuple(calls)))


def test_what_a_server_sets_up_is_told_with_what_it_asked_for() -> None:
    line = made_of(
        asks(-840, "setsockopt", 3, socket.SOL_SOCKET, socket.SO_REUSEADDR, 0, 4, fd=3),
        asks(-795, "ioctl", 3, FIONBIO, 0, fd=3),
        asks(-794, "epoll_create1", 0, result=5),
        asks(-793, "epoll_ctl", 5, ADD, 3, 0, fd=5),
    )
    assert told(line, None) == [
        ("socket", None),
        ("setsockopt", "SO_REUSEADDR"),
        ("bind", None),
        ("listen", None),
        ("ioctl", "FIONBIO"),
        ("epoll_create", None),
        ("epoll_ctl", "ADD 3"),
    ]


def test_a_registration_belongs_to_the_connection_that_it_is_about() -> None:
    line = made_of(
        asks(-793, "epoll_create1", 0, result=5),
        asks(30.2, "epoll_ctl", 5, ADD, 4, 0, fd=5),
        asks(70, "epoll_ctl", 5, DELETE, 4, 0, fd=5),
    )
    assert [each for each in told(line, 0) if each[1]] == [("epoll_ctl", "ADD 4"), ("epoll_ctl", "DEL 4")]


def test_what_concerns_no_tcp_socket_stays_away() -> None:
    line = made_of(
        asks(-890, "epoll_create1", 0, result=8),  # only to see whether the kernel can
        asks(-889, "close", 8, fd=8),
        asks(-885, "socket", socket.AF_INET, socket.SOCK_DGRAM, 0, result=8),
        asks(-884, "setsockopt", 8, socket.SOL_SOCKET, socket.SO_REUSEADDR, 0, 4, fd=8),
        asks(-883, "close", 8, fd=8),
        asks(-882, "ioctl", 1, TCGETS, 0, fd=1),
        asks(-792, "ioctl", 3, TCGETS, 0, fd=3),
        asks(-791, "epoll_create1", 0, result=9),
        asks(-790.5, "epoll_ctl", 9, ADD, 7, 0, fd=9),  # a pipe
    )
    assert told(line, None) == [("socket", None), ("bind", None), ("listen", None)]
    assert {name for name, _ in told(line, 0)} == {"accept", "recv", "send"}


def test_a_client_s_own_socket_is_told_with_its_connection() -> None:
    line = made_of()
    first = next(m for m in line.moments if m.talk == 0 and m.lane is Lane.CLIENT_CALLS)
    assert isinstance(first.what, CallMade)
    assert (first.what.name, first.what.result) == ("socket", 3)


def test_what_is_set_up_after_a_wait_was_not_what_was_ready() -> None:
    line = made_of(
        asks(-793, "epoll_create1", 0, result=5),
        asks(-792, "epoll_ctl", 5, ADD, 3, 0, fd=5),
        asks(26, "epoll_wait", 5, fd=5, result=1),
        asks(30.2, "ioctl", 4, FIONBIO, 0, fd=4),
        asks(30.8, "epoll_ctl", 5, ADD, 4, 0, fd=5),
    )
    wait = next(m for m in line.moments if isinstance(m.what, CallMade) and m.what.name == "epoll_wait")
    served = [m.what.name for m in line.moments if m.cause == wait.number and isinstance(m.what, CallMade)]
    assert served == ["recv"]
