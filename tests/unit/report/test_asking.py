"""Predictions: asked on a terminal, answered, skipped, or ended."""

from __future__ import annotations

import io
import os
import pty
import signal
import threading

import pytest
from rich.console import Console

from lab.report.asking import Asker, ask, wants_questions
from lab.report.keyboard import read_line

CHOICES = ("refused", "half open", "established")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Interrupted(io.StringIO):
    def readline(self, _size: int | None = -1) -> str:  # type: ignore[override]
        raise KeyboardInterrupt


def asked(typed: str, language: str = "en") -> tuple[str | None, str]:
    console = Console(file=io.StringIO(), width=100)
    answer = ask("The connection is", CHOICES, io.StringIO(typed), console, language)
    assert isinstance(console.file, io.StringIO)
    return answer, console.file.getvalue()


@pytest.mark.parametrize(("typed", "answer"), [("c\n", "c"), ("C\n", "c"), (" b) \n", "b"), ("a.\n", "a")])
def test_a_letter_answers_in_any_case(typed: str, answer: str) -> None:
    assert asked(typed)[0] == answer


def test_the_choices_stand_beside_a_short_question() -> None:
    assert "   ?  The connection is   a) refused   b) half open   c) established\n" in asked("c\n")[1]


def test_long_choices_stand_below_the_question() -> None:
    console = Console(file=io.StringIO(), width=80)
    Asker(io.StringIO("\n"), console, "en").ask("Why " * 20, [f"because of reason {n}, at length" for n in range(3)])
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert [line.strip()[:2] for line in lines if ") because" in line] == ["a)", "b)", "c)"]


def test_enter_skips() -> None:
    assert asked("\nb\n")[0] is None


def test_anything_else_is_asked_again_kindly_once() -> None:
    answer, printed = asked("what?\nb\n")
    assert (answer, printed.count("One of a, b, c, please")) == ("b", 1)
    answer, printed = asked("what?\nreally?\nb\n")
    assert (answer, printed.count("please")) == (None, 1)


def test_the_end_of_input_skips_all_further_questions() -> None:
    asker = Asker(io.StringIO(""), Console(file=io.StringIO()), "en")
    assert [asker.ask("?", CHOICES), asker.over, asker.ask("?", CHOICES)] == [None, True, None]


def test_how_to_skip_is_told_once() -> None:
    console = Console(file=io.StringIO(), width=100)
    asker = Asker(io.StringIO("a\nb\n"), console, "zh-CN")
    asker.ask("?", CHOICES)
    asker.ask("?", CHOICES)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count("Ctrl-D") == 1


def test_an_interrupt_goes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        ask("?", CHOICES, Interrupted(), Console(file=io.StringIO()))


@pytest.mark.parametrize(
    ("environment", "terminal", "wanted"),
    [
        ({}, True, True),
        ({"ASK": "1"}, True, True),
        ({"ASK": "0"}, True, False),
        ({"CI": "true"}, True, False),
        ({"CI": ""}, True, True),
        ({}, False, False),
    ],
)
def test_questions_need_a_person_at_a_terminal(
    environment: dict[str, str],
    terminal: bool,  # noqa: FBT001
    wanted: bool,  # noqa: FBT001
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert wants_questions(environment, stream, Terminal()) is wanted
    assert not wants_questions(environment, Terminal(), io.StringIO())


def test_a_ctrl_c_that_another_thread_got_ends_the_question() -> None:
    here, there = pty.openpty()
    stopped = threading.Event()

    def get_it() -> None:
        # To this very thread: the one that reads is not interrupted by it.
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        stopped.wait(10)

    other = threading.Timer(0.2, get_it)
    other.start()
    try:
        with os.fdopen(there) as terminal, pytest.raises(KeyboardInterrupt):
            read_line(terminal)
    finally:
        stopped.set()
        other.join()
        os.close(here)


def test_what_is_typed_is_read_and_the_end_of_the_input_too() -> None:
    here, there = pty.openpty()
    os.write(here, b"a\n\x04")
    with os.fdopen(there) as terminal:
        assert [read_line(terminal), read_line(terminal)] == ["a\n", ""]
    os.close(here)
    assert read_line(io.StringIO("b\n")) == "b\n"
