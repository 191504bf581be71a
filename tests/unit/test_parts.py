"""The parts that `make test` runs: each module is in one of them, and the plays are those that have jobs."""

from __future__ import annotations

from pathlib import Path

from tests.__main__ import PLAYS, TESTS, WAITING, modules


def test_every_module_that_is_named_is_there() -> None:
    assert [path for path in modules((*WAITING, *PLAYS)) if not Path(path).is_file()] == []


def test_the_plays_are_the_modules_with_jobs() -> None:
    with_jobs = {
        path.stem.removeprefix("test_")
        for path in (TESTS / "lab").glob("test_*.py")
        if "\ndef jobs(" in path.read_text()
    }
    assert set(PLAYS) == with_jobs
