"""What makes a wrong program a right one, as a page shows it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from lab.loading import load_exercise
from lab.report import picture
from lab.report.ink import Role, cells, plain
from lab.report.markdown import markdown_page
from lab.report.mend import Change, Sign, changes, draw, program
from lab.report.views import show
from lab.report.words import Words
from lab.settings import ROOT
from lab.shelf import exercise_folders
from lab.text.catalog import LANGUAGES, Catalog
from lab.views import Mend
from tests.unit.report import builders

BROKEN: Final = sorted(path.stem for path in (ROOT / "images").glob("*/broken/*.py"))
RIGHT: Final = '''#!/usr/bin/python3
"""Serves."""

import socket


def serve(listener: socket.socket) -> None:
    """Serve one."""
    connection, _ = listener.accept()  # a second socket
    with connection:  # closes it
        answer(connection)


def main() -> None:
    serve(socket.socket())
'''


def shown(wrong: str, right: str = RIGHT, width: int = 80) -> list[str]:
    return [plain(one) for one in draw("bad", "good", changes(wrong, right), ("take", "put"), width)]


def test_what_differs_stands_in_its_function_with_a_line_around_it() -> None:
    wrong = RIGHT.replace("    with connection:  # closes it\n        answer", "    answer")
    assert shown(wrong) == [
        "bad → good   - take   + put",
        "  def serve(listener: socket.socket) -> None:",
        "      connection, _ = listener.accept()  # a second socket",
        "-     answer(connection)",
        "+     with connection:  # closes it",
        "+         answer(connection)",
    ]


def test_the_first_line_and_docstrings_say_nothing_of_what_a_program_does() -> None:
    wrong = RIGHT.replace("Serves.", "Broken on purpose.").replace("Serve one.", "Serve two.").partition("\n")[2]
    assert changes(wrong, RIGHT) == ()


def test_a_comment_at_the_end_of_a_line_is_no_difference_unless_it_marks_the_mistake() -> None:
    assert changes(RIGHT.replace("  # closes it", "  # lets go"), RIGHT) == ()
    marked = changes(RIGHT.replace("# closes it", "# the mistake: too late"), RIGHT)
    assert Change(Sign.TAKE, "    with connection:", "# the mistake: too late") in marked


def test_a_hash_in_a_string_is_no_comment() -> None:
    wrong = RIGHT.replace("answer(connection)", 'answer("# 1")')
    assert Change(Sign.TAKE, '        answer("# 1")') in changes(wrong, RIGHT)


def test_words_for_checkers_are_not_shown() -> None:
    wrong = RIGHT.replace("answer(connection)", "answer()  # type: ignore[call-arg]  # the mistake: to whom?")
    assert Change(Sign.TAKE, "        answer()", "# the mistake: to whom?") in changes(wrong, RIGHT)


def test_parts_far_from_each_other_have_a_mark_between_and_a_single_line_is_shown() -> None:
    right = "def f():\n" + "".join(f"    a{n}()\n" for n in range(12))
    wrong = right.replace("a1()", "b1()").replace("a5()", "b5()").replace("a10()", "b10()")
    assert shown(wrong, right)[1:] == [
        "  def f():",
        "      a0()", "-     b1()", "+     a1()", "      a2()", "      a3()",
        "      a4()", "-     b5()", "+     a5()", "      a6()",
        "…",
        "      a9()", "-     b10()", "+     a10()", "      a11()",
    ]  # fmt: skip


def test_a_long_line_has_its_comment_above_and_goes_on_below() -> None:
    wrong = (
        "def f():\n    answer(connection, one_more_argument, another_argument)  # the mistake: far too many of them\n"
    )
    assert shown(wrong, "def f():\n    answer(connection)\n", width=40)[1:] == [
        "  def f():",
        "-     # the mistake: far too many of",
        "-     # them",
        "-     answer(connection,",
        "-         one_more_argument,",
        "-         another_argument)",
        "+     answer(connection)",
    ]


def test_the_two_signs_look_different_too() -> None:
    drawn = list(draw("bad", "good", changes(RIGHT.replace("answer", "ask"), RIGHT), ("take", "put"), 80))
    assert {Role.GONE, Role.NEW} <= {span.role for one in drawn[1:] for span in one}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("width", [74, 94])
def test_every_broken_program_names_its_right_one_and_the_difference_fits(name: str, width: int) -> None:
    text = program(name) or ""
    named = re.search(r"images/\w+/\w+\.py", text)
    assert named, name
    right = ROOT / named[0]
    lines = list(draw(name, right.stem, changes(text, right.read_text()), ("take away", "put in its place"), width))
    assert 2 < len(lines) <= 40
    assert max(map(cells, lines)) <= width


def test_a_program_is_found_by_its_name_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "some.py").write_text("pass\n")
    assert program("some", tmp_path) == "pass\n"
    assert program("other", tmp_path) is None


def view(one: Mend, language: str, width: int = 80) -> tuple[list[str], tuple[str, ...]]:
    run = builders.a_run()
    found = show(builders.looking(run, Words(Catalog({}, "none"), language, {})), one, run.play.steps[0])
    assert found is not None
    return [plain(each) for each in found.draw(width)] if found.draw else [], found.notes


@pytest.mark.parametrize(("language", "words"), [("en", "take away"), ("zh-CN", "去掉")])
def test_the_view_speaks_the_reader_s_language(language: str, words: str) -> None:
    lines, _ = view(Mend("forgets_close", "serve_blocking"), language)
    assert lines[0].startswith("forgets_close → serve_blocking   - ")
    assert words in lines[0]
    assert "+             with connection:  # closes it, also when the client closed first" in lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_that_is_not_there_is_a_note(language: str) -> None:
    lines, notes = view(Mend("forgets_close", "not_there"), language)
    assert (lines, len(notes)) == ([], 1)
    assert "not_there" in notes[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_markdown_page_holds_every_line_in_a_block_of_its_own_with_its_sign(language: str) -> None:
    mend = Mend("forgets_close", "serve_blocking")
    exercise = builders.an_exercise()
    first, *others = exercise.steps
    exercise = dataclasses.replace(exercise, steps=(dataclasses.replace(first, show=(mend,)), *others))
    page = markdown_page(builders.judged(builders.all_well(), exercise=exercise), language)
    (block,) = re.findall(r"^```text\n(forgets_close → serve_blocking .*?)\n```$", page, re.MULTILINE | re.DOTALL)
    lines, _ = view(mend, language, width=100)
    assert block.splitlines() == lines
    assert {line[0] for line in lines[1:]} == {"-", "+", " ", "…"}


def test_a_picture_holds_every_line() -> None:
    drawn = list(
        draw("forgets_close", "serve_blocking", changes(RIGHT.replace("answer", "ask"), RIGHT), ("-", "+"), 94)
    )
    root = ET.fromstring(picture.draw(drawn, "a title", "en"))  # noqa: S314 - our own
    texts = "".join("".join(each.itertext()) for each in root.iter() if each.tag.endswith("text"))
    assert "answer(connection)" in texts.replace(" ", "")


def test_every_mend_of_an_exercise_names_programs_that_there_are() -> None:
    named = {
        name
        for number in exercise_folders()
        for step in load_exercise(number).steps
        for one in step.show
        if isinstance(one, Mend)
        for name in (one.wrong, one.right)
    }
    assert {name for name in named if program(name) is None} == set()
