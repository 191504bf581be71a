from __future__ import annotations

import pytest

from lab.judge.judging import say
from lab.judge.programs.ended import exited
from lab.judge.programs.printed import in_words, never_printed, printed
from lab.judge.programs.processes import own_words
from lab.judge.verdict import Message, Verdict
from lab.recording.play import TOO_MUCH, Output
from tests.records import changed
from tests.unit.judge.builders import evidence


def test_a_line_must_be_the_whole_line() -> None:
    assert printed("a", "HELLO", id="x").judge(evidence()).verdict is Verdict.PASS
    result = printed("a", "HELL", id="x").judge(evidence())
    assert result.verdict is Verdict.FAIL
    assert result.observed == Message("printed-else", {"party": "a", "stream": "stdout", "lines": 2})
    assert result.comparison is not None
    assert [(pair.expected, pair.observed) for pair in result.comparison.pairs] == [
        (("HELL",), None),
        (None, ("connected",)),
        (None, ("HELLO",)),
    ]


def test_a_pattern_must_match_the_whole_line() -> None:
    assert printed("a", id="x", matches="HEL+O").judge(evidence()).verdict is Verdict.PASS
    assert printed("a", id="x", matches="HEL+").judge(evidence()).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        (".*Address already in use.*", "Address already in use"),
        (r"LISTEN .*:18000 .*", "LISTEN …:18000"),
        (r".* IP .* > .*: Flags \[S\.\], seq \d+, win .*", "IP … > …: Flags [S.], seq …, win"),
        ("HEL+O", "HEL+O"),
        (r"a|b\.+", r"a|b\.+"),
    ],
)
def test_a_pattern_is_told_as_a_line_to_look_for(pattern: str, shown: str) -> None:
    assert in_words(pattern) == shown
    expectation = printed("a", id="x", matches=pattern)
    assert say(expectation.expected(), "en") == f"a prints a line like “{shown}”"
    assert expectation.judge(evidence()).expected == expectation.expected()


def test_another_stream_and_another_program_do_not_count() -> None:
    silent = printed("a", "HELLO", id="x", stream="stderr").judge(evidence())
    assert (silent.verdict, silent.observed.code) == (Verdict.FAIL, "printed-nothing")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_printed_more_than_is_kept_may_have_said_anything(stream: str) -> None:
    run = evidence()
    beyond = Output(run.play.outputs[-1].time_ns, "a", stream, TOO_MUCH)
    flooded = changed(run, outputs=(*run.play.outputs, beyond))
    for expectation in (
        never_printed("a", "GOODBYE", id="x"),
        own_words("a", r"(?P<pid>\d+) began", count=0, id="x"),
    ):
        assert expectation.judge(run).verdict is Verdict.PASS
        found = expectation.judge(flooded)
        assert (found.verdict, found.observed) == (Verdict.FAIL, Message("printed-too-much", {"party": "a"}))
    assert printed("a", "HELLO", id="x").judge(flooded).verdict is Verdict.PASS
    assert printed("b", "HELLO", id="x").judge(evidence()).verdict is Verdict.FAIL


def test_a_line_that_must_not_be_there_needs_something_that_is() -> None:
    assert never_printed("a", "GOODBYE", id="x").judge(evidence()).verdict is Verdict.PASS
    there = never_printed("a", "HEL+O", id="x").judge(evidence())
    assert (there.verdict, there.observed) == (Verdict.FAIL, Message("printed", {"party": "a", "line": "HELLO"}))
    silent = never_printed("a", "HELLO", id="x", stream="stderr").judge(evidence())
    assert (silent.verdict, silent.observed.code) == (Verdict.FAIL, "printed-nothing")


def test_an_exit_status_a_signal_and_a_program_that_runs_on_are_told_apart() -> None:
    assert exited("a", 0, id="x").judge(evidence()).verdict is Verdict.PASS
    wrong = exited("a", 1, id="x").judge(evidence())
    assert (wrong.verdict, wrong.observed) == (Verdict.FAIL, Message("exited", {"party": "a", "status": 0}))
    killed = exited("b", 0, id="x").judge(evidence())
    assert killed.observed == Message("ended-by-signal", {"party": "b", "signal": 9})
    assert exited("b", -9, id="x").judge(evidence()).verdict is Verdict.PASS
    running = exited("server", 0, id="x").judge(evidence())
    assert (running.verdict, running.observed.code) == (Verdict.FAIL, "still-running")
