"""What a stage may wait for: conditions on the rows of `ss`. They say when to look, never whether it is right."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lab.kernel.rows import SocketRow
from lab.recording.play import Party
from lab.wire.state import State

Names = Callable[[str], Party | None]
"""Finds the client of that name."""
_QUEUES: Final = {"recv_q": "Recv-Q", "send_q": "Send-Q"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition in words (kept in the record) and as a test of one host's rows; `clients` are those it names."""

    words: str
    holds: Callable[[Sequence[SocketRow], Names], bool]
    clients: tuple[str, ...] = ()


def state(name: str, client: str | None = None, *, held: bool = False) -> Condition:
    """Some row is in that state; with `client`, that client's connection is; with `held`, a process holds it.

    `ss` walks the processes first and the sockets after: a socket born in between has a row without its process.
    """
    wanted = State(name)

    def holds(rows: Sequence[SocketRow], names: Names) -> bool:
        return any(
            row.state is wanted
            and (client is None or _touches(row, names(client)))
            and (not held or bool(row.processes))
            for row in rows
        )

    return Condition(
        " ".join(part for part in (wanted, client, "users:(…)" if held else "") if part),
        holds,
        (client,) if client else (),
    )


def held(client: str) -> Condition:
    """That client's connection is established, and a process holds it: accept() has returned it."""
    return state("ESTAB", client, held=True)


def several(name: str, count: int) -> Condition:
    """So many rows are in that state."""
    wanted = State(name)

    def holds(rows: Sequence[SocketRow], _: Names) -> bool:
        return sum(row.state is wanted for row in rows) == count

    return Condition(f"{count} {wanted}", holds)


def holders(count: int) -> Condition:
    """So many processes hold an established connection."""

    def holds(rows: Sequence[SocketRow], _: Names) -> bool:
        found = {process.pid for row in rows if row.state is State.ESTABLISHED for process in row.processes}
        return len(found) == count

    return Condition(f"{count} processes hold an ESTAB", holds)


def asked() -> Condition:
    """A request waits unread in an established connection, whoever sent it."""

    def holds(rows: Sequence[SocketRow], _: Names) -> bool:
        return any(row.state is State.ESTABLISHED and row.recv_q > 0 for row in rows)

    return Condition("ESTAB Recv-Q > 0", holds)


def all_of(*conditions: Condition) -> Condition:
    """All of these hold in one look."""

    def holds(rows: Sequence[SocketRow], names: Names) -> bool:
        return all(condition.holds(rows, names) for condition in conditions)

    return Condition(" and ".join(condition.words for condition in conditions), holds, _clients(conditions))


def any_of(*conditions: Condition) -> Condition:
    """At least one of these holds."""

    def holds(rows: Sequence[SocketRow], names: Names) -> bool:
        return any(condition.holds(rows, names) for condition in conditions)

    return Condition(" or ".join(condition.words for condition in conditions), holds, _clients(conditions))


def gone(client: str) -> Condition:
    """No row of that client's connection is left."""

    def holds(rows: Sequence[SocketRow], names: Names) -> bool:
        return not any(_touches(row, names(client)) for row in rows)

    return Condition(f"{client} gone", holds, (client,))


def waiting(count: int) -> Condition:
    """The accept queue of a listening socket holds that many connections."""

    def holds(rows: Sequence[SocketRow], _: Names) -> bool:
        return any(row.state is State.LISTEN and row.recv_q == count for row in rows)

    return Condition(f"LISTEN Recv-Q {count}", holds)


def deserted(port: int) -> Condition:
    """No process holds a connection to that port any more."""

    def holds(rows: Sequence[SocketRow], _: Names) -> bool:
        return not any(row.local.port == port and row.peer is not None and row.processes for row in rows)

    return Condition(f"nobody holds a connection to port {port}", holds)


def unread(client: str, count: int) -> Condition:
    """So many bytes of that client have arrived and are not read."""

    def holds(rows: Sequence[SocketRow], names: Names) -> bool:
        return any(_touches(row, names(client)) and row.recv_q == count for row in rows)

    return Condition(f"{client} Recv-Q {count}", holds, (client,))


def acknowledged(client: str) -> Condition:
    """All that was sent on that client's connection has been acknowledged: the other side's kernel has it."""

    def holds(rows: Sequence[SocketRow], names: Names) -> bool:
        return any(_touches(row, names(client)) and row.send_q == 0 for row in rows)

    return Condition(f"{client} Send-Q 0", holds)


def backed_up(client: str, *, queue: str = "send_q", at_least: int = 1) -> Condition:
    """At least so many bytes of that client's connection wait in `recv_q` (unread) or `send_q` (not acknowledged)."""

    def holds(rows: Sequence[SocketRow], names: Names) -> bool:
        return any(_touches(row, names(client)) and getattr(row, queue) >= at_least for row in rows)

    return Condition(f"{client} {_QUEUES[queue]} >= {at_least}", holds, (client,))


def still(client: str, *, queue: str = "send_q", seconds: float = 0.3) -> Condition:
    """Bytes wait in that queue of that client's connection, and their number has not changed for that long.

    For one snapshot alone: it remembers what it saw at the look before.
    """
    seen: tuple[int, float] = (0, 0.0)

    def holds(rows: Sequence[SocketRow], names: Names) -> bool:
        nonlocal seen
        now = time.monotonic()
        size = next((int(getattr(row, queue)) for row in rows if _touches(row, names(client))), 0)
        if size != seen[0]:
            seen = (size, now)
        return size > 0 and now - seen[1] >= seconds

    return Condition(f"{client} {_QUEUES[queue]} still for {seconds:g} s", holds, (client,))


def _clients(conditions: Sequence[Condition]) -> tuple[str, ...]:
    return tuple(client for condition in conditions for client in condition.clients)


def _touches(row: SocketRow, client: Party | None) -> bool:
    return client is not None and client.has(row.local, row.peer)
