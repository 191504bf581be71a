"""Expect the rows that `ss` shows at one moment, written as the table a learner sees."""

from __future__ import annotations

from dataclasses import dataclass

from lab.judge.errors import ExerciseError
from lab.judge.judging import OfRecording
from lab.judge.sockets.grid import Grid, parse_grid
from lab.judge.sockets.matching import match_rows
from lab.judge.sockets.rows import Only, in_scope, look_at_row, parse_only
from lab.judge.verdict import Message, Result, Verdict
from lab.recording.play import Taken
from lab.recording.run import Run
from lab.wire.state import State


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
    more spaces apart in the language of `lab.judge.sockets.cells`; columns left out are not compared. Rows are a set:
    `ss` prints hash order. No row at all is a table of column names alone. Rows that count touch (as Local or Peer) a
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sockets(OfRecording):
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

    def find(self, run: Run) -> Result:
        """Compare the rows; the result marks each cell that differs."""
        snapshot = run.snapshot(self.snapshot, self.on)
        counts = in_scope(run, self.only)
        wanted = [tuple(cell(run) for cell in row) for row in self.grid.rows]
        rows = [row for row in snapshot.rows if counts(row) and (not self.states or row.state in self.states)]
        match = match_rows(self.grid.columns, wanted, rows)
        if match.agrees:
            code = "rows-agree" if self.grid.rows else "rows-none"
            look = (look_at_row(snapshot, rows[0] if rows else None),)
            return self.result(Verdict.PASS, Message(code), match.comparison, look)
        return self.result(
            Verdict.FAIL,
            _difference(run.play.snapshot(self.snapshot, self.on), match.counts),
            match.comparison,
            (look_at_row(snapshot, match.first_difference),),
        )


def _difference(taken: Taken, counts: dict[str, int]) -> Message:
    differ = Message("rows-differ", counts)
    if not taken.timed_out:
        return differ
    return Message("timed-out", {"condition": taken.waited_for or "-", "difference": differ})
