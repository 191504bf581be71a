"""Rows of `ss` against those of an earlier look: what came, what went, what changed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from lab.kernel.rows import SocketRow
from lab.wire.segment import Endpoint
from lab.wire.state import State

COLUMNS: Final = ("State", "Recv-Q", "Send-Q", "Local", "Peer", "Process")
_ALIKE_MOST: Final = 6
_ALIKE_SHOWN: Final = 3
_SECOND: Final = 1000


class Entry(NamedTuple):
    """A row to draw: its cells, its mark (`+` new, `-` gone, `*` changed), how many more like it are left out."""

    cells: tuple[str, ...]
    mark: str
    more: int = 0
    changed: frozenset[int] = frozenset()


def cells(row: SocketRow) -> tuple[str, ...]:
    """Return a row's cells under COLUMNS; the last holds its holders and its timer."""
    holders = [f"{process.name} fd={process.fd}" for process in row.processes]
    timer = [timer_text(row)] if row.timer else []
    peer = "*" if row.peer is None else str(row.peer)
    return (row.state.value, str(row.recv_q), str(row.send_q), str(row.local), peer, " ".join((*holders, *timer)))


def timer_text(row: SocketRow) -> str:
    """Return a row's timer: `timer 59 s` for the one of TIME-WAIT, `timer on 200 ms` for any other."""
    if row.timer is None:
        return ""
    left = row.timer.remaining_ms
    name = "" if row.timer.name == "timewait" else f"{row.timer.name} "
    return f"timer {name}" + (f"{left // _SECOND} s" if left >= _SECOND else f"{left} ms")


def is_of_the_lab(row: SocketRow) -> bool:
    """Whether a row belongs to the exercise: the engine's own name server listens on 127.0.0.11."""
    return not row.local.address.startswith("127.")


def _identity(row: SocketRow) -> tuple[object, ...]:
    """What makes two rows the same to a reader: all that is shown but the timer, which always runs."""
    holders = frozenset((process.name, process.fd) for process in row.processes)
    return (row.state, row.recv_q, row.send_q, row.local, row.peer, holders)


def _order(row: SocketRow) -> tuple[object, ...]:
    """LISTEN first, then by the peers' ports: `ss` itself prints in hash order."""
    peer = row.peer or Endpoint("", 0)
    return (row.state is not State.LISTEN, row.local.port if row.peer is None else 0, peer.port, row.local.port)


def compare(now: Sequence[SocketRow], before: Sequence[SocketRow] | None) -> tuple[Entry, ...]:
    """Return the rows of now marked against those of before (None: nothing is marked), long rows of likes cut."""
    current = [row for row in now if is_of_the_lab(row)]
    earlier = [row for row in before or () if is_of_the_lab(row)]
    known = {_identity(row) for row in earlier}
    still = {_identity(row) for row in current}
    marked = [
        (_order(row), 1, row, "+" if before is not None and _identity(row) not in known else " ") for row in current
    ]
    marked += [(_order(row), 0, row, "-") for row in earlier if _identity(row) not in still]
    marked.sort(key=lambda one: one[:2])
    return tuple(_shortened([Entry(cells(row), mark) for _, _, row, mark in marked]))


def follow(now: Sequence[SocketRow], before: Sequence[SocketRow] | None) -> tuple[Entry, ...]:
    """Return the rows of now as they went on since before: new ones `+`, vanished ones `-`, those that changed `*`.

    A row is the same as long as both its ends are; `changed` holds the columns whose cells are new (timers run, and
    do not count).
    """
    ends = {(row.local, row.peer): row for row in before or () if is_of_the_lab(row)}
    still = {(row.local, row.peer) for row in now}
    marked = [(_order(row), 1, _followed(row, ends, known=before is not None)) for row in now if is_of_the_lab(row)]
    marked += [(_order(row), 0, Entry(cells(row), "-")) for end, row in ends.items() if end not in still]
    marked.sort(key=lambda one: one[:2])
    return tuple(_shortened([entry for _, _, entry in marked]))


def _followed(row: SocketRow, ends: Mapping[tuple[Endpoint, Endpoint | None], SocketRow], *, known: bool) -> Entry:
    earlier = ends.get((row.local, row.peer))
    if earlier is None:
        return Entry(cells(row), "+" if known else " ")
    pairs = zip(_without_timer(row), _without_timer(earlier), strict=True)
    changed = frozenset(index for index, (new, old) in enumerate(pairs) if new != old)
    return Entry(cells(row), "*" if changed else " ", changed=changed)


def _without_timer(row: SocketRow) -> tuple[str, ...]:
    return cells(replace(row, timer=None))


def _alike(entry: Entry) -> tuple[object, ...]:
    state, recv_q, _, local, peer, process = entry.cells
    kind = " ".join(word for word in process.split() if not word.startswith("fd=") and not word.isdigit())
    return (entry.mark, state, recv_q, local.rpartition(":")[0], peer.rpartition(":")[0], kind)


def _shortened(entries: Sequence[Entry]) -> Iterator[Entry]:
    for _, group in itertools.groupby(entries, key=_alike):
        alike = list(group)
        if len(alike) <= _ALIKE_MOST:
            yield from alike
            continue
        yield from alike[: _ALIKE_SHOWN - 1]
        last = alike[_ALIKE_SHOWN - 1]
        yield last._replace(more=len(alike) - _ALIKE_SHOWN)
