"""`lab judge RUN --picture FILE`: the page of a saved run in a file."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from lab.cli import main
from lab.errors import EXIT_MACHINE, EXIT_USAGE
from lab.recording.store import save
from tests.unit.report import builders


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_LANG", "en")
    save(builders.a_run(), tmp_path / "run")
    return tmp_path / "run"


def test_a_saved_run_is_drawn_into_a_file(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "page.svg"
    judged = main(["judge", str(saved), "--json"])
    capsys.readouterr()
    assert main(["judge", str(saved), "--picture", str(picture), "--steps", "connects"]) == judged
    assert capsys.readouterr().out == f"Drawn: {picture}\n"
    words = [text.text for text in ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 - our own
    assert " ".join(map(str, words)).count("2 A client connects") == 1


def test_a_picture_that_cannot_be_written_is_one_clear_line(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["judge", str(saved), "--picture", str(tmp_path / "no" / "page.svg")]) == EXIT_MACHINE
    said = capsys.readouterr().err
    assert "page.svg: No such file or directory" in said
    assert said.count("\n") == 1


def test_a_picture_of_an_unknown_step_is_wrong_usage(saved: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.svg"
    assert main(["judge", str(saved), "--picture", str(picture), "--steps", "nope"]) == EXIT_USAGE
    assert not picture.exists()
