"""Expect how many rows of `ss` are in a state, where which client is which does not matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.judge.amounts import Amount, parse_amount
from lab.judge.errors import ExerciseError
from lab.judge.judging import OfRecording
from lab.judge.sockets.rows import Only, in_scope, look_at_row, parse_only
from lab.judge.verdict import Comparison, Message, Pair, Result
from lab.kernel.rows import SocketRow
from lab.recording.run import Run
from lab.wire.state import State


def tally(
    snapshot: str,
    *,
    on: str,
    id: str,  # noqa: A002 - the exercise's word
    states: Mapping[str, int | str],
    step: str | None = None,
    only: Only = None,
) -> Tally:
    """Expect so many rows in each of these states (`{"ESTAB": 6, "SYN-SENT": ">0"}`); other states do not matter.

    Raises ExerciseError for a state that there is not, or an amount that cannot be read.
    """
    try:
        wanted = tuple((State(name), parse_amount(amount)) for name, amount in states.items())
    except ValueError as error:
        raise ExerciseError("amount", id=id, value=str(error)) from None
    return Tally(id=id, step=step, snapshot=snapshot, on=on, wanted=wanted, only=parse_only(only, id=id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally(OfRecording):
    """How many rows of one snapshot are in each state."""

    snapshot: str
    on: str
    wanted: tuple[tuple[State, Amount], ...]
    only: tuple[int | str, ...]

    def expected(self) -> Message:
        """Return the numbers by state."""
        shown = ", ".join(f"{amount.text} {state}" for state, amount in self.wanted)
        return Message("tally", {"host": self.on, "shown": shown})

    def find(self, run: Run) -> Result:
        """Count; the result marks each number that differs."""
        snapshot = run.snapshot(self.snapshot, self.on)
        counts = in_scope(run, self.only)
        pairs: list[Pair] = []
        first: SocketRow | None = None
        wrong: SocketRow | None = None
        for state, amount in self.wanted:
            rows = [row for row in snapshot.rows if row.state is state and counts(row)]
            right = amount.holds(len(rows))
            differs = frozenset() if right else frozenset({1})
            pairs.append(Pair((state.value, amount.text), (state.value, str(len(rows))), differs))
            first = first or next(iter(rows), None)
            wrong = wrong or (None if right else next(iter(rows), None))
        shown = ", ".join(f"{pair.observed[1]} {pair.observed[0]}" for pair in pairs if pair.observed)
        return self.result(
            all(pair.agrees for pair in pairs),
            Message("tally", {"host": self.on, "shown": shown}),
            Comparison(("State", "Rows"), tuple(pairs)),
            (look_at_row(snapshot, wrong or first),),
        )
