"""Expect what a program spent, always as a share of something: no machine's speed decides."""

from __future__ import annotations

from dataclasses import dataclass

from lab.errors import EvidenceError
from lab.judge.amounts import Amount, read_amount
from lab.judge.judging import OfRecording, look_in
from lab.judge.verdict import Comparison, Message, Pair, Result
from lab.recording.run import Run

Span = tuple[str, str]


def spent(
    party: str,
    during: Span,
    ratio: int | str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    than: Span | None = None,
    step: str | None = None,
) -> Spent:
    """Expect how many times as long a program has a processor between two readings as between two others.

    `during` and `than` name two readings each (`stage.measure`). Without `than` its time on a processor is compared
    with the time that went by: 1 is one processor, all the time. Raises ExerciseError for an amount that cannot be
    read.
    """
    return Spent(id=id, step=step, party=party, during=during, ratio=read_amount(ratio, id), than=than)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent(OfRecording):
    """What a program spent, measured by something else."""

    party: str
    during: Span
    ratio: Amount
    than: Span | None

    def expected(self) -> Message:
        """Return the ratio, and of what."""
        fields = {"party": self.party, "ratio": self.ratio.text}
        if self.than is None:
            return Message("spent-of-time", fields)
        return Message("spent", {**fields, "of": self._called(self.than), "during": self._called(self.during)})

    def find(self, run: Run) -> Result:
        """Divide; what cannot be divided by decides nothing."""
        mine, time_ns = self._between(run, self.during)
        theirs = time_ns if self.than is None else self._between(run, self.than)[0]
        if not theirs:
            raise EvidenceError("nothing-spent", party=self.party)
        ratio = mine / theirs
        right = self.ratio.holds(ratio)
        shown = f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"  # noqa: PLR2004 - two digits that count
        differs = frozenset() if right else frozenset({1})
        pairs = [Pair((self._shown(), self.ratio.text), (self._shown(), shown), differs)]
        observed = Message("spent-ratio", {"ratio": shown})
        read = [(at, one) for at, one in enumerate(run.play.usages) if one.party == self.party]
        spans = {*self.during, *(self.than or ())}
        look = tuple(look_in(run, "usages", at, "cpu_ns") for at, one in read if one.name in spans)
        return self.result(right, observed, Comparison(("Spent", "Ratio"), tuple(pairs)), look)

    def _between(self, run: Run, during: Span) -> tuple[int, int]:
        first, last = (run.usage(name, self.party) for name in during)
        return last.cpu_ns - first.cpu_ns, last.time_ns - first.time_ns

    def _shown(self) -> str:
        mine = self._called(self.during)
        return mine if self.than is None else f"{mine} : {self._called(self.than)}"

    def _called(self, during: Span) -> str:
        return f"{self.party} {during[0]}-{during[1]}"
