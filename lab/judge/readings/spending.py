"""Expect what a program spent, always as a share of something: no machine's speed decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lab.errors import EvidenceError
from lab.evidence.records import Evidence, Usage
from lab.judge.amounts import Amount, read_amount
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged, look_in
from lab.judge.verdict import Comparison, Message, Pair, Result

WHAT: Final = ("cpu", "wakeups")
Span = tuple[str, str]


def spent(  # noqa: PLR0913 - the exercise's keywords
    party: str,
    during: Span,
    ratio: int | str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    than: Span | None = None,
    than_party: str | None = None,
    what: str = "cpu",
    step: str | None = None,
) -> Spent:
    """Expect how many times as much a program spends between two readings as between two others.

    `during` and `than` name two readings each (`stage.measure`); without `than` the same two readings of `than_party`.
    With neither, the time on the processor is compared with the time that went by: 1 is one processor, all the time.
    `what` is `cpu` or `wakeups` (how often it gave the processor up to wait). Raises ExerciseError for an amount that
    cannot be read.
    """
    amount = read_amount(ratio, id)
    if what not in WHAT or (what != "cpu" and than is None and than_party is None):
        raise ExerciseError("spent-what", id=id, value=what)
    other = (than_party or party, than or during) if than or than_party else None
    return Spent(id=id, step=step, party=party, during=during, ratio=amount, other=other, what=what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent(Judged):
    """What a program spent, measured by something else."""

    party: str
    during: Span
    ratio: Amount
    other: tuple[str, Span] | None
    what: str

    def expected(self) -> Message:
        """Return the ratio, and of what."""
        fields = {"party": self.party, "ratio": self.ratio.text, "what": self._what()}
        if self.other is None:
            return Message("spent-of-time", fields)
        return Message("spent", {**fields, "of": _called(*self.other), "during": _called(self.party, self.during)})

    def find(self, evidence: Evidence) -> Result:
        """Divide; what cannot be divided by decides nothing."""
        mine, time_ns = self._between(evidence, self.party, self.during)
        theirs = time_ns if self.other is None else self._between(evidence, *self.other)[0]
        if not theirs:
            raise EvidenceError("nothing-spent", party=self.other[0] if self.other else self.party)
        ratio = mine / theirs
        right = self.ratio.holds(ratio)
        shown = f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"  # noqa: PLR2004 - two digits that count
        differs = frozenset() if right else frozenset({1})
        pairs = [Pair((self._shown(), self.ratio.text), (self._shown(), shown), differs)]
        observed = Message("spent-ratio", {"ratio": shown, "what": self._what()})
        read = [(at, one) for at, one in enumerate(evidence.usages) if one.party == self.party]
        field = "cpu_ns" if self.what == "cpu" else "voluntary"
        look = tuple(look_in(evidence, "usages", at, field) for at, one in read if one.name in self.during)
        return self.result(right, observed, Comparison(("Spent", "Ratio"), tuple(pairs)), look)

    def _between(self, evidence: Evidence, party: str, during: Span) -> tuple[int, int]:
        first, last = (evidence.usage(name, party) for name in during)
        return self._value(last) - self._value(first), last.time_ns - first.time_ns

    def _value(self, usage: Usage) -> int:
        return usage.cpu_ns if self.what == "cpu" else usage.voluntary

    def _what(self) -> Message:
        return Message("spent-cpu" if self.what == "cpu" else "spent-wakeups")

    def _shown(self) -> str:
        mine = _called(self.party, self.during)
        return mine if self.other is None else f"{mine} : {_called(*self.other)}"


def _called(party: str, during: Span) -> str:
    return f"{party} {during[0]}-{during[1]}"
