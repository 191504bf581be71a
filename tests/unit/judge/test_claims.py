from __future__ import annotations

from dataclasses import dataclass

import pytest

from lab.judge.claims import Case, CaseResult, Claim, ClaimResult, Holds, Ruling, judge_claim, rule
from lab.judge.programs.ended import exited
from lab.judge.sockets.tables import sockets
from lab.judge.verdict import Message, Result, Verdict
from lab.recording.play import Stopped
from lab.recording.run import Run
from tests.unit.judge.builders import evidence


@dataclass(frozen=True)
class Fixed:
    verdict: Verdict
    id: str = "fixed"
    step: str | None = None

    def judge(self, evidence: Run) -> Result:
        del evidence
        return Result(self.id, self.step, self.verdict, Message("x"), Message("x"))


YES, NO = Fixed(Verdict.PASS), Fixed(Verdict.FAIL)
UNSURE, CANNOT = Fixed(Verdict.INCONCLUSIVE), Fixed(Verdict.CANNOT_RUN)


def ruling(*cases: Case) -> Ruling:
    claim = Claim("B4", cases={f"when-{n}": case for n, case in enumerate(cases)})
    return judge_claim(claim, evidence()).ruling


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ([(YES, None)], Ruling.CONFIRMED),
        ([(YES, NO)], Ruling.CONFIRMED),
        ([((YES, YES), None), (YES, NO)], Ruling.CONFIRMED),
        ([(NO, YES)], Ruling.REFUTED),
        ([((YES, NO), (YES, YES))], Ruling.REFUTED),
        ([(YES, NO), (NO, YES)], Ruling.REFINED),
        ([(NO, None)], Ruling.BROKEN),
        ([(NO, NO)], Ruling.BROKEN),
        ([(NO, (YES, NO))], Ruling.BROKEN),
        ([(YES, None), (NO, NO)], Ruling.BROKEN),
        ([(UNSURE, YES)], Ruling.INCONCLUSIVE),
        ([(NO, UNSURE)], Ruling.INCONCLUSIVE),
        ([(YES, None), (UNSURE, None)], Ruling.INCONCLUSIVE),
        ([(UNSURE, None), (NO, NO)], Ruling.BROKEN),
        ([(CANNOT, YES)], Ruling.NOT_RUN),
        ([(YES, None), (CANNOT, None)], Ruling.CONFIRMED),
        ([(NO, CANNOT), (YES, None)], Ruling.CONFIRMED),
    ],
)
def test_the_ruling_follows_from_the_cases(cases: list[Case], expected: Ruling) -> None:
    assert ruling(*cases) is expected


def test_a_refined_claim_names_the_conditions_of_either_side() -> None:
    claim = Claim("B14", cases={"client-first": (YES, NO), "server-first": (NO, YES)})
    result = judge_claim(claim, evidence())
    assert result.ruling is Ruling.REFINED
    assert result.conditions(Holds.SAYS) == ("client-first",)
    assert result.conditions(Holds.INSTEAD) == ("server-first",)


def test_a_cited_claim_names_its_source_and_needs_no_run() -> None:
    claim = Claim("A1", cites="RFC 9110")
    assert judge_claim(claim, None) == ClaimResult("A1", Ruling.CITED, source="RFC 9110")
    assert judge_claim(claim, evidence()).source == "RFC 9110"


def test_a_claim_without_a_run_is_not_run_yet() -> None:
    assert judge_claim(Claim("B3", says=YES), None).ruling is Ruling.NOT_RUN


def test_the_cases_of_several_runs_are_ruled_on_together() -> None:
    cases = [CaseResult("a", Holds.SAYS, (), ()), CaseResult("b", Holds.INSTEAD, (), ())]
    assert rule(case.holds for case in cases) is Ruling.REFINED
    assert rule([]) is Ruling.NOT_RUN


def test_the_evidence_decides_between_what_is_said_and_what_is_so_instead() -> None:
    """The article on B3, and its opposite, tried on the same run."""
    one = "State  Process\nESTAB  server fd=4"
    none = "State  Process\nESTAB  -"
    says = sockets("connected", on="server", id="says", table=one, only="client:a")
    instead = sockets("connected", on="server", id="instead", table=none, only="client:a")
    assert judge_claim(Claim("B3", says=says, instead=instead), evidence()).ruling is Ruling.CONFIRMED
    assert judge_claim(Claim("B3", says=instead, instead=says), evidence()).ruling is Ruling.REFUTED
    assert judge_claim(Claim("B3", says=instead, instead=exited("a", 1, id="x")), evidence()).ruling is Ruling.BROKEN


def test_a_play_that_a_program_cut_short_says_nothing_of_the_article() -> None:
    run = evidence(snapshots=(), stopped=Stopped("connects", "a", "not-connected", "10 s"))
    says = sockets("connected", on="server", id="says", table="State", only="client:a")
    assert judge_claim(Claim("B3", says=says), run).ruling is Ruling.INCONCLUSIVE
