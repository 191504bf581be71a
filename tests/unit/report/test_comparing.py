"""Expected beside observed, with marks under what differs."""

from __future__ import annotations

import pytest

from lab.judge.verdict import Comparison, Pair
from lab.report.comparing import CompareWords, draw
from lab.report.ink import cells, plain
from tests.unit.report import builders

WORDS = CompareWords("expected", "observed", "both", "missing", "unexpected")


def texts(comparison: Comparison, width: int) -> list[str]:
    return [plain(line) for line in draw(comparison, WORDS, width)]


def test_small_tables_stand_beside_each_other() -> None:
    assert texts(builders.SEGMENTS, 94) == [
        "expected                      observed",
        "From      To        Flags     From      To        Flags",
        "server    client:a  F.        client:a  server    F.",
        "^^^^^^    ^^^^^^^^            ^^^^^^^^  ^^^^^^",
        "client:a  server    .         server    client:a  .",
        "^^^^^^^^  ^^^^^^              ^^^^^^    ^^^^^^^^",
    ]


def test_wide_rows_stand_below_each_other() -> None:
    assert texts(builders.ROWS, 96)[:6] == [
        "            State      Recv-Q Send-Q Local              Peer                Process",
        "both        LISTEN     0      5      192.168.1.102:8000 *                   serve_blocking fd=3",
        "expected    LAST-ACK   0      0      192.168.1.102:8000 192.168.1.101:58132 -",
        "observed    CLOSE-WAIT 1      0      192.168.1.102:8000 192.168.1.101:58132 my_server fd=4",
        "            ^^^^^^^^^^ ^                                                    ^^^^^^^^^^^^^^",
        "unexpected  SYN-RECV   0      0      192.168.1.102:8000 192.168.1.101:58140",
    ]


def test_a_row_without_a_counterpart_says_which_side_lacks_it() -> None:
    assert [line.split()[:2] for line in texts(builders.ROWS, 96)[-2:]] == [
        ["unexpected", "SYN-RECV"],
        ["missing", "TIME-WAIT"],
    ]


@pytest.mark.parametrize("width", range(70, 101))
def test_columns_in_which_nothing_differs_make_room(width: int) -> None:
    lines = draw(builders.ROWS, WORDS, width)
    assert max(map(cells, lines)) <= width
    assert all(column in plain(lines[0]) for column in ("State", "Recv-Q", "Process"))


def test_the_marks_stay_under_their_cells_when_a_column_is_left_out() -> None:
    lines = texts(builders.ROWS, 80)
    marked = next(index for index, line in enumerate(lines) if "^" in line)
    under = [place for place, letter in enumerate(lines[marked]) if letter == "^"]
    assert "".join(lines[marked - 1][place] for place in under) == "CLOSE-WAIT1my_server fd=4"


def test_an_empty_cell_that_differs_is_marked() -> None:
    comparison = Comparison(("State", "Process"), (Pair(("ESTAB", "fd=4"), ("ESTAB", ""), frozenset({1})),))
    assert texts(comparison, 60)[-1] == "       ^^^^               ^"
