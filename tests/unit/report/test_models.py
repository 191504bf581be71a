"""The views of a server's model, drawn from a recorded run: calls, who was served when, costs, where it waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from lab.recording.store import load
from lab.report import models
from lab.report.ink import EMPTY, Line, cells, for_encoding, plain
from lab.report.picture import draw
from lab.report.words import Words
from lab.text.catalog import LANGUAGES, Catalog
from lab.views import Calls, Costs, Served, Waits
from tests.unit.report.test_pages import compare_golden

RUN = load(Path(__file__).parents[2] / "fixtures" / "runs" / "models")
PROGRAMS = ("serve_blocking", "serve_poll")


def lines(language: str, width: int) -> list[Line]:
    words = Words(Catalog({}, "test"), language, {})
    found: list[Line] = []
    for program in PROGRAMS:
        step = RUN.play.step(program)
        views = (
            Calls(f"{program}.traced"),
            Served((f"{program}.plain.trio",)),
            Costs(PROGRAMS),
            Waits(f"{program}.traced"),
        )
        for view in views:
            drawn, notes = models.show(RUN, view, step, words)
            assert drawn is not None
            assert notes
            found += [*drawn(width), EMPTY]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [80, 100])
def test_the_views_look_as_they_did(language: str, width: int) -> None:
    text = "\n".join(plain(line) for line in lines(language, width))
    compare_golden(f"models.{width}.{language}.txt", text + "\n")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [80, 100])
def test_nothing_is_wider_than_the_page(language: str, width: int) -> None:
    assert [plain(line) for line in lines(language, width) if cells(line) > width] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_arrows_of_the_picture_stand_under_each_other(language: str) -> None:
    step = RUN.play.step("serve_poll")
    drawn, _ = models.show(RUN, Waits("serve_poll.traced"), step, Words(Catalog({}, "test"), language, {}))
    assert drawn is not None
    rows = [line for line in drawn(80) if len(line) > 2]
    assert {row[2].text.strip() for row in rows} - {""} == {"───────────▶", "◀───────────"}
    assert len({cell_len(row[0].text + row[1].text) for row in rows}) == 1


def test_a_log_without_drawing_characters_has_arrows_too() -> None:
    text = for_encoding("\n".join(plain(line) for line in lines("en", 80)), "ascii")
    assert "-->" in text
    assert "?" not in text.replace("b ?", "")


def test_the_views_become_a_picture_too() -> None:
    svg = draw(lines("zh-CN", 100), "models", "zh-CN")
    assert svg.startswith("<svg")
    assert "accept" in svg


def test_of_a_step_without_calls_that_is_said() -> None:
    words = Words(Catalog({}, "test"), "en", {})
    drawn, notes = models.show(RUN, Calls("serve_blocking.traced"), RUN.play.step("serve_poll"), words)
    assert drawn is None
    assert notes == ("serve_blocking made no system call in this step.",)
