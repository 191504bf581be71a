"""A number in a line that a program printed."""

from __future__ import annotations

import pytest

from lab.errors import EvidenceError
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged, say
from lab.judge.programs.numbers import said
from lab.judge.verdict import Result, Verdict
from lab.recording.play import Output
from lab.recording.run import Run
from lab.text.catalog import LANGUAGES
from tests.unit.judge.builders import BEGUN, evidence

LINE = "the others, mostly: {} of a pause"


def printing(*lines: str) -> Run:
    return evidence(outputs=tuple(Output(BEGUN, "a", "stdout", line) for line in lines))


def judged(expectation: Judged, run: Run) -> Result:
    result = expectation.judge(run)
    for language in LANGUAGES:
        assert say(result.expected, language)
        assert say(result.observed, language)
    return result


def verdict(expectation: Judged, run: Run) -> Verdict:
    return judged(expectation, run).verdict


@pytest.mark.parametrize(
    ("amount", "expected"), [(">0.5", Verdict.PASS), ("0.7..0.9", Verdict.PASS), ("<0.5", Verdict.FAIL)]
)
def test_the_number_in_a_line_is_compared(amount: str, expected: Verdict) -> None:
    result = judged(said("a", LINE, amount, id="s"), printing("connected", LINE.format("0.82")))

    assert result.verdict is expected
    assert result.comparison is not None
    assert result.comparison.pairs[0].observed == (LINE, "0.82")


def test_of_several_such_lines_the_last_one_counts() -> None:
    run = printing(LINE.format("0.9"), LINE.format("0.1"))
    assert verdict(said("a", LINE, "<0.5", id="s"), run) is Verdict.PASS


@pytest.mark.parametrize("line", ["the others, mostly: much of a pause", "before the others, mostly: 0.8 of a pause"])
def test_a_line_without_the_number_or_with_more_around_it_is_another_line(line: str) -> None:
    result = judged(said("a", LINE, ">0.5", id="s"), printing(line))

    assert result.verdict is Verdict.FAIL
    assert result.comparison is not None
    assert [pair.observed for pair in result.comparison.pairs] == [None, (line,)]


def test_a_program_that_printed_nothing_fails_and_one_that_never_ran_decides_nothing() -> None:
    assert verdict(said("a", LINE, ">0.5", id="s"), evidence(outputs=())) is Verdict.FAIL
    assert verdict(said("nobody", LINE, ">0.5", id="s"), evidence()) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("line", "amount", "code"), [(LINE, "much", "amount"), ("no place", ">1", "said-place"), ("{} {}", 1, "said-place")]
)
def test_what_an_exercise_writes_wrongly_is_refused(line: str, amount: int | str, code: str) -> None:
    with pytest.raises(ExerciseError) as refused:
        said("a", line, amount, id="s")
    assert refused.value.code == code
    assert not isinstance(refused.value, EvidenceError)
    for language in LANGUAGES:
        assert line in refused.value.what(language) or "amount" in code
