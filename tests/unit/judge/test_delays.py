"""What did not hold after something was held up decides nothing; what held, and what failed before, stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from lab.exercise import judge
from lab.judge.claims import Claim, Holds, judge_claim
from lab.judge.judging import STOPPED, in_time, say
from lab.judge.programs.printed import printed
from lab.judge.verdict import Verdict
from lab.loading import load_exercise
from lab.recording.delays import LAB, NO_PROCESSOR, STOOD_STILL, Delay
from lab.recording.play import Step, Stopped
from lab.recording.run import Run
from lab.text.catalog import LANGUAGES
from tests.records import changed
from tests.unit.judge.builders import BEGUN, MS, evidence

SECOND: Final = 1_000_000_000
WRONG: Final = printed("a", "GOODBYE", id="w", step="connects")
RIGHT: Final = printed("a", "HELLO", id="r", step="connects")


def delay(who: str = LAB, reason: str = STOOD_STILL, begun_ns: int = BEGUN) -> Delay:
    return Delay(who, reason, begun_ns, begun_ns + 8 * SECOND, 6 * SECOND)


def held_up(*delays: Delay) -> Run:
    return evidence(delays=delays or (delay(),))


def test_a_failure_is_inconclusive_when_something_was_held_up_in_its_step() -> None:
    run = held_up()
    assert in_time(WRONG.judge(run), run).verdict is Verdict.INCONCLUSIVE
    assert in_time(RIGHT.judge(run), run).verdict is Verdict.PASS


def test_a_failure_of_a_step_that_was_over_before_stands() -> None:
    run = held_up(delay(begun_ns=BEGUN + 500 * MS))
    early = changed(run, steps=(Step("connects", BEGUN, BEGUN + 400 * MS),))
    assert in_time(WRONG.judge(early), early).verdict is Verdict.FAIL


def test_a_failure_of_a_quiet_run_stands() -> None:
    run = evidence()
    assert in_time(WRONG.judge(run), run) == WRONG.judge(run)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("what", "named"),
    [
        (delay(), "6.0"),
        (delay("server"), "LAB_PATIENCE"),
        (delay("b", NO_PROCESSOR), "LAB_PATIENCE"),
    ],
)
def test_it_says_what_was_held_up_for_how_long_and_what_was_seen(what: Delay, named: str, language: str) -> None:
    run = held_up(what)
    told = say(in_time(WRONG.judge(run), run).observed, language)
    assert named in told
    assert "6.0" in told
    assert say(WRONG.judge(run).observed, language) in told


def test_what_a_stop_kept_from_being_tried_is_inconclusive_too_and_still_counts_as_not_reached() -> None:
    run = changed(held_up(), steps=(), stopped=Stopped("connects", "a", "no-answer", "hello"))
    result = in_time(WRONG.judge(run), run)
    assert (result.verdict, result.observed.code) == (Verdict.INCONCLUSIVE, STOPPED)
    assert "stood still" in say(result.observed, "en")


def test_a_claim_that_nothing_supports_is_undecided_and_no_mistake_of_the_lab() -> None:
    claim = Claim("B1", says=WRONG)
    assert [case.holds for case in judge_claim(claim, evidence()).cases] == [Holds.NEITHER]
    assert [case.holds for case in judge_claim(claim, held_up()).cases] == [Holds.UNDECIDED]


def test_a_run_with_a_failure_that_decides_nothing_rules_on_no_claim() -> None:
    exercise = replace(load_exercise(3), expect=(WRONG, RIGHT), claims=())
    judgement = judge(exercise, held_up())
    assert [result.verdict for result in judgement.results[:2]] == [Verdict.INCONCLUSIVE, Verdict.PASS]
    assert (judgement.verdict, judgement.rules) == (Verdict.INCONCLUSIVE, False)
    assert judge(exercise, evidence()).verdict is Verdict.FAIL
