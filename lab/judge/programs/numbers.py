"""Expect a number in a line that a program printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lab.judge.amounts import Amount, read_amount
from lab.judge.errors import ExerciseError
from lab.judge.judging import OfPlay
from lab.judge.programs.lines import last_lines, like, lines_of, look_at_line, not_among
from lab.judge.verdict import Comparison, Message, Pair, Result
from lab.recording.run import Run

_PLACE: Final = "{}"
_NUMBER: Final = r"(\d+(?:\.\d+)?)"


def said(
    party: str,
    line: str,
    amount: int | str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
) -> Said:
    """Expect that a program printed this line, with a number of this amount (`>0.5`, `1..2`) where `{}` stands.

    The last such line counts. Raises ExerciseError for an amount that cannot be read, or a line without its one `{}`.
    """
    wanted = read_amount(amount, id)
    if line.count(_PLACE) != 1:
        raise ExerciseError("said-place", id=id, line=line)
    return Said(id=id, step=step, party=party, line=line, amount=wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(OfPlay):
    """A number in a line."""

    party: str
    line: str
    amount: Amount

    def expected(self) -> Message:
        """Return the line, with the amount in its place."""
        return Message("printed", {"party": self.party, "line": self.line.replace(_PLACE, self.amount.text)})

    def find(self, run: Run) -> Result:
        """Look for the line and compare the number in it."""
        before, _, after = self.line.partition(_PLACE)
        pattern = re.compile(re.escape(before) + _NUMBER + re.escape(after))
        lines = lines_of(run, self.party)
        found = [(at, match) for at, line in enumerate(lines) if (match := pattern.fullmatch(line))]
        look = look_at_line(run, self.party, found[-1][0] if found else -1)
        if not found:
            missing = Pair((self.line.replace(_PLACE, self.amount.text),), None, frozenset())
            pairs = (missing, *(Pair(None, (line,), frozenset()) for line in lines[-1:]))
            observed, comparison = not_among(lines, self.party), Comparison(("Line",), pairs)
            return self.result(False, observed, comparison, look, last_lines(run, self.party))  # noqa: FBT003 - it does not hold
        line, number = found[-1][1].group(0, 1)
        right = self.amount.holds(float(number))
        pair = Pair((self.line, self.amount.text), (self.line, number), frozenset() if right else frozenset({1}))
        observed = Message("printed", {"party": self.party, "line": line})
        proof = like(run, self.step, self.party, line)[-1:]
        return self.result(right, observed, Comparison(("Line", "Number"), (pair,)), look, proof)
