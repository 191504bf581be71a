"""Evidence that does not decide is inconclusive, says why, and never raises."""

from __future__ import annotations

from typing import Any

import pytest

from lab.errors import EvidenceError
from lab.judge.agreement import agree
from lab.judge.judging import Reason, judge_all, say, told
from lab.judge.programs.ended import exited
from lab.judge.programs.printed import printed
from lab.judge.readings.counters import counters
from lab.judge.segments.closing import closes
from lab.judge.segments.ladders import segments
from lab.judge.sockets.over_time import eventually, never
from lab.judge.sockets.tables import sockets
from lab.judge.verdict import Expectation, Result, Verdict
from lab.recording.play import Stopped
from tests.unit.judge.builders import CLIENT_FIRST, OPEN, TALK, capture, evidence, party, snapshot

ROW = """
    State  Peer      Process
    ESTAB  client:a  server fd=4
"""
OPENING = """
    client:a > server    S
    server   > client:a  S.
    client:a > server    .
"""
OF_SS: tuple[Expectation, ...] = (sockets("connected", on="server", id="s", table=ROW, only="client:a"),)
OF_SAMPLES: tuple[Expectation, ...] = (
    eventually("frozen", on="server", id="e", table=ROW),
    never("frozen", on="server", id="n", table="State\nCLOSING"),
)
OF_CAPTURES: tuple[Expectation, ...] = (
    segments("a", id="l", ladder=OPENING, part="open"),
    closes("a", id="c", first="a"),
    agree("j", client="a", snapshot="connected"),
)
OF_PROGRAMS: tuple[Expectation, ...] = (printed("a", "HELLO", id="p"), exited("a", 0, id="x"))
OF_COUNTERS: tuple[Expectation, ...] = (
    counters("before", "after", on="server", id="k", change={"TcpPassiveOpens": 1}),
)


def why(result: Result) -> Reason:
    assert result.verdict is Verdict.INCONCLUSIVE, result
    reason = result.observed.params["why"]
    assert isinstance(reason, Reason)
    return reason


@pytest.mark.parametrize(
    ("expectations", "lacking"),
    [
        (OF_SS + OF_CAPTURES[2:], {"snapshots": ()}),
        (OF_SS + OF_SAMPLES[:1] + OF_CAPTURES + OF_PROGRAMS, {"parties": ()}),
        (OF_SAMPLES, {"samplings": ()}),
        (OF_CAPTURES, {"captures": ()}),
        (OF_COUNTERS, {"counters": ()}),
    ],
)
def test_a_record_that_is_missing_is_named(expectations: tuple[Expectation, ...], lacking: dict[str, Any]) -> None:
    for result in judge_all(expectations, evidence(**lacking)):
        assert why(result).code == "record-missing"


def test_a_client_without_an_endpoint_decides_nothing() -> None:
    run = evidence(parties=(party("server", "server", 41, "serve_blocking"), party("a", "client", 17, "prompt")))
    for result in judge_all(OF_SS + OF_CAPTURES, run):
        assert why(result).params["kind"] == "endpoint"


@pytest.mark.parametrize(
    ("flaw", "code"),
    [
        ({"died": True}, "capture-died"),
        ({"dropped": 1, "received": 8}, "capture-incomplete"),
        ({"received": 9}, "capture-incomplete"),
        ({"captured": 6, "received": 6}, "capture-of-another-run"),
        ({"content": capture("server", *OPEN, *TALK).data[:-3]}, "capture-truncated"),
        ({"content": b"nonsense"}, None),
    ],
)
@pytest.mark.parametrize("expectation", OF_CAPTURES, ids=lambda each: each.id)
def test_a_capture_that_is_not_whole_decides_nothing_even_if_it_looks_right(
    expectation: Expectation, flaw: dict[str, Any], code: str | None
) -> None:
    flawed = capture("server", *OPEN, *TALK, **flaw)
    reason = why(expectation.judge(evidence(captures=(flawed, capture("client", *OPEN, *TALK)))))
    assert code in (None, reason.code)
    assert "server.pcap" in str(reason)
    assert reason.words("zh-CN") != str(reason)


def test_a_line_that_ss_cannot_have_printed_decides_nothing_and_is_named() -> None:
    torn = snapshot("connected", "server", "OPEN 0 0 192.168.1.102:8000 192.168.1.101:58132")
    reason = why(OF_SS[0].judge(evidence(snapshots=(torn,))))
    assert (reason.code, reason.params["row"]) == ("ss-unknown-state", 3)


def test_what_a_program_kept_from_happening_is_its_failure() -> None:
    stopped = Stopped("connects", "a", "no-answer", "hello")
    run = evidence(stopped=stopped, snapshots=(), samplings=(), counters=())
    for result in judge_all(OF_SS + OF_SAMPLES + OF_COUNTERS, run):
        assert (result.verdict, result.observed.code) == (Verdict.FAIL, "stopped")
        assert "hello" in say(result.observed, "en")
    assert OF_CAPTURES[0].judge(run).verdict is Verdict.PASS


def test_a_step_that_was_never_reached_is_failed_whatever_the_record_holds() -> None:
    reached, later = (closes("a", id="c", first="a", step=step) for step in ("connects", "closes"))
    closed = {host: capture(host, *OPEN, *CLIENT_FIRST) for host in ("server", "client")}
    run = evidence(captures=tuple(closed.values()), stopped=Stopped("connects", "a", "ended-early", "no such method"))
    assert reached.judge(run).verdict is Verdict.PASS
    result = later.judge(run)
    assert (result.verdict, result.observed.code, result.comparison) == (Verdict.FAIL, "stopped", None)
    assert later.judge(evidence(captures=tuple(closed.values()))).verdict is Verdict.PASS


def test_a_probe_that_failed_is_nobody_elses_failure() -> None:
    stopped = Stopped("connects", "a", "no-answer", "hello")
    for result in judge_all(OF_CAPTURES, evidence(stopped=stopped, captures=())):
        assert why(result).params["kind"] == "capture"


def test_the_words_of_an_error_are_the_reader_s() -> None:
    (result,) = judge_all(OF_COUNTERS, evidence(counters=()))
    error = EvidenceError("record-missing", kind="counters", name="before (server)")
    for language in ("en", "zh-CN"):
        assert told(error, language) in say(result.observed, language)
    assert "计数器" in told(error, "zh-CN")


def test_judging_twice_gives_equal_results() -> None:
    everything = OF_SS + OF_SAMPLES + OF_CAPTURES + OF_PROGRAMS + OF_COUNTERS
    assert judge_all(everything, evidence()) == judge_all(everything, evidence())
    assert judge_all(everything, evidence(captures=())) == judge_all(everything, evidence(captures=()))
    verdicts = {result.id: result.verdict for result in judge_all(everything, evidence())}
    assert verdicts == {
        **dict.fromkeys("senljpxk", Verdict.PASS),
        "c": Verdict.FAIL,
    }
