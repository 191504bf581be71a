"""The article's claims beside their rulings: what it says, what is true instead, and under which conditions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lab.exercise import Judgement
from lab.judge.claims import ALWAYS, Claim, ClaimResult, Holds, Ruling
from lab.judge.verdict import Expectation
from lab.report.ink import Role
from lab.report.words import Words

ROLES: Final = {
    Ruling.CONFIRMED: Role.PASS,
    Ruling.REFINED: Role.INFERRED,
    Ruling.REFUTED: Role.STRONG,
    Ruling.CITED: Role.DIM,
    Ruling.NOT_RUN: Role.DIM,
    Ruling.INCONCLUSIVE: Role.UNDECIDED,
    Ruling.BROKEN: Role.FAIL,
}


@dataclass(frozen=True, slots=True)
class ClaimStory:
    """A claim in words. `instead` is None where the article is right; `cases` says what holds under each condition."""

    id: str
    ruling: Ruling
    label: str
    says: str
    instead: str | None
    cases: tuple[str, ...]


def claim_stories(judgement: Judgement, words: Words) -> tuple[ClaimStory, ...]:
    """Return the claims of a judged run in words, in their order."""
    return tuple(_story(result, words, judgement) for result in judgement.claims)


def _story(result: ClaimResult, words: Words, judgement: Judgement) -> ClaimStory:
    key = f"claims.{result.id}"
    right = result.ruling in {Ruling.CONFIRMED, Ruling.CITED}
    named = words.table(f"{key}.cases")
    cases = [
        words.lab("claims.case", condition=named.get(case.condition, case.condition), holds=_holds(case.holds, words))
        for case in result.cases
        if case.condition != ALWAYS
    ]
    if result.source:
        cases.append(words.lab("claims.source", source=result.source))
    return ClaimStory(
        id=result.id,
        ruling=result.ruling,
        label=_label(result.ruling, words, judgement),
        says=words.own(f"{key}.says"),
        instead=None if right else words.maybe(f"{key}.instead"),
        cases=tuple(cases),
    )


def _label(ruling: Ruling, words: Words, judgement: Judgement) -> str:
    """Return the ruling in words; a run that may not rule cannot convict the lab: its server was another one."""
    if ruling is Ruling.BROKEN and not judgement.rules:
        return words.lab("ruling.not-by-this-run")
    return words.lab(f"ruling.{ruling_slug(ruling)}")


def _holds(holds: Holds, words: Words) -> str:
    return words.lab(f"holds.{ruling_slug(holds)}")


def ruling_slug(value: str) -> str:
    """Return a ruling, or which side holds, as a part of a text id: `not-run-yet`."""
    return str(value).replace(" ", "-")


def claims_of(claims: Iterable[Claim]) -> Mapping[str, tuple[str, ...]]:
    """Return the claims that lean on each expectation: expectation id to claim ids."""
    found: dict[str, tuple[str, ...]] = {}
    for claim in claims:
        for expectation in dict.fromkeys(expectation.id for expectation in _expectations(claim)):
            found[expectation] = (*found.get(expectation, ()), claim.id)
    return found


def _expectations(claim: Claim) -> Iterator[Expectation]:
    for sides in claim.conditions.values():
        for side in sides:
            if side is not None:
                yield from side if isinstance(side, tuple) else (side,)
