"""Expect that a row shows up in `ss` some time within a window, or never does."""

from __future__ import annotations

from dataclasses import dataclass

from lab.errors import EvidenceError
from lab.judge.errors import ExerciseError
from lab.judge.judging import OfRecording
from lab.judge.sockets.grid import Grid, parse_grid
from lab.judge.sockets.matching import Line, Match, match_rows
from lab.judge.sockets.rows import Only, in_scope, line_of, parse_only
from lab.judge.verdict import Look, Message, Result
from lab.kernel.rows import SocketRow
from lab.recording.layout import first_line_of_sample
from lab.recording.recording import Sampling
from lab.recording.run import Run


def eventually(
    sampling: str,
    *,
    on: str,
    id: str,  # noqa: A002 - the exercise's word
    table: str,
    step: str | None = None,
    only: Only = None,
) -> OverTime:
    """Expect that a row like the table's one row is in at least one look of a sampling on the host `on`.

    The table is written as for `lab.judge.sockets.tables`. Raises ExerciseError for one that cannot be read.
    """
    return _over_time(sampling, on=on, id=id, table=table, step=step, only=only, never=False)


def never(
    sampling: str,
    *,
    on: str,
    id: str,  # noqa: A002 - the exercise's word
    table: str,
    step: str | None = None,
    only: Only = None,
) -> OverTime:
    """Expect that no look of a sampling on the host `on` shows a row like the table's one row.

    Without a window that an event ended, and a look in it, that proves nothing: inconclusive. Raises ExerciseError for
    a table that cannot be read.
    """
    return _over_time(sampling, on=on, id=id, table=table, step=step, only=only, never=True)


def _over_time(
    sampling: str,
    *,
    on: str,
    id: str,  # noqa: A002 - as its callers
    table: str,
    step: str | None,
    only: Only,
    never: bool,
) -> OverTime:
    grid = parse_grid(table, id=id)
    if len(grid.rows) != 1:
        raise ExerciseError("table-one-row", id=id, rows=len(grid.rows))
    return OverTime(id=id, step=step, sampling=sampling, on=on, grid=grid, only=parse_only(only, id=id), never=never)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTime(OfRecording):
    """One row, looked for in every output of `ss` within a window."""

    sampling: str
    on: str
    grid: Grid
    only: tuple[int | str, ...]
    never: bool

    def expected(self) -> Message:
        """Return whether the row should show up."""
        return Message("never" if self.never else "eventually", {"host": self.on})

    def find(self, run: Run) -> Result:
        """Look for the row; `look` names the line where it is, or the last output."""
        sampling = run.sampling(self.sampling, self.on)
        if sampling.polls < 1 or not sampling.samples or sampling.ended_ns <= sampling.begun_ns:
            raise EvidenceError("sampling-empty", name=f"{self.sampling} ({self.on})")
        wanted = tuple(cell(run) for cell in self.grid.rows[0])
        counts = in_scope(run, self.only)
        looks = [tuple(row for row in rows if counts(row)) for _, rows in sampling.rows()]
        for index, rows in enumerate(looks):
            for row in rows:
                if all(cell.matches(row) for cell in wanted):
                    return self._seen(sampling, index, row, wanted)
        return self._unseen(sampling, looks[-1], wanted)

    def _seen(self, sampling: Sampling, index: int, row: SocketRow, wanted: Line) -> Result:
        sample = sampling.samples[index]
        after = (sample.time_ns - sampling.begun_ns) / 1e9
        observed = Message("row-seen", {"seconds": f"{after:.3f}"})
        expected = [] if self.never else [wanted]
        within = line_of(sample.text, row) or 1
        look = Look(sampling.file, line=first_line_of_sample(sampling.samples, index) + within - 1)
        return self.result(not self.never, observed, self._match(expected, [row]).comparison, (look,))

    def _unseen(self, sampling: Sampling, last: tuple[SocketRow, ...], wanted: Line) -> Result:
        seconds = (sampling.ended_ns - sampling.begun_ns) / 1e9
        observed = Message("row-unseen", {"seconds": f"{seconds:.3f}", "polls": sampling.polls})
        match = self._match([] if self.never else [wanted], last)
        look = Look(sampling.file, line=first_line_of_sample(sampling.samples, len(sampling.samples) - 1))
        return self.result(self.never, observed, None if self.never else match.comparison, (look,))

    def _match(self, wanted: list[Line], rows: list[SocketRow] | tuple[SocketRow, ...]) -> Match:
        return match_rows(self.grid.columns, wanted, rows)
