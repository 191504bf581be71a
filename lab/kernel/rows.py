"""A socket as `ss` lists it."""

from __future__ import annotations

from dataclasses import dataclass

from lab.wire.segment import Endpoint
from lab.wire.state import State


@dataclass(frozen=True, slots=True)
class Process:
    """One holder of a socket: `users:(("name",pid=12,fd=3))`."""

    name: str
    pid: int
    fd: int


@dataclass(frozen=True, slots=True)
class Timer:
    """A running timer (`ss -o`): its name (`on`, `keepalive`, `timewait`, `persist`) and the ms left.

    `unanswered` are time-outs in a row, of `keepalive` and `persist` probes; a resend that no time-out caused (a tail
    loss probe) is not among them: inet_sk_diag_fill() in net/ipv4/inet_diag.c.
    """

    name: str
    remaining_ms: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class SocketRow:
    """One row of `ss -tanpo`.

    `recv_q` and `send_q` are raw: on LISTEN the accept queue's length and limit, elsewhere unread and unacknowledged
    bytes. `peer` is None where `ss` prints a wildcard; a wildcard local address is "*" (or "0.0.0.0", "::").
    `line` is the text it was read from.
    """

    state: State
    recv_q: int
    send_q: int
    local: Endpoint
    peer: Endpoint | None
    processes: tuple[Process, ...]
    timer: Timer | None
    interface: str | None
    line: str
