"""Which program stands in for which, as it is asked for on the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.commands.standing import read_stand_ins, require_played
from lab.errors import UsageError
from lab.exercise import judge
from lab.judge.claims import Claim, Ruling
from lab.judge.programs.ended import exited
from lab.judge.verdict import Verdict
from lab.loading import load_exercise
from lab.recording.play import Stopped
from tests.records import changed
from tests.unit.report import builders


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for place in ("servers/right.py", "servers/broken/wrong.py", "clients/prompt.py", "clients/broken/rude.py"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    return tmp_path


def test_nothing_asked_for_replaces_nothing(images: Path) -> None:
    assert read_stand_ins("right", None, (), images) == {}


def test_a_server_stands_in_for_the_one_that_the_exercise_is_about(images: Path) -> None:
    assert read_stand_ins("right", "wrong", (), images) == {"right": "wrong"}


def test_in_an_exercise_about_a_client_it_is_a_client_that_stands_in(images: Path) -> None:
    assert read_stand_ins("prompt", "rude", (), images) == {"prompt": "rude"}
    with pytest.raises(UsageError):
        read_stand_ins("prompt", "wrong", (), images)


def test_pairs_replace_servers_and_clients(images: Path) -> None:
    asked = ("right=wrong", "prompt=rude")
    assert read_stand_ins("right", None, asked, images) == {"right": "wrong", "prompt": "rude"}


@pytest.mark.parametrize(
    ("server", "pair", "code"),
    [
        ("absent", None, "unknown-server"),
        ("prompt", None, "unknown-server"),
        (None, "right", "stand-in-malformed"),
        (None, "=wrong", "stand-in-malformed"),
        (None, "right=", "stand-in-malformed"),
        (None, "absent=wrong", "unknown-program"),
        (None, "right=absent", "unknown-program"),
        (None, "right=rude", "unknown-program"),
        ("wrong", "right=right", "stand-in-twice"),
    ],
)
def test_what_makes_no_sense_is_refused(server: str | None, pair: str | None, code: str, images: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_stand_ins("right", server, [pair] if pair else (), images)
    assert caught.value.code == code


def test_a_program_that_nothing_starts_cannot_be_replaced() -> None:
    exercise, run = load_exercise(3), builders.a_run()
    require_played(exercise, changed(run, stand_ins={"serve_never": run.play.parties[0].program}))
    asked = changed(run, stand_ins={"serve_never": "forgets_close"})
    with pytest.raises(UsageError):
        require_played(exercise, asked)
    require_played(exercise, changed(asked, stopped=Stopped("talks", "a", "no-answer", "hello")))


# -- what such a run may rule on

NEITHER = (Claim("B4", says=exited("a", 7, id="B4"), instead=exited("a", 8, id="B4")),)


def test_a_run_that_supports_neither_side_of_a_claim_fails_though_every_expectation_holds() -> None:
    run = builders.a_run()
    exercise = replace(load_exercise(3), expect=(), claims=NEITHER)
    ended = changed(run, exits=(builders.ended("a", 0),))
    judgement = judge(exercise, ended)
    assert judgement.claims[0].ruling is Ruling.BROKEN
    assert (judgement.verdict, judgement.rules, judgement.broken) == (Verdict.FAIL, True, ("B4",))


def test_a_run_with_stand_ins_rules_on_nothing() -> None:
    run = changed(builders.a_run(), exits=(builders.ended("a", 0),), stand_ins={"serve_blocking": "forgets_close"})
    held = exited("a", 0, id="held")
    judgement = judge(replace(load_exercise(3), expect=(held,), claims=NEITHER), run)
    assert (judgement.verdict, judgement.rules, judgement.broken) == (Verdict.PASS, False, ())


def test_a_run_that_failed_rules_on_nothing() -> None:
    run = changed(builders.a_run(), exits=(builders.ended("a", 0),))
    missed = exited("a", 3, id="missed")
    judgement = judge(replace(load_exercise(3), expect=(missed,), claims=NEITHER), run)
    assert (judgement.verdict, judgement.rules, judgement.broken) == (Verdict.FAIL, False, ())
