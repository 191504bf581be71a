"""Of what an expectation is: of what probes saw, or of what was done, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab.judge.judging import Judged, OfPlay, OfRecording, Reason
from lab.judge.programs.printed import printed
from lab.judge.segments.ladders import segments
from lab.judge.states.passing import Recorded
from lab.judge.verdict import Expectation, Look, Result, Verdict
from lab.loading import load_exercise
from lab.recording.layout import EVIDENCE_FILE
from lab.recording.run import Run
from lab.recording.store import load
from lab.settings import ROOT
from lab.shelf import exercise_folders
from tests.records import changed
from tests.unit.judge.builders import evidence

RUNS = ROOT / "tests" / "fixtures" / "runs"


def inner(expectation: Expectation) -> Iterator[Judged]:
    """Yield those that judge something themselves."""
    if isinstance(expectation, Recorded):
        yield from (*inner(expectation.then), *inner(expectation.otherwise))
    elif isinstance(expectation, OfRecording | OfPlay):
        yield expectation
    elif isinstance(expectation, Judged):
        for name in ("probe", "then", "otherwise", "expectation"):
            if (one := getattr(expectation, name, None)) is not None:
                yield from inner(one)


@pytest.mark.parametrize("number", exercise_folders())
def test_each_expectation_says_of_what_it_is(number: int) -> None:
    for expectation in load_exercise(number).expect:
        assert [*inner(expectation)], expectation.id


def found(one: Judged, run: Run) -> Result:
    """What it finds, but for lines of evidence.json: with less printed they are others."""
    result = one.judge(run)
    proof = tuple(each for each in result.proof if not (isinstance(each, Look) and each.file == EVIDENCE_FILE))
    return replace(result, look=(), proof=proof)


def expected_of(run: Run) -> list[Judged]:
    exercise = load_exercise(int(run.play.exercise.removeprefix("ex")))
    return [one for expectation in exercise.expect for one in inner(expectation)]


@pytest.mark.parametrize("name", ["ex03", "models"])
def test_what_is_of_a_recording_does_not_hang_on_what_programs_printed_or_how_they_ended(name: str) -> None:
    run = load(RUNS / name)
    silent = changed(run, outputs=(), exits=())
    judged = [one for one in expected_of(run) if isinstance(one, OfRecording)]
    assert judged
    assert [found(one, silent) for one in judged] == [found(one, run) for one in judged]


def test_what_is_of_a_play_is_undecided_where_nothing_was_played() -> None:
    run = evidence()
    said = printed("a", "HELLO", id="said")
    alone = Run(run.recording)
    assert said.judge(run).verdict is Verdict.PASS
    result = said.judge(alone)
    assert (result.verdict, result.observed.params["why"]) == (Verdict.INCONCLUSIVE, Reason("no-play"))


def test_what_is_of_a_recording_names_what_a_play_alone_could_tell() -> None:
    ladder = segments("a", id="opens", ladder="""
        client:a > server    S
    """)  # fmt: skip
    result = ladder.judge(Run(evidence().recording))
    why = result.observed.params["why"]
    assert isinstance(why, Reason)
    assert (result.verdict, why.code) == (Verdict.INCONCLUSIVE, "record-missing")
