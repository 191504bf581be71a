"""What is expected of a run with a wrong program, in the words of tests/wrong/exNN.py.

Such a module holds `WRONG`: who stands in for whom, as `lab run N --stand-in` takes it (`serve_blocking=forgets_close`,
several joined with commas), and what is then to be seen. An expectation that no program can make fail stands in
`FORGED`, with a record that was tampered with.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Final

from lab.judge.states.passing import Recorded
from lab.judge.verdict import Expectation
from lab.recording.run import Run
from lab.settings import ROOT
from lab.shelf import exercise_folders

WAITED: Final = r"[\d.]+ s"
"""The detail of a stop that says only how long the stage waited."""
ONE_MISSING: Final = "missing: 1, unexpected: 0"
ONE_UNEXPECTED: Final = "missing: 0, unexpected: 1"
ONE_DIFFERS: Final = "rows that differ: 1, missing: 0, unexpected: 0"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a failure says: a pattern of its words, and cells that its comparison marks, by column (`-`: no such row)."""

    says: str
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the play stops: the step, the program, and a pattern of why."""

    step: str
    party: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is to be seen of a wrong program.

    `fails` are the expectations that its own doing makes fail. `may` are those that hang on how fast it is. When the
    play `stops`, all that it then never reached fails too, and says so.
    """

    fails: Mapping[str, Seen]
    may: tuple[str, ...] = ()
    stops: Stop | None = None
    patience: float = 2
    """Seconds that the play waits for anything: more where its right programs are slow to start."""


@dataclass(frozen=True, slots=True)
class Forged:
    """An expectation that no program can make fail, `why`, and a record of a right run changed so that it does."""

    why: str
    tamper: Callable[[Run], Run]
    seen: Seen
    may: tuple[str, ...] = ()
    """What else may fail on that record."""


def wrong_of(number: int) -> Mapping[str, Wrong]:
    """Return what exercise N's module says, by who stands in for whom."""
    found: Mapping[str, Wrong] = getattr(_module(number), "WRONG", {})
    return found


def forged_of(number: int) -> Mapping[str, Forged]:
    """Return exercise N's tampered records, by the expectation that they make fail."""
    found: Mapping[str, Forged] = getattr(_module(number), "FORGED", {})
    return found


def stand_ins(key: str) -> dict[str, str]:
    """Return who stands in for whom.

    >>> stand_ins("serve_blocking=forgets_close,prompt=rude")
    {'serve_blocking': 'forgets_close', 'prompt': 'rude'}
    """
    return dict(pair.split("=") for pair in key.split(","))


def result_ids(expected: Iterable[Expectation]) -> list[str]:
    """Return every id that a result may have, also of what is expected where the kernel was not asked."""
    forked = [(each.then, each.otherwise) if isinstance(each, Recorded) else (each,) for each in expected]
    return [each.id for fork in forked for each in fork]


def numbers() -> list[int]:
    """Return the exercises that have such a module."""
    return [number for number in exercise_folders() if (ROOT / "tests" / "wrong" / f"ex{number:02}.py").is_file()]


def _module(number: int) -> ModuleType:
    return importlib.import_module(f"tests.wrong.ex{number:02}")
