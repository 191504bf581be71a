"""How long a row was there."""

from __future__ import annotations

import pytest

from lab.judge.errors import ExerciseError
from lab.judge.judging import say
from lab.judge.sockets.lifetimes import gone_after
from lab.judge.verdict import Verdict
from lab.recording.run import Run
from tests.unit.judge.builders import (
    BEGUN,
    LISTENING,
    MS,
    OPEN,
    SERVER,
    SERVING_A,
    A,
    capture,
    evidence,
    row,
    sampling,
    snapshot,
    ss,
)

HALF_OPEN = row("SYN-RECV", 0, 0, SERVER, A)


def half_open_run(*last: str, after_ms: int = 3000) -> Run:
    return evidence(
        snapshots=(
            snapshot("asked", "server", LISTENING, HALF_OPEN),
            snapshot("forgotten", "server", LISTENING, *last, begun_ns=BEGUN + (10 + after_ms) * MS),
        ),
        captures=(capture("server", *OPEN),),
    )


@pytest.mark.parametrize(("seconds", "verdict"), [("2..10", Verdict.PASS), ("60..70", Verdict.FAIL)])
def test_the_end_of_a_row_is_counted_from_the_syn(seconds: str, verdict: Verdict) -> None:
    result = gone_after("a", seconds, seen="asked", gone="forgotten", id="t").judge(half_open_run())
    assert result.verdict is verdict
    assert say(result.observed, "en") == "a's row is gone from server 3.0 s after its SYN"


def test_a_row_that_stays_is_named_with_its_line() -> None:
    result = gone_after("a", "0..10", seen="asked", gone="forgotten", id="t").judge(half_open_run(HALF_OPEN))
    assert result.verdict is Verdict.FAIL
    assert say(result.observed, "en") == "a's row was still on server 3.0 s after its SYN"
    assert result.look[0].line == 4


def test_a_row_that_was_never_there_has_no_end() -> None:
    result = gone_after("b", "0..10", seen="asked", gone="forgotten", id="t").judge(half_open_run())
    assert result.verdict is not Verdict.PASS


def test_the_end_of_a_row_is_found_in_a_sampling_to_the_look() -> None:
    samples = sampling(ss(LISTENING), ss(LISTENING, HALF_OPEN), ss(LISTENING), ss(LISTENING, SERVING_A), name="asking")
    expectation = gone_after("a", "0..10", sampling="asking", id="t")
    result = expectation.judge(evidence(samplings=(samples,), captures=(capture("server", *OPEN),)))
    assert result.verdict is Verdict.PASS
    assert [(look.file, look.line) for look in result.look] == [(samples.file, 10), (samples.file, 13)]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ((ss(LISTENING), ss(LISTENING, HALF_OPEN)), "a's row was still on server 0.0 s after its SYN"),
        ((ss(LISTENING),), "a had no row on server to begin with"),
    ],
)
def test_a_sampling_in_which_a_row_does_not_come_and_go_is_a_failure(texts: tuple[str, ...], words: str) -> None:
    run = evidence(samplings=(sampling(*texts, name="asking"),), captures=(capture("server", *OPEN),))
    result = gone_after("a", "0..10", sampling="asking", id="t").judge(run)
    assert (result.verdict, say(result.observed, "en")) == (Verdict.FAIL, words)


def test_an_amount_that_cannot_be_read_is_refused_when_the_exercise_is_loaded() -> None:
    with pytest.raises(ExerciseError, match="soon"):
        gone_after("a", "soon", seen="asked", gone="forgotten", id="t")
