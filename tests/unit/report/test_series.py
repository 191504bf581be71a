"""All exercises in a row: in which order, the table as it grows, and the document."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from lab.commands import series as command
from lab.errors import MachineError
from lab.exercise import Exercise, Lab
from lab.judge.verdict import Verdict
from lab.report.series import SCHEMA_FILE, Row, SeriesTable, series_document, verdict_of
from lab.settings import Settings, read_settings
from lab.shelf import exercise_folders
from lab.text.catalog import LANGUAGES
from tests.schema import violations
from tests.unit.report import builders

RUN = Path("runs/ex03/2026-01-01T00-00-00.000Z")


def exercise(number: int, **sysctls: int) -> Exercise:
    return replace(builders.an_exercise(), number=number, lab=Lab(server=sysctls))


def rows() -> list[Row]:
    """Return one row for each verdict, the last one of an exercise that could not be played."""
    return [
        Row(exercise(3), Verdict.PASS, 1.23, builders.all_well(), RUN),
        Row(exercise(4), Verdict.FAIL, 12.0, replace(builders.all_verdicts(), rules=False), RUN),
        Row(exercise(5), Verdict.INCONCLUSIVE, 0.5, builders.all_well(), RUN),
        Row(exercise(6), Verdict.CANNOT_RUN, 0.1, error=MachineError("lab-held", lab="other")),
    ]


def drawn(shown: Sequence[Row], language: str = "en", width: int = 100, planned: Sequence[int] = (3, 4, 5, 6)) -> str:
    out = io.StringIO()
    table = SeriesTable([exercise(n) for n in planned], language, Console(file=out, width=width, highlight=False))
    for row in shown:
        table.add(row)
    table.end(shown, 14.2)
    return out.getvalue()


def test_exercises_are_played_and_stand_in_the_order_of_their_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def play_all(exercises: Sequence[Exercise], *_: object, **__: object) -> Iterator[Row]:
        yield from (Row(one, Verdict.PASS, 1.0, builders.all_well(), RUN) for one in exercises)

    monkeypatch.setattr(command, "_play_all", play_all)
    command.run_all(read_settings({}), as_json=False, build=False)
    table = capsys.readouterr().out
    assert [int(number) for number in re.findall(r"^ {1,2}(\d+)  ", table, re.MULTILINE)] == sorted(exercise_folders())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_row_says_number_verdict_seconds_and_rulings_within_the_width(language: str, width: int) -> None:
    page = drawn(rows(), language, width)
    assert [line.split()[0] for line in page.splitlines()[1:] if line[:3].strip().isdigit()] == ["3", "4", "5", "6"]
    assert all(text in page for text in ("1.2", "12.0", "14.2", "lab judge ex04"))
    assert all(cell_len(line) <= width for line in page.splitlines() if ".venv/bin/lab" not in line), page


def test_a_run_that_may_not_rule_is_not_counted_as_one() -> None:
    assert "1 confirmed, 1 refined, 1 refuted" in drawn(rows()[:1])
    assert "not by this run" in drawn(rows()[1:2])


def test_the_last_line_counts_verdicts_and_names_what_was_not_played() -> None:
    whole = "1 exercise passes, 1 fails, 1 is undecided, 1 cannot run on this machine, in 14.2 s"
    assert f"FAIL  {whole}" in drawn(rows())
    assert "1 exercise passes, not played: 4, 5, 6, in 14.2 s" in drawn(rows()[:1])
    assert "not played: 3, 4, 5, 6" in drawn([])


def test_the_worst_verdict_is_that_of_the_whole() -> None:
    found = rows()
    assert [verdict_of(found[at:]) for at in (0, 2, 3)] == [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.CANNOT_RUN]
    assert verdict_of(found[:1]) is Verdict.PASS
    assert verdict_of([]) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_document_keeps_its_schema(language: str) -> None:
    planned = [exercise(n) for n in (3, 4, 5, 6, 7)]
    made = json.loads(json.dumps(series_document(rows(), planned, language, 14.2)))
    assert list(violations(made, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))) == []
    assert (made["not_played"], made["interrupted"], made["exit_code"]) == ([7], True, 1)
    assert made["exercises"][0]["claims"] == {"B3": "confirmed", "B4": "refuted", "B15": "refined"}


# -- the command, with no host


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(command, "exercise_folders", lambda: dict.fromkeys((0, 3)))
    return read_settings({"LAB_RUNS": str(tmp_path), "LAB_LANG": "en"})


def playing(*found: Row, then: type[BaseException] | None = None) -> object:
    def play_all(_exercises: object, _settings: object, *, build: bool) -> Iterator[Row]:
        assert not build
        yield from found
        if then:
            raise then

    return play_all


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_shows_what_was_done(
    *, as_json: bool, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_play_all", playing(rows()[0], then=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        command.run_all(settings, as_json=as_json, build=False)
    said = capsys.readouterr().out
    if as_json:
        document = json.loads(said)
        assert (document["interrupted"], [one["number"] for one in document["exercises"]]) == (True, [3])
        assert (document["exit_code"], document["error"]["code"]) == (130, "interrupted")
        assert list(violations(document, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))) == []
    else:
        assert "PASS" in said
        assert "not played: 0" in said


def test_the_exit_code_is_that_of_the_worst(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_play_all", playing(rows()[0], rows()[3]))
    assert command.run_all(settings, as_json=True, build=False) == 3
    assert json.loads(capsys.readouterr().out)["verdict"] == "cannot run here"
