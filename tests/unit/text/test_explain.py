"""`lab explain WORD`, end to end: every state, column and flag letter, and words that are nearly one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lab.cli import main
from lab.settings import ROOT
from lab.text.glossary import load_glossary
from lab.wire.segment import Flags
from lab.wire.state import State

STATES = [str(state) for state in State]
COLUMNS = ["State", "Recv-Q", "Send-Q", "Local", "Local Address:Port", "Peer", "Peer Address:Port", "Process", "timer"]
LETTERS = ["S", "S.", ".", "P", "P.", "F", "F.", "R", "R.", "U", "E", "W"]
TERMS = [
    "backlog",
    "accept queue",
    "handshake",
    "TIME_WAIT",
    "established",
    "fd",
    "grep 8000",
    "半关闭",
    "监听",
    "三次握手",
]
LANGUAGES = ["en", "zh-CN"]


def explain(
    word: str, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    monkeypatch.setenv("LAB_LANG", language)
    monkeypatch.setenv("COLUMNS", "80")
    code = main(["explain", *word.split()])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("word", [*STATES, *COLUMNS, *LETTERS, *TERMS])
def test_every_word_of_the_pages_is_explained(
    word: str, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    term = load_glossary(language).find(word)
    assert term is not None
    code, printed, complaint = explain(word, language, monkeypatch, capsys)
    assert (code, complaint) == (0, "")
    title, *rest = printed.splitlines()
    assert title == term.title
    assert "".join(term.short.split()) in "".join("".join(rest).split())
    assert "".join(term.source.split()) in "".join("".join(rest).split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_that_a_segment_can_show_is_a_word(language: str) -> None:
    glossary = load_glossary(language)
    shown = {letter for flag in Flags for letter in flag.letters}
    assert {letter for letter in shown if glossary.find(letter) is None} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_lower_case_and_other_dashes_do(
    language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for word in ("time-wait", "TIME_WAIT", "time wait", "TimeWait"):
        code, printed, _ = explain(word, language, monkeypatch, capsys)
        assert (code, printed.splitlines()[0]) == (0, "TIME-WAIT")


@pytest.mark.parametrize(
    ("word", "near"), [("LISTNE", "LISTEN"), ("recvq8", "Recv-Q"), ("TIME-WAITS", "TIME-WAIT"), ("backlg", "backlog")]
)
@pytest.mark.parametrize(("language", "meant"), [("en", "did you mean"), ("zh-CN", "是不是")])
def test_a_word_that_is_nearly_one_is_told_which(
    word: str, near: str, language: str, meant: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    code, printed, complaint = explain(word, language, monkeypatch, capsys)
    assert (code, printed) == (2, "")
    assert word in complaint
    assert near in complaint
    assert meant in complaint.casefold()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_that_is_like_none_is_refused_in_one_line_with_a_remedy(
    language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed, complaint = explain("xyzzy", language, monkeypatch, capsys)
    assert (code, printed) == (2, "")
    assert "xyzzy" in complaint
    assert "Traceback" not in complaint


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_command_itself_answers_in_both_languages(language: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "lab.cli", "explain", "LISTEN"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "LAB_LANG": language, "PYTHONUTF8": "1"},
        check=False, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines()[0] == "LISTEN"
    assert load_glossary(language).terms["listen"].short[:6] in answer.stdout


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_without_a_word_the_legend_names_every_column_and_the_usual_flags(
    language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_LANG", language)
    assert main(["explain"]) == 0
    legend = capsys.readouterr().out
    named = ("State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", "Process", "S.", "F.", "grep 8000")
    assert [name for name in named if name not in legend] == []
