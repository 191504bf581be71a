from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lab.report.fold import fold, fold_printed, sentences, together, unfolded

TEXTS = st.text(alphabet="ab c,（）。，中文`x`- ", max_size=60)


def test_english_breaks_at_blanks() -> None:
    assert fold("the kernel finishes the handshake", 12) == ["the kernel", "finishes the", "handshake"]


def test_chinese_breaks_anywhere_but_before_a_closing_mark() -> None:
    assert fold("内核完成握手，然后等待。", 12) == ["内核完成握", "手，然后等", "待。"]


def test_no_line_ends_with_an_opening_mark() -> None:
    assert fold("先看（抓包）吧", 6) == ["先看", "（抓", "包）吧"]


def test_a_command_between_backticks_stays_whole() -> None:
    assert fold("let `ss -tan sport = :8000` filter", 26) == ["let", "`ss -tan sport = :8000`", "filter"]


def test_a_longer_word_stays_whole_on_its_own_line() -> None:
    assert fold("see runs/ex03/latest/server.pcap now", 10) == ["see", "runs/ex03/latest/server.pcap", "now"]


@given(TEXTS, st.integers(8, 40))
def test_folding_loses_and_adds_nothing_but_blanks(text: str, width: int) -> None:
    assert "".join("".join(fold(text, width)).split()) == "".join(text.split())


@given(st.text(alphabet="ab 中文。", max_size=60), st.integers(12, 40))
def test_no_line_is_wider_than_asked_unless_it_is_one_word(text: str, width: int) -> None:
    wide = [line for line in fold(text, width) if cell_len(line) > width]
    assert [line for line in wide if " " in line or not line.strip("中文。")] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\ntwo", "one two"),
        ("你的\n服务器", "你的服务器"),
        ("说明\n`ss` 的列", "说明`ss` 的列"),
        ("  a \n\n b ", "a b"),
    ],
)
def test_a_text_of_several_lines_becomes_one(text: str, expected: str) -> None:
    assert unfolded(text) == expected


def test_sentences_are_joined_as_their_language_does() -> None:
    assert together("Right.", None, "Because.") == "Right. Because."
    assert together("正确。", "因为如此。") == "正确。因为如此。"


def test_what_a_program_printed_keeps_its_columns() -> None:
    row = "LISTEN 0      5        192.168.1.102:8000      0.0.0.0:*    users:((x,fd=3))"
    assert fold_printed(row + "    ", 100) == [row]
    assert fold_printed(row, 62) == ["LISTEN 0      5        192.168.1.102:8000      0.0.0.0:*", "    users:((x,fd=3))"]


def test_a_printed_line_without_a_place_to_break_stays_whole() -> None:
    assert fold_printed("a" * 50, 20) == ["a" * 50]
    assert fold_printed("  " + "a" * 50 + " b", 20) == ["  " + "a" * 50, "    b"]
    assert fold_printed("", 20) == [""]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("3000 bytes arrive. The limit is recv(1024).", ["3000 bytes arrive.", "The limit is recv(1024)."]),
        ("They are refused at once: R., ECONNREFUSED.", ["They are refused at once: R., ECONNREFUSED."]),
        ("(Not said.) One that fails does no harm.", ["(Not said.) One that fails does no harm."]),
        ("它不等任何人。没有要发的；也没有未读的。", ["它不等任何人。", "没有要发的；也没有未读的。"]),
        ("（没有明说，而是默认如此。）一个客户端出错。", ["（没有明说，而是默认如此。）一个客户端出错。"]),
        ("", []),
    ],
)
def test_a_text_is_cut_into_its_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts
