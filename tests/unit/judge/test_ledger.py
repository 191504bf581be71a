"""The ledger rules on each numbered claim by the cases of all runs together."""

from __future__ import annotations

import pytest

from lab.judge.claims import ALWAYS, CaseResult, Claim, ClaimResult, Holds, Ruling
from lab.judge.ledger import NUMBERS, Entry, RunRulings, ledger
from lab.judge.programs.ended import exited
from lab.loading import load_exercise
from lab.shelf import exercise_folders
from tests.unit.judge.builders import evidence

HELD = exited("a", 0, id="x")


def claim(identity: str, *conditions: str) -> Claim:
    return Claim(identity, cases=dict.fromkeys(conditions or (ALWAYS,), (HELD, HELD)))


def run(exercise: int, identity: str, **holds: Holds) -> RunRulings:
    cases = tuple(CaseResult(condition, held, (), ()) for condition, held in holds.items())
    return RunRulings(exercise, f"run-{exercise}", (ClaimResult(identity, Ruling.NOT_RUN, cases),))


def entry(identity: str, judged: dict[int, list[Claim]], *runs: RunRulings) -> Entry:
    return next(one for one in ledger(judged, runs) if one.id == identity)


def test_every_number_of_the_article_has_an_entry_in_its_order() -> None:
    found = [one.id for one in ledger({}, ())]
    assert len(found) == len(set(found)) == 14 + 19 + 15
    assert (found[0], found[13], found[14], found[32], found[33], found[-1]) == ("A1", "A14", "B1", "B19", "C1", "C13")
    assert {one.ruling for one in ledger({}, ())} == {Ruling.NOT_RUN}


def test_a_claim_without_a_run_is_not_run_yet_and_names_the_exercise() -> None:
    found = entry("B4", {3: [claim("B4")]})
    assert (found.ruling, found.judged_by, found.missing) == (Ruling.NOT_RUN, (3,), (3,))


@pytest.mark.parametrize(
    ("five", "six", "ruling"),
    [
        (Holds.SAYS, Holds.SAYS, Ruling.CONFIRMED),
        (Holds.SAYS, Holds.INSTEAD, Ruling.REFINED),
        (Holds.INSTEAD, Holds.INSTEAD, Ruling.REFUTED),
        (Holds.SAYS, Holds.NEITHER, Ruling.BROKEN),
        (Holds.SAYS, Holds.UNDECIDED, Ruling.INCONCLUSIVE),
        (Holds.SAYS, Holds.NOT_TRIED, Ruling.CONFIRMED),
        (Holds.NOT_TRIED, Holds.NOT_TRIED, Ruling.NOT_RUN),
    ],
)
def test_the_cases_of_several_exercises_are_ruled_on_together(five: Holds, six: Holds, ruling: Ruling) -> None:
    judged = {5: [claim("B9", "one_by_one")], 6: [claim("B9", "overlapping")]}
    found = entry("B9", judged, run(5, "B9", one_by_one=five), run(6, "B9", overlapping=six))
    assert (found.ruling, found.missing) == (ruling, ())
    assert [(one.exercise, one.run, one.case.condition) for one in found.tried] == [
        (5, "run-5", "one_by_one"),
        (6, "run-6", "overlapping"),
    ]


def test_a_claim_is_ruled_on_by_the_runs_there_are_and_says_which_are_missing() -> None:
    judged = {5: [claim("B9", "one_by_one")], 6: [claim("B9", "overlapping")]}
    found = entry("B9", judged, run(5, "B9", one_by_one=Holds.INSTEAD))
    assert (found.ruling, found.missing) == (Ruling.REFUTED, (6,))


def test_a_source_rules_only_where_nothing_is_tried() -> None:
    cited = Claim("C9", cites="epoll(7)")
    assert entry("C9", {11: [cited]}).ruling is Ruling.CITED
    both = {11: [cited], 12: [claim("C9")]}
    assert entry("C9", both).ruling is Ruling.NOT_RUN
    found = entry("C9", both, run(12, "C9", always=Holds.SAYS))
    assert (found.ruling, found.sources) == (Ruling.CONFIRMED, ("epoll(7)",))


def test_a_case_is_decided_by_the_side_that_holds() -> None:
    one, other = HELD.judge(evidence()), exited("a", 1, id="y").judge(evidence())
    for holds, deciding in ((Holds.SAYS, (one,)), (Holds.INSTEAD, (other,)), (Holds.NEITHER, (one, other))):
        rulings = RunRulings(3, "r", (ClaimResult("B4", Ruling.NOT_RUN, (CaseResult("x", holds, (one,), (other,)),)),))
        (tried,) = entry("B4", {3: [claim("B4", "x")]}, rulings).tried
        assert tried.deciding == deciding


@pytest.mark.parametrize("number", exercise_folders())
def test_an_exercise_judges_only_claims_that_the_article_has(number: int) -> None:
    assert {claim.id for claim in load_exercise(number).claims} <= set(NUMBERS)
