"""The article's claims, and the ruling that the evidence of a run gives on each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from lab.judge.errors import ExerciseError
from lab.judge.judging import EVADED, STOPPED, judge_all
from lab.judge.verdict import Expectation, Result, Verdict, worst
from lab.recording.run import Run

Expected = Expectation | tuple[Expectation, ...]
Case = tuple[Expected, Expected | None]
"""What the article says under a condition, and what is true instead (None: nothing else could be)."""

ALWAYS: Final = "always"
"""The condition of a claim with one case."""


class Ruling(StrEnum):
    """What the evidence says of a claim."""

    CONFIRMED = "confirmed"
    REFINED = "refined"
    REFUTED = "refuted"
    CITED = "cited"
    NOT_RUN = "not run yet"
    INCONCLUSIVE = "inconclusive"
    BROKEN = "the lab itself is wrong"


class Holds(StrEnum):
    """Which side of a case the evidence supports."""

    SAYS = "says"
    INSTEAD = "instead"
    NEITHER = "neither"
    UNDECIDED = "undecided"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Claim:
    """A checkable statement of the article, by its number in the ledger (`B4`).

    Either `says` (and `instead`), or `cases`: a condition's id to both of them; or `cites`, the source of a claim that
    no local evidence can decide (a date, a definition). Raises ExerciseError for none of these or several.
    """

    id: str
    says: Expected | None = None
    instead: Expected | None = None
    cases: Mapping[str, Case] = field(default_factory=dict)
    cites: str | None = None

    def __post_init__(self) -> None:
        given = (self.says is not None, bool(self.cases), self.cites is not None)
        nothing = any(expected == () for case in self.conditions.values() for expected in case)
        if sum(given) != 1 or (self.instead is not None and self.says is None) or nothing:
            raise ExerciseError("claim-cases", id=self.id)

    @property
    def conditions(self) -> Mapping[str, Case]:
        """The cases by condition; the simple form has one, called `always`."""
        return self.cases if self.says is None else MappingProxyType({ALWAYS: (self.says, self.instead)})


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What the evidence says of a claim under one condition, and the results on either side."""

    condition: str
    holds: Holds
    says: tuple[Result, ...]
    instead: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """The ruling on a claim. `source` is what a cited one cites."""

    id: str
    ruling: Ruling
    cases: tuple[CaseResult, ...] = ()
    source: str | None = None

    def conditions(self, holds: Holds) -> tuple[str, ...]:
        """Return the conditions under which that side holds: for a refined claim, those to be named."""
        return tuple(case.condition for case in self.cases if case.holds is holds)


def judge_claim(claim: Claim, run: Run | None) -> ClaimResult:
    """Rule on a claim by one run; None where there is no run yet."""
    if claim.cites is not None:
        return ClaimResult(claim.id, Ruling.CITED, source=claim.cites)
    if run is None:
        return ClaimResult(claim.id, Ruling.NOT_RUN)
    cases = tuple(judge_case(condition, case, run) for condition, case in claim.conditions.items())
    return ClaimResult(claim.id, rule(case.holds for case in cases), cases)


def judge_case(condition: str, case: Case, run: Run) -> CaseResult:
    """Return which side of a case holds: what the article says, else what is said instead, else neither."""
    says = judge_all(_several(case[0]), run)
    instead = () if case[1] is None else judge_all(_several(case[1]), run)
    holds = _holds(says, instead)
    if holds is Holds.NEITHER and run.play.delays:  # no mistake of the lab's: something was late
        holds = Holds.UNDECIDED
    return CaseResult(condition, holds, says, instead)


def rule(outcomes: Iterable[Holds]) -> Ruling:
    """Return the ruling on a claim from its cases, those of several runs if need be.

    A case whose evidence supports neither side outweighs the rest: then the lab itself is wrong.
    """
    tried = {holds for holds in outcomes if holds is not Holds.NOT_TRIED}
    if not tried:
        return Ruling.NOT_RUN
    for holds, ruling in ((Holds.NEITHER, Ruling.BROKEN), (Holds.UNDECIDED, Ruling.INCONCLUSIVE)):
        if holds in tried:
            return ruling
    if tried == {Holds.SAYS}:
        return Ruling.CONFIRMED
    return Ruling.REFUTED if tried == {Holds.INSTEAD} else Ruling.REFINED


def _several(expected: Expected) -> tuple[Expectation, ...]:
    return expected if isinstance(expected, tuple) else (expected,)


def _whole(results: tuple[Result, ...]) -> Verdict:
    """Return the verdict of one side; what a program cut short or kept from being seen says nothing of the article."""
    stopped = any(result.observed.code in (STOPPED, EVADED) for result in results)
    return Verdict.INCONCLUSIVE if stopped else worst(result.verdict for result in results)


def _holds(says: tuple[Result, ...], instead: tuple[Result, ...]) -> Holds:
    said = _whole(says)
    if said is Verdict.PASS:
        return Holds.SAYS
    if said is Verdict.FAIL:
        other = _whole(instead) if instead else Verdict.FAIL
        sides = {Verdict.PASS: Holds.INSTEAD, Verdict.FAIL: Holds.NEITHER, Verdict.CANNOT_RUN: Holds.NOT_TRIED}
        return sides.get(other, Holds.UNDECIDED)
    return Holds.NOT_TRIED if said is Verdict.CANNOT_RUN else Holds.UNDECIDED
