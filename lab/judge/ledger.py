"""The ledger: every numbered claim of the article, ruled on by all the runs there are together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lab.judge.claims import CaseResult, Claim, ClaimResult, Holds, Ruling, rule
from lab.judge.verdict import Result

NUMBERS: Final = (
    *(f"A{n}" for n in range(1, 15)),
    *(f"B{n}" for n in range(1, 20)),
    *("C1", "C2", "C3", "C4", "C5", "C6", "C7a", "C7b", "C8", "C9", "C10a", "C10b", "C11", "C12", "C13"),
)
"""Every claim by its number, in the order of the article: HTTP messages, TCP states in `ss`, IO models."""


@dataclass(frozen=True, slots=True)
class RunRulings:
    """What one run says of the claims: the exercise's number, and the run by the name of its folder."""

    exercise: int
    run: str
    claims: tuple[ClaimResult, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """A claim under one condition, as a run has it."""

    exercise: int
    run: str
    case: CaseResult

    @property
    def deciding(self) -> tuple[Result, ...]:
        """The results that decided it: those of the side that holds, of both sides where neither does."""
        if self.case.holds is Holds.SAYS:
            return self.case.says
        if self.case.holds is Holds.INSTEAD:
            return self.case.instead
        return (*self.case.says, *self.case.instead)


@dataclass(frozen=True, slots=True)
class Entry:
    """A claim in the ledger.

    `judged_by` are the exercises whose runs can rule on it, `missing` those of them without a run that may.
    """

    id: str
    ruling: Ruling
    tried: tuple[Tried, ...]
    sources: tuple[str, ...]
    judged_by: tuple[int, ...]
    missing: tuple[int, ...]


def ledger(judged: Mapping[int, Iterable[Claim]], runs: Iterable[RunRulings]) -> tuple[Entry, ...]:
    """Return an entry for each numbered claim.

    `judged` holds each exercise's claims by its number, `runs` at most one run of each. The cases of several exercises
    are ruled on together; what is cited in one and tried in another is tried.
    """
    by_exercise = {number: tuple(claims) for number, claims in judged.items()}
    by_run = {run.exercise: run for run in runs}
    return tuple(_entry(identity, by_exercise, by_run) for identity in NUMBERS)


def _entry(identity: str, judged: Mapping[int, tuple[Claim, ...]], runs: Mapping[int, RunRulings]) -> Entry:
    mine = [(number, claim) for number, claims in judged.items() for claim in claims if claim.id == identity]
    judged_by = tuple(number for number, claim in mine if claim.conditions)
    sources = tuple(claim.cites for _, claim in mine if claim.cites is not None)
    tried = tuple(
        Tried(number, runs[number].run, case)
        for number in judged_by
        if number in runs
        for result in runs[number].claims
        if result.id == identity
        for case in result.cases
    )
    ruling = rule(one.case.holds for one in tried)
    if ruling is Ruling.NOT_RUN and sources and not judged_by:
        ruling = Ruling.CITED
    missing = tuple(number for number in judged_by if number not in runs)
    return Entry(identity, ruling, tried, sources, judged_by, missing)
