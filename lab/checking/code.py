"""The code of an exercise: its ids, its hosts, its lines to type, and everything that it names."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from lab.checking.naming import check_pattern, expectation_ids, program, unforked
from lab.checking.references import check_expectation, require_sysctls
from lab.checking.rehearsal import rehearse
from lab.checking.source import Source
from lab.checking.views import check_view
from lab.exercise import TERMINALS, Exercise
from lab.judge.claims import Claim
from lab.judge.errors import ExerciseError
from lab.judge.ledger import NUMBERS
from lab.judge.verdict import Expectation
from lab.settings import HOSTS, KNOWN_HOSTS, PROFILES

_ID: Final = re.compile(r"[a-z][a-z0-9_-]*")


def check_code(exercise: Exercise, source: Source) -> None:
    """Raise ExerciseError for the first mistake in what the exercise says of itself, without its play."""
    _check_ids(exercise, source)
    _check_lab(exercise, source)
    _check_by_hand(exercise, source)


def _check_ids(exercise: Exercise, source: Source) -> None:
    for step in exercise.steps:
        if not _ID.fullmatch(step.id):
            raise ExerciseError("id-malformed", id=step.id).at(source.step(step.id))
    for name in _twice(step.id for step in exercise.steps):
        raise ExerciseError("name-twice", kind="step", name=name).at(source.last_of("Step", name))
    for name in expectation_ids(exercise.expect):
        if not _ID.fullmatch(name):
            raise ExerciseError("id-malformed", id=name).at(source.expectation(name))
    for name in _twice(expectation_ids(exercise.expect)):
        raise ExerciseError("name-twice", kind="expectation", name=name).at(source.last_of("id", name))
    for claim in exercise.claims:
        if claim.id not in NUMBERS:
            raise ExerciseError("claim-unknown", id=claim.id).at(source.claim(claim.id))
    for name in _twice(claim.id for claim in exercise.claims):
        raise ExerciseError("name-twice", kind="claim", name=name).at(source.last_of("Claim", name))


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _check_lab(exercise: Exercise, source: Source) -> None:
    for host in (*exercise.lab.further, *exercise.lab.optional):
        if host not in PROFILES:
            raise ExerciseError("host-unknown", name=host, known=", ".join(PROFILES)).at(source.assignment("LAB"))
    for host in (*HOSTS, *exercise.lab.others):
        with _located(lambda _: source.assignment("LAB")):
            require_sysctls(exercise.lab.sysctls(host))
    if program(exercise.subject) is None:
        error = ExerciseError("program-unknown", program=exercise.subject, folders="images/servers/, images/clients/")
        raise error.at(source.assignment("SUBJECT"))


def _check_by_hand(exercise: Exercise, source: Source) -> None:
    hosts = set(KNOWN_HOSTS) - set(PROFILES) | {*exercise.lab.further, *exercise.lab.optional}
    terminals = [name for name in TERMINALS if name not in KNOWN_HOSTS or name in hosts]
    for step in exercise.steps:
        for one in step.type:
            if one.terminal not in terminals:
                error = ExerciseError("terminal-unknown", name=one.terminal, known=", ".join(terminals))
                raise error.at(source.step(step.id, one.terminal))
            check_pattern(one.sees, source.step(step.id, one.sees))


def check_references(exercise: Exercise, source: Source) -> None:
    """Raise ExerciseError for what a view, an expectation or a claim names and the play does not have."""
    record = rehearse(exercise)
    for step in exercise.steps:
        if step.id not in {played.id for played in record.play.steps}:
            raise ExerciseError("step-unplayed", name=step.id).at(source.step(step.id))
    steps = [step.id for step in exercise.steps]
    for step in exercise.steps:
        for view in step.show:
            with _located(partial(source.step, step.id)):
                check_view(view, record)
    for one in unforked(exercise.expect):
        with _located(partial(source.expectation, one.id)):
            if one.step is None:
                raise ExerciseError("step-missing", id=one.id)
            check_expectation(one, record, steps)
    for claim in exercise.claims:
        for one in _expectations_of(claim):
            with _located(partial(source.claim, claim.id)):
                check_expectation(one, record, steps)


def _expectations_of(claim: Claim) -> Iterator[Expectation]:
    for case in claim.conditions.values():
        for side in case:
            if side is not None:
                yield from unforked(side if isinstance(side, tuple) else (side,))


@contextlib.contextmanager
def _located(place: Callable[[str], str]) -> Iterator[None]:
    """Give a mistake its place: where what it names stands."""
    try:
        yield
    except ExerciseError as error:
        written = (error.params.get(name) for name in ("written", "name", "step"))
        raise error.at(place(str(next(filter(None, written), "")))) from None
