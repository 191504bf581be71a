"""Expect the rows that `ss` shows at one moment, written as the table a learner sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lab.evidence.records import Evidence, Snapshot
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged
from lab.judge.sockets.cells import WILDCARDS
from lab.judge.sockets.grid import Grid, parse_grid
from lab.judge.sockets.matching import match_rows
from lab.judge.verdict import Look, Message, Result, Verdict
from lab.kernel.rows import SocketRow
from lab.wire.segment import Endpoint
from lab.wire.state import State

Only = int | str | tuple[int | str, ...] | None

_LARGEST_PORT: Final = 65535


def sockets(
    snapshot: str,
    *,
    on: str,
    id: str,  # noqa: A002 - the exercise's word
    table: str,
    step: str | None = None,
    only: Only = None,
    states: tuple[str, ...] = (),
) -> Sockets:
    """Expect exactly these rows in `ss` on the host `on` at the moment `snapshot`.

    The table's first line names its columns (State, Recv-Q, Send-Q, Local, Peer, Process, Timer), cells stand two or
    more spaces apart in the language of `lab.judge.sockets.cells`; columns left out are not compared. Rows are a set: `ss`
    prints hash order. No row at all is a table of column names alone. Rows that count touch (as Local or Peer) a
    host of the lab, or with `only` one of those ports (`8000`) or endpoints (`"client:a"`); with `states` only rows in
    one of those states count.

    Raises ExerciseError for a table that cannot be read, or a state that there is not.
    """
    try:
        wanted = tuple(State(name) for name in states)
    except ValueError as error:
        raise ExerciseError("joint-state", id=id, reason=str(error)) from None
    return Sockets(
        id=id,
        step=step,
        snapshot=snapshot,
        on=on,
        grid=parse_grid(table, id=id),
        only=parse_only(only, id=id),
        states=wanted,
    )


def parse_only(only: Only, *, id: str) -> tuple[int | str, ...]:  # noqa: A002 - the exercise's word
    """Return the ports and endpoints of `only`, none for all; ExerciseError for what is neither."""
    items = () if only is None else only if isinstance(only, tuple) else (only,)
    for item in items:
        if not (0 < item <= _LARGEST_PORT if isinstance(item, int) else ":" in item):
            raise ExerciseError("table-only", id=id, value=item)
    return items


@dataclass(frozen=True, slots=True, kw_only=True)
class Sockets(Judged):
    """The rows of one snapshot, as a set."""

    snapshot: str
    on: str
    grid: Grid
    only: tuple[int | str, ...]
    states: tuple[State, ...]

    def expected(self) -> Message:
        """Return how many rows there should be."""
        code = "table" if self.grid.rows else "table-empty"
        return Message(code, {"host": self.on, "rows": len(self.grid.rows)})

    def find(self, evidence: Evidence) -> Result:
        """Compare the rows; the result marks each cell that differs."""
        snapshot = evidence.snapshot(self.snapshot, self.on)
        counts = in_scope(evidence, self.only)
        wanted = [tuple(cell(evidence) for cell in row) for row in self.grid.rows]
        rows = [row for row in snapshot.rows if counts(row) and (not self.states or row.state in self.states)]
        match = match_rows(self.grid.columns, wanted, rows)
        if match.agrees:
            code = "rows-agree" if self.grid.rows else "rows-none"
            line = line_of(snapshot.text, rows[0] if rows else None)
            return self.result(Verdict.PASS, Message(code), match.comparison, (Look(snapshot.file, line=line),))
        return self.result(
            Verdict.FAIL,
            _difference(snapshot, match.counts),
            match.comparison,
            (Look(snapshot.file, line=line_of(snapshot.text, match.first_difference)),),
        )


def _difference(snapshot: Snapshot, counts: dict[str, int]) -> Message:
    differ = Message("rows-differ", counts)
    if not snapshot.timed_out:
        return differ
    return Message("timed-out", {"condition": snapshot.waited_for or "-", "difference": differ})


def in_scope(evidence: Evidence, only: Sequence[int | str]) -> Callable[[SocketRow], bool]:
    """Return what tells whether a row counts: it touches one of `only`, or any host of the lab when that is empty.

    Docker's own DNS listens on 127.0.0.11 in every container and so never counts.
    """
    ports = {item for item in only if isinstance(item, int)}
    ends = {evidence.resolve(item) for item in only if isinstance(item, str)}
    addresses = {*evidence.lab.addresses.values(), *WILDCARDS}

    def counts(row: SocketRow) -> bool:
        touched: tuple[Endpoint, ...] = (row.local,) if row.peer is None else (row.local, row.peer)
        if only:
            return any(end.port in ports or str(end) in ends for end in touched)
        return any(end.address in addresses for end in touched)

    return counts


def line_of(text: str, row: SocketRow | None) -> int | None:
    """Return the number (from 1) of the line that a row was read from."""
    if row is None:
        return None
    lines = text.split("\n")
    return next((n for n, line in enumerate(lines, start=1) if line.rstrip("\r") == row.line), None)
