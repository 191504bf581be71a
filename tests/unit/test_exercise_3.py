"""Exercise 3 judged from a saved run: it passes, and fails where the record is tampered with, each time for its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from lab.exercise import JudgedRun, Judgement, judge
from lab.judge.claims import Holds, Ruling
from lab.judge.judging import say
from lab.judge.verdict import Result, Verdict
from lab.kernel.trace import PROGRAMS, SOCKETS, UNTOLD
from lab.loading import load_exercise
from lab.recording.run import Run
from lab.recording.store import load
from lab.report.story import Story, tell
from lab.text.catalog import LANGUAGES, messages
from lab.wire.segment import Flags
from lab.wire.state import State
from tests.tampering import (
    dropping,
    dying,
    ending,
    losing,
    on_another_subnet,
    saying,
    swapped,
    twice,
    unrecorded,
    with_counter,
    with_flags,
    with_rows,
    with_sample,
    with_transitions,
    without_frame,
)
from tests.wrong.base import result_ids

EXERCISE: Final = load_exercise(3)
RUN: Final = Path(__file__).parent.parent / "fixtures" / "runs" / "ex03"
IDS: Final = set(result_ids(EXERCISE.expect))
BOTH: Final = ("server", "client")


@pytest.fixture(scope="module")
def good() -> Run:
    return load(RUN)


@pytest.fixture(scope="module")
def saved() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((RUN / "verdict.json").read_text())
    return document


def failures(judgement: Judgement) -> dict[str, Result]:
    return {result.id: result for result in judgement.results if result.verdict is not Verdict.PASS}


# -- the run as it was recorded


def test_the_saved_run_passes_with_the_saved_verdict(good: Run, saved: dict[str, Any]) -> None:
    judgement = judge(EXERCISE, good)
    assert (judgement.verdict.value, failures(judgement)) == (saved["verdict"], {})
    assert [(each.id, each.verdict.value) for each in judgement.results] == [
        (each["id"], each["verdict"]) for each in saved["results"]
    ]


def test_no_claim_of_the_saved_run_is_left_open_or_says_that_the_lab_is_wrong(good: Run, saved: dict[str, Any]) -> None:
    rulings = {each.id: each.ruling for each in judge(EXERCISE, good).claims}
    assert rulings == {each["id"]: each["ruling"] for each in saved["claims"]}
    assert set(rulings.values()) <= {Ruling.CONFIRMED, Ruling.REFINED, Ruling.REFUTED}


def test_an_unchanged_copy_of_the_frames_changes_nothing(good: Run) -> None:
    there_and_back = swapped(swapped(good, 4, "server"), 4, "server")
    assert there_and_back == good


# -- recordings that are deliberately wrong: what fails, and a pattern of what it says

Tamper = Callable[[Run], Run]

RECORDINGS: Final[Mapping[str, tuple[Tamper, Mapping[str, str]]]] = {
    "the ACK of the handshake is missing": (
        lambda run: without_frame(run, 3, *BOTH),
        {
            "handshake": r"differ: 1, missing: 0, unexpected: 0",  # the first data, which carries that ACK too
            "both-ends": r"do not fit the others: server\.pcap",  # still SYN-RECV
            "exchange": r"missing: 1",
        },
    ),
    "the SYN was sent twice": (
        lambda run: twice(run, 1, *BOTH),
        {"handshake": r"differ: 0, missing: 0, unexpected: 1"},
    ),
    "the SYN was answered with a reset": (
        lambda run: with_flags(run, 2, Flags.RST | Flags.ACK, *BOTH),
        {
            "handshake": r"differ: 0, missing: 2, unexpected: 0",
            "both-ends": r"do not fit the others: server\.pcap, client\.pcap",
            "exchange": r"missing: 5",
        },
    ),
    "the SYN is missing": (
        lambda run: without_frame(run, 1, *BOTH),
        {"handshake": r"missing: 1, unexpected: 0"},
    ),
    "the client's capture lacks an answer": (
        lambda run: without_frame(run, 6, "client"),
        {"both-ends": r"server\.pcap \(left\) and client\.pcap \(right\) hold different segments: "},
    ),
    "the client's ss says FIN-WAIT-1": (
        lambda run: with_rows(run, "connected", "client", "^ESTAB", "FIN-WAIT-1"),
        {"mirror-row": "rows that differ: 1", "both-ends": r"do not fit the others: .*02-connected\.client\.txt"},
    ),
    "the client has no row": (
        lambda run: with_rows(run, "connected", "client", r"^ESTAB.*\n", ""),
        {"mirror-row": "missing: 1", "both-ends": r"do not fit the others: .*02-connected\.client\.txt"},
    ),
    "another program listens": (
        lambda run: with_rows(run, "listening", "server", r"pid=\d+", "pid=1"),
        {"listener": "rows that differ: 1"},
    ),
    "the answer to again is missing": (
        lambda run: without_frame(run, 9, *BOTH),
        {"exchange": r"missing: 1, unexpected: 0"},
    ),
    "the connection's row has no process": (
        lambda run: with_rows(run, "connected", "server", r"^(ESTAB.*)users:\S+", r"\1"),
        {"second-socket": "rows that differ: 1"},
    ),
    "the client printed hello as it was": (
        lambda run: saying(run, "a", "stdout", "hello"),
        {"upper-case": "a printed other lines on stdout"},
    ),
    "the client's FIN came before the server's": (
        lambda run: without_frame(run, 11, *BOTH),
        {"server-closes-first": "a sends the first FIN"},
    ),
    "TIME-WAIT has but 9 seconds left": (
        lambda run: with_rows(run, "after_exit", "server", "59sec", "9sec"),
        {"time-wait-server": "rows that differ: 1"},
    ),
    "the client is in TIME-WAIT too": (
        lambda run: with_rows(run, "after_exit", "client", r"\Z", row("TIME-WAIT", "client:a", "server:8000", run)),
        {"client-forgets": "unexpected: 1"},
    ),
    "the frozen server's end is ESTAB": (
        lambda run: with_rows(run, "half_closed", "server", "^CLOSE-WAIT", "ESTAB     "),
        {"close-wait": "rows that differ: 1"},
    ),
    "the client is in FIN-WAIT-1": (
        lambda run: with_rows(run, "half_closed", "client", "^FIN-WAIT-2", "FIN-WAIT-1"),
        {"fin-wait-2": "rows that differ: 1"},
    ),
    "the client of the frozen server is in TIME-WAIT for a moment": (
        lambda run: with_sample(run, "frozen", "^FIN-WAIT-2", "TIME-WAIT "),
        {"stands-still": r"such a row \d"},
    ),
    "CLOSE-WAIT stays": (
        lambda run: with_rows(run, "let_go", "server", r"\Z", row("CLOSE-WAIT", "server:8000", "client:b", run)),
        {"server-lets-go": "unexpected: 1"},
    ),
    "the client's TIME-WAIT is not there": (
        lambda run: with_rows(run, "let_go", "client", r"^TIME-WAIT.*\n", ""),
        {"time-wait-client": "missing: 1"},
    ),
    "the second FIN rides with the ACK": (
        lambda run: without_frame(run, 18, *BOTH),
        {"four-segments": "segments from there on: 3"},
    ),
    "the client speaks of nineteen connections": (
        lambda run: saying(run, "rounds", "stdout", "19 connections"),
        {"twenty-rounds": "rounds printed other lines on stdout"},
    ),
    "one of the twenty was reset": (
        lambda run: with_flags(run, len_frames(run, "three_or_four"), Flags.RST, *BOTH),
        {"all-closed": "otherwise: 1"},
    ),
    "the server that may not listen says something else": (
        lambda run: saying(run, "strict", "stderr", "Permission denied"),
        {"address-in-use": "strict printed other lines on stderr"},
    ),
    "the server that may not listen ends with 0": (
        lambda run: ending(run, "strict", 0),
        {"cannot-listen": "strict ends with exit status 0"},
    ),
    "nobody listens after the restart": (
        lambda run: with_rows(run, "restarted", "server", r"^LISTEN.*:8000 .*\n", ""),
        {"listens-again": "missing: 1"},
    ),
    "the queue holds five": (
        lambda run: with_rows(run, "full", "server", r"^LISTEN( +)6( +)5", r"LISTEN\g<1>5\g<2>5"),
        {"backlog-and-one": "rows that differ: 1"},
    ),
    "the kernel told nothing of the end of a's handshake": (
        lambda run: with_transitions(
            run, lambda each: each.new is not State.ESTABLISHED or each.peer != run.play.party("a").local
        ),
        {"observed-opening": "it reported LISTEN → SYN-RECV → FIN-WAIT-1"},
    ),
    "the kernel told of no LAST-ACK": (
        lambda run: with_transitions(run, lambda each: each.new is not State.LAST_ACK),
        {"observed-close": r"it reported .*CLOSE-WAIT → UNCONN"},
    ),
    "the kernel was not asked, and the ACK of the handshake is missing": (
        lambda run: unrecorded(without_frame(run, 3, *BOTH)),
        {
            "handshake": r"differ: 1, missing: 0, unexpected: 0",
            "inferred-opening": r"differ: 1, missing: 0, unexpected: 0",
            "both-ends": r"do not fit the others: server\.pcap",
            "exchange": r"missing: 1",
        },
    ),
    "the kernel was not asked, and the second FIN rides with the ACK": (
        lambda run: unrecorded(without_frame(run, 18, *BOTH)),
        {"inferred-close": "missing: 1", "four-segments": "segments from there on: 3"},
    ),
    "all seven are established": (
        lambda run: with_rows(run, "full", "client", "^SYN-SENT", "ESTAB   "),
        {"seventh-waits": "on client: 7 ESTAB, 0 SYN-SENT"},
    ),
    "the kernel counted no overflow": (
        lambda run: with_counter(run, "after", "TcpExtListenOverflows", overflows(run)),
        {"kernel-counted": "counters that grew by another amount: 1"},
    ),
}


def row(state: str, local: str, peer: str, run: Run) -> str:
    return f"{state} 0 0 {run.resolve(local)} {run.resolve(peer)}\n"


def overflows(run: Run) -> int:
    return run.counter("before", "server").values["TcpExtListenOverflows"]


def len_frames(run: Run, step: str) -> int:
    """The frame of the last FIN within a step, as captured on the server."""
    window = run.play.step(step)
    segments = run.recording.capture("server").capture.segments
    within = [each for each in segments if window.begun_ns <= each.time_ns <= window.ended_ns]
    return max(each.number for each in within if Flags.FIN in each.flags)


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_wrong_recording_fails_that_expectation_for_that_reason(good: Run, name: str) -> None:
    tamper, expected = RECORDINGS[name]
    judgement = judge(EXERCISE, tamper(good))
    failed = failures(judgement)
    assert judgement.verdict is Verdict.FAIL
    assert set(failed) == set(expected)
    for expectation, pattern in expected.items():
        assert failed[expectation].verdict is Verdict.FAIL
        assert re.search(pattern, say(failed[expectation].observed, "en")), failed[expectation]


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        pytest.param(partial(dropping, host="server", packets=3), "dropped", id="tcpdump dropped packets"),
        pytest.param(partial(dying, host="server"), "server.pcap", id="tcpdump died"),
        pytest.param(on_another_subnet, "server.pcap", id="a capture of another lab"),
    ],
)
def test_a_capture_that_is_not_whole_or_not_this_run_s_decides_nothing(good: Run, tamper: Tamper, words: str) -> None:
    judgement = judge(EXERCISE, tamper(good))
    undecided = failures(judgement)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert {each.verdict for each in undecided.values()} == {Verdict.INCONCLUSIVE}
    by_kernel = {"observed-opening", "observed-close"} if tamper is on_another_subnet else set()
    assert set(undecided) == by_kernel | {
        "handshake",
        "observed-opening",  # SYN-RECV begins with the SYN, of which only the capture tells
        "both-ends",
        "exchange",
        "server-closes-first",
        "four-segments",
        "all-closed",
    }
    assert all(words in say(each.observed, "en") for name, each in undecided.items() if name not in by_kernel)


@pytest.mark.parametrize("instance", [SOCKETS, UNTOLD])
def test_lost_events_of_sockets_leave_open_what_the_kernel_alone_can_tell(good: Run, instance: str) -> None:
    undecided = failures(judge(EXERCISE, losing(good, instance, 7)))
    assert {name: result.verdict for name, result in undecided.items()} == dict.fromkeys(
        ("observed-opening", "observed-close"), Verdict.INCONCLUSIVE
    )
    assert all("7 events" in say(result.observed, "en") for result in undecided.values())


def test_lost_calls_of_programs_leave_nothing_open(good: Run) -> None:
    assert judge(EXERCISE, losing(good, PROGRAMS, 169_225)) == judge(EXERCISE, good)


def test_a_close_that_failed_by_its_states_has_failed_however_many_calls_were_lost(good: Run) -> None:
    wrong = with_transitions(good, lambda each: each.new is not State.LAST_ACK)
    judgement = judge(EXERCISE, losing(wrong, PROGRAMS, 169_225))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.results == judge(EXERCISE, wrong).results


def test_without_the_kernel_s_record_the_segments_prove_what_they_can(good: Run) -> None:
    judgement = judge(EXERCISE, unrecorded(good))
    assert (judgement.verdict, failures(judgement)) == (Verdict.PASS, {})
    assert {each.id for each in judgement.results} == IDS - {"observed-opening", "observed-close"}
    assert {each.id: each.ruling for each in judgement.claims} == {
        each.id: each.ruling for each in judge(EXERCISE, good).claims
    }


def test_without_the_kernel_s_record_no_claim_rests_on_it(good: Run) -> None:
    found = {claim.id: {case.condition: case.holds for case in claim.cases} for claim in judge(EXERCISE, good).claims}
    lacking = judge(EXERCISE, unrecorded(good)).claims
    assert {claim.id: {case.condition: case.holds for case in claim.cases} for claim in lacking} == {
        **found,
        "B2": {**found["B2"], "kernel": Holds.NOT_TRIED},
        "B14": {**found["B14"], "told": Holds.NOT_TRIED},
    }
    assert Holds.NOT_TRIED not in {*found["B2"].values(), *found["B14"].values()}


@pytest.mark.parametrize(
    ("language", "tells", "tracer", "infers"),
    [("en", "the kernel reports", "tracer", "inferred from"), ("zh-CN", "内核报告", "跟踪器", "由报文段推断")],
)
def test_without_the_kernel_s_record_the_page_infers_and_says_so(
    good: Run, language: str, tells: str, tracer: str, infers: str
) -> None:
    asked, unasked = checks(good, language), checks(unrecorded(good), language)
    assert (tells in asked, tracer in asked, infers in asked) == (True, True, False)
    assert (tells in unasked, tracer in unasked, infers in unasked) == (False, False, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_the_kernel_s_record_its_cases_of_a_claim_are_told_as_not_tried(good: Run, language: str) -> None:
    told = {claim.id: claim for claim in story(unrecorded(good), language).claims}
    not_tried = messages(language).get("report.holds.not-tried")
    for identity, condition in (("B2", "kernel"), ("B14", "told")):
        named = EXERCISE.texts(language).get(f"claims.{identity}.cases.{condition}")
        (case,) = [case for case in told[identity].cases if named in case]
        assert not_tried in case
        assert [case for case in told[identity].cases if not_tried in case] == [case]


def story(evidence: Run, language: str) -> Story:
    return tell(JudgedRun(EXERCISE, evidence, judge(EXERCISE, evidence), RUN), language)


def checks(evidence: Run, language: str) -> str:
    """Return what a page says beside its marks, and of the claims: all that is written where everything holds."""
    told = story(evidence, language)
    beside = [text for step in told.steps for one in step.checks for text in (one.title, one.why)]
    return "\n".join([*beside, *(one.instead or "" for one in told.claims)])


# -- all of them together


def test_every_expectation_fails_on_a_recording_too() -> None:
    assert {expectation for _, expected in RECORDINGS.values() for expectation in expected} == IDS
