"""Whatever an expectation may name is compared with what the play has: no field of a new kind is forgotten."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import pytest

import lab.judge
from lab.checking.references import FREE, NAMING, check_expectation
from lab.judge.calls.made import called
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged
from lab.recording.saved import SavedTrace
from tests.records import changed
from tests.unit.judge.builders import evidence


def kinds() -> Iterator[type]:
    for module in pkgutil.walk_packages(lab.judge.__path__, "lab.judge."):
        for each in vars(importlib.import_module(module.name)).values():
            if isinstance(each, type) and issubclass(each, Judged):
                yield each


def test_every_field_of_every_kind_of_expectation_is_either_checked_or_free() -> None:
    found = {each.name for kind in kinds() if is_dataclass(kind) for each in fields(kind)}
    assert found - NAMING - FREE == set()
    assert set() == NAMING & FREE
    assert (NAMING | FREE) - found == set(), "named, but no expectation has it any more"


@pytest.mark.parametrize("error", ["EAGAIN", "EOPNOTSUPP", "EDEADLK", "ERESTARTSYS"])
def test_an_error_is_called_as_strace_prints_it(error: str) -> None:
    one = called("server", "accept", 0, id="x", error=error)
    check_expectation(one, changed(evidence(), traces=(SavedTrace("server", "server", "", "", "t"),)), ())


@pytest.mark.parametrize("error", ["EWOULDBLOCK", "ENOTSUP", "EAGIAN"])
def test_an_error_that_strace_never_prints_is_refused(error: str) -> None:
    one = called("server", "accept", 0, id="x", error=error)
    with pytest.raises(ExerciseError) as refused:
        check_expectation(one, changed(evidence(), traces=(SavedTrace("server", "server", "", "", "t"),)), ())
    assert refused.value.code == "errno-unknown"
