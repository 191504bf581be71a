"""An end's way through the states, as the kernel told it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.judge.errors import ExerciseError
from lab.judge.judging import say
from lab.judge.states.passing import Passes, passes, recorded
from lab.judge.verdict import Look, Result, Verdict
from lab.kernel.trace import PROGRAMS, SOCKETS, UNTOLD
from lab.wire.segment import Flags
from lab.wire.state import State
from tests.unit.timeline.builders import LISTENS, OPENS, SERVER_ENDS, SERVER_SOCKET, kernel, run, transition

OPENING = passes("a", on="server", path="SYN-RECV ESTAB", id="opening")
ABORTED = (*LISTENS, *OPENS, transition(50, SERVER_SOCKET, "ESTAB", "UNCONN", SERVER_ENDS))


def judged(expectation: Passes, **changes: object) -> Result:
    return expectation.judge(run(record=kernel(**changes)))


def test_states_that_follow_each_other_are_found_with_the_time_they_took() -> None:
    result = judged(passes("a", on="server", path="ESTAB UNCONN", id="aborted"), transitions=ABORTED)
    assert result.verdict is Verdict.PASS
    told = "it reported LISTEN → SYN-RECV → ESTAB → UNCONN; the expected part took"
    assert say(result.observed, "en").startswith(told)


def test_syn_recv_begins_with_the_syn_and_not_with_the_event_that_comes_with_the_last_ack() -> None:
    result = judged(OPENING)
    (arrived,) = [
        each.time_ns for each in run().recording.capture("server").capture.segments if each.flags == Flags.SYN
    ]
    (opened,) = [each.time_ns for each in OPENS if (each.socket, each.new) == (SERVER_SOCKET, State.ESTABLISHED)]
    assert result.verdict is Verdict.PASS
    took = f"{(opened - arrived) / 1000:.1f}"
    assert say(result.observed, "en") == f"it reported LISTEN → SYN-RECV → ESTAB; ESTAB came {took} µs after the SYN"


def test_what_takes_longer_than_it_may_fails() -> None:
    late = tuple(
        each._replace(time_ns=each.time_ns + 1_200_000_000) if each.socket == SERVER_SOCKET else each for each in OPENS
    )
    quick = passes("a", on="server", path="SYN-RECV ESTAB", id="quick", within=1)
    assert judged(quick).verdict is Verdict.PASS
    slow = judged(quick, transitions=(*LISTENS, *late))
    assert slow.verdict is Verdict.FAIL
    assert "within 1 s" in say(slow.expected, "en")


def test_the_look_is_the_line_where_it_begins() -> None:
    assert judged(OPENING).look == (Look("kernel.txt", line=4),)


def test_another_way_fails_and_shows_all_that_was_told() -> None:
    result = judged(passes("a", on="server", path="ESTAB CLOSE-WAIT LAST-ACK", id="close"), transitions=ABORTED)
    assert result.verdict is Verdict.FAIL
    assert say(result.observed, "en") == "it reported LISTEN → SYN-RECV → ESTAB → UNCONN"
    assert result.comparison is not None
    missing = [pair.expected[0] for pair in result.comparison.pairs if pair.observed is None and pair.expected]
    assert missing == ["ESTAB", "CLOSE-WAIT", "LAST-ACK"]


def test_a_state_in_between_is_another_way() -> None:
    assert judged(passes("a", on="server", path="LISTEN ESTAB", id="x")).verdict is Verdict.FAIL


def test_a_connection_that_was_never_told_of_fails() -> None:
    result = judged(OPENING, transitions=LISTENS)
    assert (result.verdict, result.observed.code) == (Verdict.FAIL, "passes-untold")


@pytest.mark.parametrize("instance", [SOCKETS, UNTOLD])
def test_lost_events_of_sockets_decide_nothing(instance: str) -> None:
    result = judged(OPENING, lost={instance: 3})
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no room for 3 events" in say(result.observed, "en")


@pytest.mark.parametrize(("path", "verdict"), [("SYN-RECV ESTAB", Verdict.PASS), ("LISTEN ESTAB", Verdict.FAIL)])
def test_lost_calls_leave_the_states_decided(path: str, verdict: Verdict) -> None:
    expectation = passes("a", on="server", path=path, id="x")
    assert judged(expectation, lost={PROGRAMS: 169_225}) == judged(expectation)
    assert judged(expectation).verdict is verdict


def test_a_recorder_that_died_decides_nothing_and_is_not_called_a_full_buffer() -> None:
    died = replace(kernel(), died=True)
    result = OPENING.judge(run(record=died))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "ended before the lab ended it" in say(result.observed, "en")


def test_a_run_in_which_the_kernel_was_not_asked_cannot_try_it() -> None:
    assert OPENING.judge(run()).verdict is Verdict.CANNOT_RUN


def test_what_is_expected_otherwise_is_judged_only_there_and_by_its_own_name() -> None:
    never = passes("a", on="server", path="LAST-ACK", id="never")
    both = recorded(OPENING, otherwise=never)
    asked, unasked = both.judge(run(record=kernel())), both.judge(run())
    assert (both.id, both.step) == (OPENING.id, OPENING.step)
    assert (asked.id, asked.verdict, asked.expected) == ("opening", Verdict.PASS, OPENING.expected())
    assert (unasked.id, unasked.verdict, unasked.expected) == ("never", Verdict.CANNOT_RUN, never.expected())


def test_a_state_that_there_is_not_is_the_exercise_s_mistake() -> None:
    with pytest.raises(ExerciseError):
        passes("a", on="server", path="SYN-RECEIVED", id="x")
