"""Which rows of `ss` an expectation counts, and in which line of the output a row stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from lab.judge.errors import ExerciseError
from lab.judge.sockets.cells import WILDCARDS
from lab.judge.verdict import Look
from lab.kernel.rows import SocketRow
from lab.recording.recording import SsOutput
from lab.recording.run import Run
from lab.wire.segment import Endpoint

Only = int | str | tuple[int | str, ...] | None
"""The ports (`8000`) or endpoints (`"client:a"`) that a row must touch to count, as an exercise writes them."""

_LARGEST_PORT: Final = 65535


def parse_only(only: Only, *, id: str) -> tuple[int | str, ...]:  # noqa: A002 - the exercise's word
    """Return the ports and endpoints of `only`, none for all; ExerciseError for what is neither."""
    items = () if only is None else only if isinstance(only, tuple) else (only,)
    for item in items:
        if not (0 < item <= _LARGEST_PORT if isinstance(item, int) else ":" in item):
            raise ExerciseError("table-only", id=id, value=item)
    return items


def in_scope(run: Run, only: Sequence[int | str]) -> Callable[[SocketRow], bool]:
    """Return what tells whether a row counts: it touches one of `only`, or any host of the lab when that is empty.

    Docker's own DNS listens on 127.0.0.11 in every container and so never counts.
    """
    ports = {item for item in only if isinstance(item, int)}
    named = {item.partition(":")[2]: run.resolve(item) for item in only if isinstance(item, str)}
    clients = [run.play.party(name) for name in named if not name.isdigit()]
    ends = {end for name, end in named.items() if name.isdigit()}
    addresses = {*run.recording.hosts.values(), *WILDCARDS}

    def counts(row: SocketRow) -> bool:
        touched: tuple[Endpoint, ...] = (row.local,) if row.peer is None else (row.local, row.peer)
        if only:
            at_hand = any(end.port in ports or str(end) in ends for end in touched)
            return at_hand or any(client.has(row.local, row.peer) for client in clients)
        return any(end.address in addresses for end in touched)

    return counts


def line_of(text: str, row: SocketRow | None) -> int | None:
    """Return the number (from 1) of the line that a row was read from."""
    if row is None:
        return None
    lines = text.split("\n")
    return next((n for n, line in enumerate(lines, start=1) if line.rstrip("\r") == row.line), None)


def look_at_row(output: SsOutput, row: SocketRow | None) -> Look:
    """Return where a row stands; where there is none, the head of the table that it is not in."""
    return Look(output.file, line=line_of(output.text, row) or 1)
