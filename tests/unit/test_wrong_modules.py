"""The modules of tests/wrong are whole: every expectation fails somewhere, and every wrong program is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from lab.exercise import Exercise
from lab.loading import load_exercise
from lab.settings import ROOT
from lab.shelf import exercise_folders
from tests.wrong.base import forged_of, numbers, result_ids, stand_ins, wrong_of
from tests.wrong.conformance import CAUGHT

IMAGES: Final = ROOT / "images"
BROKEN: Final = sorted(IMAGES.glob("*/broken/*.py"))
PROGRAMS: Final[Mapping[str, Path]] = {path.stem: path for path in IMAGES.glob("*/**/*.py") if "host" not in path.parts}
RIGHT: Final = re.compile(r"images/(?:servers|clients)/\w+\.py")
MOST_LINES: Final = 9
HOSTILE: Final = {"burns_apart": 16, "evades_trace": 10, "hides_calls": 24, "reaches_out": 24}
"""Those that also try to have it not seen, and in how many lines."""


@pytest.fixture(params=numbers())
def exercise(request: pytest.FixtureRequest) -> Exercise:
    return load_exercise(request.param)


@pytest.mark.parametrize("number", exercise_folders())
def test_every_exercise_says_what_wrong_programs_make_fail(number: int) -> None:
    assert number in numbers(), f"write tests/wrong/ex{number:02}.py: see tests/wrong/base.py"


def test_every_expectation_fails_on_a_wrong_program_or_where_none_can_on_a_forged_record(exercise: Exercise) -> None:
    by_program = {each for wrong in wrong_of(exercise.number).values() for each in wrong.fails}
    forged = set(forged_of(exercise.number))
    known = set(result_ids(exercise.expect))
    assert known - by_program - forged == set()
    assert forged & by_program == set(), "what a program can make fail needs no forged record"


def test_what_is_named_is_there(exercise: Exercise) -> None:
    known = set(result_ids(exercise.expect))
    steps = {step.id for step in exercise.steps}
    for key, wrong in wrong_of(exercise.number).items():
        assert {*wrong.fails, *wrong.may} <= known, key
        assert bool(wrong.fails) or wrong.stops is not None, f"{key} makes nothing fail"
        assert wrong.stops is None or wrong.stops.step in steps, key
        assert all(seen.says for seen in wrong.fails.values()), key
        for program in (word for pair in stand_ins(key).items() for word in pair):
            assert program in PROGRAMS, key
    for expectation, forged in forged_of(exercise.number).items():
        assert {expectation, *forged.may} <= known, expectation
        assert forged.why


def test_every_wrong_program_is_used_by_some_exercise() -> None:
    used = {new for number in numbers() for key in wrong_of(number) for new in stand_ins(key).values()}
    shown = {wrong for number in exercise_folders() for wrong in played_as_they_are(number)}
    conformance = {server for _, server in CAUGHT}
    assert {path.stem for path in BROKEN} - used - shown - conformance == set()


def played_as_they_are(number: int) -> set[str]:
    """Return the wrong programs that an exercise itself plays, as a part of its lesson."""
    source = (exercise_folders()[number] / "exercise.py").read_text(encoding="utf-8")
    return {path.stem for path in BROKEN if re.search(rf'["\' ]{path.stem}["\' ]', source)}


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_wrong_program_differs_from_the_right_one_by_little_and_says_so(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[1].startswith('"""Broken on purpose: ')
    assert len(path.stem) <= 15, "ss would cut its name short"
    assert re.search("# .*the mistake", text, re.IGNORECASE)
    named = RIGHT.findall(text.split('"""')[1])
    assert named, "its docstring names no right one"
    right = (ROOT / named[-1]).read_text(encoding="utf-8").splitlines()
    added = [line for line in text.split('"""', 2)[2].splitlines() if line.strip() and line not in right]
    assert len(added) <= HOSTILE.get(path.stem, MOST_LINES), added
