"""Expectations that hang on how the kernel behaves, and on how the run was set up."""

from __future__ import annotations

import pytest

from lab.judge.conditional import either, where
from lab.judge.judging import Judged, say
from lab.judge.readings.counters import counters
from lab.judge.sockets.tallies import tally
from lab.judge.verdict import Verdict
from lab.text.catalog import LANGUAGES
from tests.unit.judge.builders import evidence

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
