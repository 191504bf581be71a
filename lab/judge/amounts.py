"""Numbers as an exercise writes them: `5`, `>0`, `<=3`, `5..6`, `*`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from lab.judge.errors import ExerciseError

_NUMBER: Final = r"-?\d+(?:\.\d+)?"
_RANGE: Final = re.compile(rf"(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})")
_BOUND: Final = re.compile(rf"(?P<sign><=|>=|<|>)?\s*(?P<number>{_NUMBER})")


@dataclass(frozen=True, slots=True)
class Amount:
    """The numbers between `low` and `high`, both included unless `open_ended`. `text` is how it was written."""

    low: float
    high: float
    open_ended: bool
    text: str

    def holds(self, number: float) -> bool:
        """Return whether the number is one of these."""
        if self.open_ended:
            return self.low < number < self.high
        return self.low <= number <= self.high


def parse_amount(written: int | str) -> Amount:
    """Read an amount; ValueError for anything else.

    >>> parse_amount("5..6").holds(6), parse_amount(">0").holds(0), parse_amount("*").holds(-3)
    (True, False, True)
    """
    text = str(written).strip()
    if text == "*":
        return Amount(-math.inf, math.inf, open_ended=False, text=text)
    if found := _RANGE.fullmatch(text):
        low, high = float(found["low"]), float(found["high"])
        if low > high:
            raise ValueError(text)
        return Amount(low, high, open_ended=False, text=text)
    found = _BOUND.fullmatch(text)
    if found is None:
        raise ValueError(text)
    number, sign = float(found["number"]), found["sign"]
    return Amount(
        low=number if sign in (None, ">", ">=") else -math.inf,
        high=number if sign in (None, "<", "<=") else math.inf,
        open_ended=sign in ("<", ">"),
        text=text,
    )


def read_amount(written: int | str, expectation: str) -> Amount:
    """Read an amount of an exercise; ExerciseError naming the expectation for anything else."""
    try:
        return parse_amount(written)
    except ValueError:
        raise ExerciseError("amount", id=expectation, value=written) from None
