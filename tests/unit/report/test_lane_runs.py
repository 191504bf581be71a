"""Runs of equal calls are found, whatever stands around them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.report.lanes.runs import Key, Run, folded


def runs(letters: str) -> list[Run]:
    """Each letter is a call; a blank is what breaks a run."""
    return list(folded([None if letter == " " else (letter,) for letter in letters]))


def test_one_call_again_and_again() -> None:
    assert runs("xaaaaaay") == [Run(1, 7, 1, 6)]


def test_calls_in_turn() -> None:
    assert runs("abababab") == [Run(0, 8, 2, 4)]
    assert runs("xabcabcabcy") == [Run(1, 10, 3, 3)]


def test_a_turn_that_was_not_finished_is_told_apart() -> None:
    assert runs("abcabcabca") == [Run(0, 9, 3, 3)]


def test_a_few_are_as_quickly_read() -> None:
    assert runs("aaaa") == []
    assert runs("abab") == []


def test_what_comes_between_breaks_a_run() -> None:
    assert runs("aaaaa aaaaa") == [Run(0, 5, 1, 5), Run(6, 11, 1, 5)]
    assert runs("aa aa aa") == []


@given(st.lists(st.one_of(st.none(), st.sampled_from([("a",), ("b",), ("c",)])), max_size=60))
def test_a_run_is_what_it_says_and_runs_do_not_overlap(keys: list[Key | None]) -> None:
    before = 0
    for run in folded(keys):
        assert run.begin >= before
        assert keys[run.begin : run.end] == keys[run.begin : run.begin + run.period] * run.times
        assert None not in keys[run.begin : run.end]
        before = run.end
