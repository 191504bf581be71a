"""The line of evidence.json that a record is said to stand at is the one it stands at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from lab.recording.layout import EVIDENCE_FILE
from lab.recording.places import line_of_record
from lab.recording.store import load
from lab.settings import ROOT

RUNS: Final = [ROOT / "tests" / "fixtures" / "runs" / name for name in ("ex03", "models")]


def scalars(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if members is None:
        yield path, value
        return
    for key, inner in members:
        yield from scalars(inner, (*path, key))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_every_value_stands_at_the_line_that_is_told(run: Path) -> None:
    text = (run / EVIDENCE_FILE).read_text(encoding="utf-8")
    evidence, lines = load(run), text.split("\n")
    found = list(scalars(json.loads(text)))
    assert len(found) > 100
    for path, value in found[::5]:
        told = lines[line_of_record(evidence, *path) - 1].strip().rstrip(",")
        shown = json.dumps(value, ensure_ascii=False)
        assert told == (shown if isinstance(path[-1], int) else f"{json.dumps(path[-1])}: {shown}"), path


def test_a_record_stands_at_its_opening_bracket() -> None:
    evidence = load(RUNS[0])
    lines = (RUNS[0] / EVIDENCE_FILE).read_text(encoding="utf-8").split("\n")
    assert lines[line_of_record(evidence, "outputs") - 1] == '  "outputs": ['
    assert lines[line_of_record(evidence, "outputs", 0) - 1] == "    {"
    assert line_of_record(evidence) == 1


@pytest.mark.parametrize("path", [("nothing",), ("outputs", 100_000), ("outputs", 0, "nothing"), ("exercise", 0)])
def test_what_is_not_there_has_no_line(path: tuple[str | int, ...]) -> None:
    with pytest.raises(KeyError):
        line_of_record(load(RUNS[0]), *path)
