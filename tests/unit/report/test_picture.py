"""The page as a picture: whole, readable by any browser, every character in the cell where a terminal has it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.cells import cell_len

from lab.errors import UsageError
from lab.report.ink import EMPTY, Line, Role, Span, line
from lab.report.picture import draw, picture_document
from lab.report.story import Story, tell
from lab.settings import ROOT
from lab.text.catalog import LANGUAGES
from tests.unit.report import builders

CELL = 8.4
EDGE = 20


def a_story(language: str = "en", which: str = "all_well") -> Story:
    return tell(builders.judged(getattr(builders, which)()), language)


def texts(document: str) -> list[ET.Element]:
    return list(ET.fromstring(document).iter("{http://www.w3.org/2000/svg}text"))  # noqa: S314 - our own


def rows(document: str) -> list[str]:
    """Return the lines that the picture shows, each piece put where it is placed."""
    found: dict[str, str] = {}
    for text in texts(document):
        column = round((float(text.attrib["x"]) - EDGE) / CELL)
        row = found.get(text.attrib["y"], "")
        assert cell_len(row) <= column, "pieces overlap"
        found[text.attrib["y"]] = row + " " * (column - cell_len(row)) + (text.text or "")
    return list(found.values())


def drawn(*lines: Line) -> list[ET.Element]:
    return texts(draw(lines, "a title", "en"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", ["all_well", "all_verdicts"])
def test_the_picture_shows_the_lines_of_the_page(which: str, language: str) -> None:
    page = (builders.HERE / "golden" / f"{which}.100.{language}.txt").read_text(encoding="utf-8")
    shown = rows(picture_document(a_story(language, which), language))
    assert shown[0] == "$ make exercise-3"
    missing = [one for one in page.splitlines() if one.strip() and one not in shown]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_comes_from_elsewhere(language: str) -> None:
    document = picture_document(a_story(language), language)
    assert re.findall(r"https?://[^\"]*", document) == ["http://www.w3.org/2000/svg"]
    assert "url(" not in document
    assert "@import" not in document
    assert "href" not in document


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_sticks_out_of_the_picture(language: str) -> None:
    root = ET.fromstring(picture_document(a_story(language, "all_verdicts"), language))  # noqa: S314 - our own
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        assert float(text.attrib["x"]) + float(text.attrib["textLength"]) <= width - EDGE + 0.1
        assert float(text.attrib["y"]) < height - EDGE + 1


def test_a_command_too_long_for_the_picture_goes_on_below_its_beginning() -> None:
    command = "strace -e trace=" + ",".join(f"call{number}" for number in range(8)) + " serve_epoll_et " + "x" * 40
    document = draw([line(Span("server$ ", Role.DIM), Span(command, Role.COMMAND))], "a title", "en")
    first, *more = rows(document)
    assert first.startswith("server$ strace -e")
    assert all(one.startswith(" " * len("server$ ")) for one in more)
    assert "".join([first.removeprefix("server$ "), *more]).split() == command.split()
    assert max(len(one) for one in (first, *more)) <= 100


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("exercises/*/*.svg")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_nothing_sticks_out_of_an_exercises_picture(path: Path) -> None:
    document = path.read_text(encoding="utf-8")
    width = float(ET.fromstring(document).attrib["width"])  # noqa: S314 - our own
    ends = [float(text.attrib["x"]) + float(text.attrib["textLength"]) for text in texts(document)]
    assert max(ends) <= width - EDGE + 0.1


def test_a_chinese_character_takes_two_cells() -> None:
    chinese, latin = drawn(line("三次握手ACK"))
    assert float(chinese.attrib["textLength"]) == pytest.approx(8 * CELL, abs=0.1)
    assert float(latin.attrib["x"]) == pytest.approx(EDGE + 8 * CELL, abs=0.1)


def test_an_arrow_is_stretched_to_its_cells_and_words_are_not() -> None:
    shaft, tip, word = drawn(line("──▶ S."))
    assert (shaft.text, tip.text, word.text) == ("──", "▶", "S.")
    assert shaft.attrib["lengthAdjust"] == tip.attrib["lengthAdjust"] == "spacingAndGlyphs"
    assert "lengthAdjust" not in word.attrib


def test_a_span_carries_its_role_and_is_escaped() -> None:
    (text,) = drawn(line(Span("<&>", Role.FAIL)))
    assert (text.text, text.attrib["class"]) == ("<&>", "fail")


def test_an_empty_line_takes_its_place() -> None:
    first, last = drawn(line("a"), EMPTY, line("b"))
    assert int(last.attrib["y"]) - int(first.attrib["y"]) == 38


def test_only_the_steps_asked_for_are_drawn_and_the_verdict() -> None:
    shown = rows(picture_document(a_story(), "en", ["server_first"]))
    assert [one[0] for one in shown if one[0].isdigit()] == ["3"]
    assert shown[-2] == "…"
    assert "PASS" in shown[-1]


def test_an_unknown_step_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="connects, talks, server_first") as raised:
        picture_document(a_story(), "en", ["conects"])
    assert raised.value.code == "unknown-step"
