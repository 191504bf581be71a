"""What names stand for in an exercise, and patterns that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from lab.judge.errors import ExerciseError
from lab.judge.states.passing import Recorded
from lab.judge.verdict import Expectation
from lab.settings import ROOT


def unforked(expected: Iterable[Expectation]) -> list[Expectation]:
    """Return the expectations, with both sides of one that depends on whether the kernel was asked."""
    forked = [(each.then, each.otherwise) if isinstance(each, Recorded) else (each,) for each in expected]
    return [each for fork in forked for each in fork]


def expectation_ids(expected: Iterable[Expectation]) -> list[str]:
    """Return every id that a result may have."""
    return [each.id for each in unforked(expected)]


def program(name: str) -> Path | None:
    """Return the file of a server or a client by its name, None when there is no such program."""
    found = (path for kind in ("servers", "clients") for path in (ROOT / "images" / kind).rglob(f"{name}.py"))
    return next(found, None)


def check_pattern(pattern: str, where: str) -> None:
    """Raise ExerciseError, with its place, for a regular expression that cannot be read."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ExerciseError("pattern-malformed", pattern=pattern, reason=str(error)).at(where) from None
