"""Expectations that hang on how the kernel behaves, on how the run was set up, and on how long a row was there."""

from __future__ import annotations

import pytest

from lab.evidence.records import Evidence
from lab.judge.conditional import either, where
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged, say
from lab.judge.readings.counters import counters
from lab.judge.sockets.lifetimes import gone_after
from lab.judge.sockets.tallies import tally
from lab.judge.verdict import Verdict
from lab.text.catalog import LANGUAGES
from tests.unit.judge.builders import BEGUN, LISTENING, MS, OPEN, SERVER, A, capture, evidence, row, snapshot

HALF_OPEN = row("SYN-RECV", 0, 0, SERVER, A)
RETRIES = "server.net.ipv4.tcp_synack_retries"


def established(count: int | str, id: str = "t") -> Judged:  # noqa: A002 - the exercise's word
    return tally("connected", on="server", id=id, states={"ESTAB": count}, step="connects")


@pytest.mark.parametrize(("probed", "verdict"), [(1, Verdict.PASS), (2, Verdict.FAIL)])
def test_what_is_expected_hangs_on_what_the_probe_says(probed: int, verdict: Verdict) -> None:
    result = either(established(probed, "probe"), then=established(1), otherwise=established(3)).judge(evidence())
    assert (result.id, result.step, result.verdict) == ("t", "connects", verdict)
    assert result.comparison is not None
    assert result.comparison.pairs[0].expected == ("ESTAB", "1" if probed == 1 else "3")


def test_a_probe_that_does_not_decide_leaves_it_undecided() -> None:
    probe = counters("before", "never", on="server", id="probe", change={"TcpPassiveOpens": 1})
    result = either(probe, then=established(1), otherwise=established(1)).judge(evidence())
    assert (result.id, result.verdict) == ("t", Verdict.INCONCLUSIVE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_ways_are_told_beforehand(language: str) -> None:
    both = either(established(9), then=established(7), otherwise=established(5))
    assert "7 ESTAB" in say(both.expected(), language)
    assert "5 ESTAB" in say(both.expected(), language)


def test_a_run_with_that_setting_is_judged() -> None:
    expected = where({RETRIES: 5}, established(1))
    assert expected.judge(evidence(environment={RETRIES: "5"})).verdict is Verdict.PASS
    assert expected.expected() == established(1).expected()


@pytest.mark.parametrize(("environment", "value"), [({RETRIES: "1"}, "is 1"), ({}, r"is \?")])
def test_a_run_with_another_setting_cannot_try_it(environment: dict[str, str], value: str) -> None:
    result = where({RETRIES: 5}, established(1)).judge(evidence(environment=environment))
    assert result.verdict is Verdict.CANNOT_RUN
    assert value.replace("\\", "") in say(result.observed, "en")


def half_open_run(*last: str, after_ms: int = 3000) -> Evidence:
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


def test_an_amount_that_cannot_be_read_is_refused_when_the_exercise_is_loaded() -> None:
    with pytest.raises(ExerciseError, match="soon"):
        gone_after("a", "soon", seen="asked", gone="forgotten", id="t")
