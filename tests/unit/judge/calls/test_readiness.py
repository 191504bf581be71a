"""Which sockets a wait returned, from the trace."""

from __future__ import annotations

import pytest

from lab.judge.calls.readiness import Ready, ready
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged, say
from lab.judge.verdict import Comparison, Result, Verdict
from lab.recording.play import Step
from lab.recording.run import Run
from lab.recording.saved import SavedTrace
from lab.text.catalog import LANGUAGES
from tests.unit.judge.builders import BEGUN, MS, SERVER, A, B, evidence

LISTENER = f"3<TCP:[{SERVER}]>"
OF_A, OF_B = f"4<TCP:[{SERVER}->{A}]>", f"5<TCP:[{SERVER}->{B}]>"
WATCHED = f"[{LISTENER} {OF_A} {OF_B}]"
LATER = BEGUN + 2000 * MS


def at(milliseconds: int) -> str:
    time_ns = BEGUN + milliseconds * MS
    return f"41 {time_ns // 10**9}.{time_ns % 10**9 // 1000:06}"


SELECTS = f"""
{at(1)} pselect6(6, {WATCHED}, NULL, NULL, NULL, NULL) = 1 (in [5]) <0.400000>
{at(500)} pselect6(6, {WATCHED}, NULL, NULL, NULL, NULL) = 2 (in [3 4]) <0.000020>
{at(900)} pselect6(6, {WATCHED}, NULL, NULL, NULL, NULL) = 1 (in [4]) <1.500000>
"""
POLLS = f"""
{at(1)} poll([{{fd={LISTENER}, events=POLLIN}}, {{fd={OF_A}, events=POLLIN}}], 2, -1) = 1 ([{{fd=4, revents=POLLIN}}]) <0.1>
"""
EPOLLS = f"""
{at(1)} accept4({LISTENER}, NULL, NULL, SOCK_CLOEXEC) = {OF_A} <0.000010>
{at(2)} epoll_wait(9<anon_inode:[eventpoll]>, [{{events=EPOLLIN, data={{u32=4, u64=4}}}}], 3, -1) = 1 <0.1>
"""


ENDED = "41 1700000009.000000 +++ killed by SIGKILL +++\n"


def traced(text: str, *, cut: bool = False, ended: str = ENDED) -> Run:
    steps = (Step("connects", BEGUN, BEGUN + 1000 * MS), Step("later", LATER, LATER + 1000 * MS))
    trace = SavedTrace("server", "server", "strace", text.lstrip() + ended, "traces/server.strace", cut=cut)
    return evidence(traces=(trace,), steps=steps, ended_ns=LATER + 1000 * MS)


def judged(expectation: Judged, run: Run) -> Result:
    result = expectation.judge(run)
    for language in LANGUAGES:
        assert say(result.expected, language)
        assert say(result.observed, language)
    return result


def verdict(expectation: Judged, run: Run) -> Verdict:
    return judged(expectation, run).verdict


@pytest.mark.parametrize(
    ("clients", "watched", "expected"),
    [
        (("b",), 3, Verdict.PASS),
        (("b",), ">2", Verdict.PASS),
        (("a", "listener"), 3, Verdict.PASS),
        (("b",), 2, Verdict.FAIL),
        (("a", "b", "listener"), "*", Verdict.FAIL),
        (("a", "b"), "*", Verdict.FAIL),
    ],
)
def test_one_select_must_have_returned_just_these(
    clients: tuple[str, ...], watched: int | str, expected: Verdict
) -> None:
    assert verdict(ready("server", clients, watched=watched, id="r"), traced(SELECTS)) is expected


def test_a_wait_counts_in_the_step_in_which_it_returned() -> None:
    run = traced(SELECTS)
    assert verdict(ready("server", ("a",), step="connects", id="r"), run) is Verdict.FAIL
    assert verdict(ready("server", ("a",), step="later", id="r"), run) is Verdict.PASS
    assert verdict(ready("server", ("b",), step="later", id="r"), run) is Verdict.FAIL


def test_a_failure_shows_what_the_waits_returned_and_the_line_of_the_first() -> None:
    result = judged(ready("server", ("a", "b"), watched=3, step="connects", id="r"), traced(SELECTS))

    assert isinstance(result.comparison, Comparison)
    assert [pair.observed for pair in result.comparison.pairs] == [None, ("b", "3"), ("a, listener", "3")]
    assert say(result.observed, "en") == "server got others as ready (returns: 2)"
    assert [look.line for look in result.look] == [1]


def test_poll_and_epoll_name_their_clients_too() -> None:
    assert verdict(ready("server", ("a",), watched=2, id="r"), traced(POLLS)) is Verdict.PASS
    assert verdict(ready("server", ("a",), id="r"), traced(EPOLLS)) is Verdict.PASS


def test_a_trace_that_is_missing_or_cut_decides_nothing() -> None:
    assert verdict(ready("server", ("a",), id="r"), evidence()) is Verdict.INCONCLUSIVE
    assert verdict(ready("server", ("b",), id="r"), traced(SELECTS, cut=True)) is Verdict.INCONCLUSIVE


def test_an_amount_of_descriptors_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ExerciseError) as refused:
        ready("server", ("a",), watched="some", id="r")
    assert refused.value.code == "amount"


def test_whom_it_asks_about_is_whatever_the_order() -> None:
    assert isinstance(ready("server", ("b", "a"), id="r"), Ready)
    assert ready("server", ("b", "a"), id="r") == ready("server", ("a", "b"), id="r")
