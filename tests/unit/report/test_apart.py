"""A printed line taken apart: the reader's own pieces, and what each means."""

from __future__ import annotations

import pytest

from lab.loading import load_exercise
from lab.report.apart import Piece, draw, pieces
from lab.report.ink import cells, plain
from lab.report.words import Words
from lab.text.catalog import LANGUAGES

ROW = 'LISTEN 0      5      192.168.1.102:8000 0.0.0.0:* users:(("serve_blocking",pid=7,fd=3))'
PATTERN = r"(?P<listen>LISTEN) +(?P<recv_q>\d+) .* (?P<process>users:\S+)"


def words(language: str) -> Words:
    return Words(load_exercise(0).texts(language), language, {})


def test_each_named_piece_gets_its_term() -> None:
    found = pieces(["State Recv-Q", ROW], PATTERN, words("en"))
    assert [part.text for part in found] == ["LISTEN", "0", 'users:(("serve_blocking",pid=7,fd=3))']
    assert found[0].meaning.startswith("A socket that waits"), "its own name need not be said again"
    assert found[1].meaning.startswith("Recv-Q – Two meanings")


def test_the_exercises_own_words_come_first() -> None:
    (part,) = pieces(["09:00:00.1 IP a"], r"(?P<ip>IP)", words("en"))
    assert part.meaning == "What carries it: IP version 4."


def test_a_line_that_is_not_there_has_no_pieces() -> None:
    assert pieces(["State Recv-Q"], PATTERN, words("en")) == ()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [57, 77, 94])
def test_it_fits_and_a_long_piece_stands_alone(language: str, width: int) -> None:
    lines = list(draw(pieces([ROW], PATTERN, words(language)), width))
    assert max(map(cells, lines)) <= width
    assert [plain(line) for line in lines if "users" in plain(line)] == ['users:(("serve_blocking",pid=7,fd=3))']


def test_meanings_stand_below_each_other() -> None:
    lines = [plain(line) for line in draw([Piece("a", "one two three"), Piece("bcd", "four")], 16)]
    assert lines == ["a     one two", "      three", "bcd   four"]
