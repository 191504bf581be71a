"""The parts that `make test` runs: each module is in one of them, and the plays are those that have jobs."""

from __future__ import annotations

from tests.__main__ import BESIDE, PLAYS, TESTS


def test_every_module_that_is_named_is_there() -> None:
    named = [place for part in BESIDE for place in part] + [f"lab/test_{name}.py" for name in PLAYS]
    assert [place for place in named if not (TESTS / place).exists()] == []
    assert len(named) == len(set(named))


def test_the_plays_are_the_modules_with_jobs() -> None:
    with_jobs = {
        path.stem.removeprefix("test_")
        for path in (TESTS / "lab").glob("test_*.py")
        if "\ndef jobs(" in path.read_text()
    }
    assert set(PLAYS) == with_jobs
