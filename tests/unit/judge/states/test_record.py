"""A run whose record of the kernel is short is inconclusive, whatever its exercise asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.exercise import judge
from lab.judge.judging import say
from lab.judge.states.record import WHOLE_RECORD
from lab.judge.verdict import Verdict
from lab.loading import load_exercise
from lab.recording.run import Run
from lab.report.words import Words
from lab.text.catalog import LANGUAGES
from tests.unit.timeline.builders import kernel, run


def short() -> Run:
    return run(record=kernel(lost={0: 2, 1: 3}))


@pytest.mark.parametrize("evidence", [run(), run(record=kernel())], ids=["not asked", "whole"])
def test_nothing_is_said_of_a_record_that_lost_nothing(evidence: Run) -> None:
    judgement = judge(replace(load_exercise(3), expect=(), claims=()), evidence)
    assert judgement.results == ()


def test_lost_events_are_said_with_their_number_and_the_run_is_inconclusive() -> None:
    judgement = judge(replace(load_exercise(3), expect=(), claims=()), short())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    (result,) = judgement.results
    assert result.id == "whole-record"
    assert "no room for 5 events" in say(result.observed, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_words_are_the_same_in_every_exercise(language: str) -> None:
    words = Words(load_exercise(5).texts(language), language, {})
    assert words.own("expect.whole-record.title")
    assert words.maybe("expect.whole-record.why")
    assert words.maybe("expect.whole-record.hint")
    assert words.message(WHOLE_RECORD.expected())
