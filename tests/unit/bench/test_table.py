from __future__ import annotations

import pytest

from tests.bench.__main__ import MEASURES, texts_of
from tests.bench.numbers import Bound, Comparison, Goal, Plain, Row
from tests.bench.recording import PAIRS, Cost
from tests.bench.table import aims, comparisons, digits, document, duration, markdown, notes, plain
from tests.bench.timelines import RECORDED, TIMES
from tests.bench.transitions import GOALS, PAUSES

EN = texts_of("en")
RESET = Comparison("reset", (0.010, 0.012, 0.011), (1.0, 1.2, 1.1), Goal(20, faster=True))
RUN = Comparison("run-waits", (1.2,), (0.2,), Goal(2, faster=False), 2, {"waits": 0.0049, "execs": 0.15})
FACTS = dict.fromkeys(("date", "kernel", "processor", "cores", "engine", "compose", "python", "load"), "?")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00028412, "0.284 ms"),
        (0.00345, "3.45 ms"),
        (0.0123, "12.3 ms"),
        (0.4561, "456 ms"),
        (1.234, "1.23 s"),
        (12.3, "12.3 s"),
    ],
)
def test_a_time_has_three_digits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.9996, "1.00"), (9.996, "10.0"), (99.96, "100"), (646_000, "646\N{NARROW NO-BREAK SPACE}000")],
)
def test_a_number_that_rounds_up_to_the_next_digit_keeps_three(number: float, text: str) -> None:
    assert digits(number) == text


def test_a_row_shows_both_halves_the_ratio_the_goal_and_whether_it_is_reached() -> None:
    assert comparisons([RESET], EN).rows == (
        (
            EN.get("rows.reset"),
            "11.0 ms (10.0–12.0)",
            "1.10 s (1.00–1.20)",
            "100× faster (100–100)",
            "≥ 20× faster",
            "yes",
        ),
    )


def test_a_missed_goal_stands_out() -> None:
    assert comparisons([RUN], EN).rows[0][-3:] == ("6.00× (6.00–6.00)", "≤ 2×", "**missed**")


def test_the_extremes_are_in_the_unit_of_the_median() -> None:
    row = Plain("list", (0.9, 0.95, 1.5))
    assert plain([row], EN).rows[0][1] == "950 ms (900–1\N{NARROW NO-BREAK SPACE}500)"


def test_a_rate_is_so_many_in_a_second() -> None:
    assert plain([Plain("ss", (20.0, 30.0, 25.0), "/s")], EN).rows[0][1] == "25.0/s (20.0–30.0)"


def test_a_row_without_a_measurement_says_so_and_reaches_nothing() -> None:
    empty = Comparison("reset", (), (), Goal(20, faster=True), dropped=3)
    assert comparisons([empty], EN).rows[0][1:4] == ("—", "—", "—")
    assert comparisons([empty], EN).rows[0][-1] == "—"
    assert plain([Plain("judge", ())], EN).rows[0][1] == "—"


def test_a_comparison_without_a_goal_tells_its_ratio_and_reaches_nothing() -> None:
    row = Comparison("recording-captures-cpu", (0.0002, 0.0004), (0.0001, 0.0002), None)
    assert comparisons([row], EN).rows[0][3:] == ("2.00× (2.00–2.00)", "—", "—")


def test_a_figure_with_a_goal_stands_in_a_table_of_its_own() -> None:
    rate = Plain("transitions-rate", (2400.0, 2600.0, 2700.0), "/s", goal=Bound(2500, least=True))
    space = "\N{NARROW NO-BREAK SPACE}"
    assert aims([rate, RESET, Plain("list", (1.0,))], EN).rows == (
        (
            EN.get("rows.transitions-rate"),
            f"2{space}600/s (2{space}400–2{space}700)",
            f"≥ 2{space}500/s",
            "yes",
        ),
    )
    assert plain([rate], EN).rows == ()


@pytest.mark.parametrize(
    ("share", "text", "reached"),
    [
        (100.0, "100 % (100–100)", "yes"),
        (99.9996, "99.999 % (99.999–99.999)", "**missed**"),
        (0.0, "0 % (0–0)", "**missed**"),
    ],
)
def test_a_share_that_is_not_all_is_not_rounded_up_to_all(share: float, text: str, reached: str) -> None:
    row = Plain("transitions-told", (share,), "%", goal=Bound(100, least=True, always=True))
    assert aims([row], EN).rows[0][1:] == (text, "100 %, always", reached)


def test_what_must_always_be_reached_is_not_reached_by_the_median() -> None:
    lost = Plain("transitions-lost", (0.0, 0.0, 1.0), "n", goal=Bound(0, least=False, always=True))
    assert aims([lost], EN).rows[0][1:] == ("0 (0–1)", "0, always", "**missed**")


def test_peak_memory_stands_beside_the_time() -> None:
    row = Plain("timeline-100", (0.5, 0.6, 0.7), peaks=(21e6, 22e6, 23e6))
    assert plain([row], EN).rows[0][1] == "600 ms (500–700), peak memory 22.0 MB"


def test_runs_that_were_left_out_are_told() -> None:
    assert any("run-waits: 2 runs" in note for note in notes([RUN], EN))
    assert not any("reset" in note for note in notes([RESET], EN))


def test_the_note_tells_what_the_other_half_consists_of() -> None:
    note = next(note for note in notes([RUN], EN) if note.startswith("¹"))
    assert "4.90 ms of waits, 150 ms for the two" in note


def test_a_note_says_how_often_it_was_measured() -> None:
    rows = [Plain("timeline-100", (0.5, 0.6)), Plain("timeline-100000", (9.0,))]
    assert any(note.startswith("⁷") and "2 rounds, the largest once" in note for note in notes(rows, EN))


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    cells = plain([Plain("ss", (1.0,))], EN)
    assert markdown(cells).count("\n") == 2
    assert "a \\| b" in markdown(type(cells)(("a | b",), ()))


def test_the_document_leaves_out_a_table_without_rows() -> None:
    assert EN.get("header.plain") not in document([RESET], FACTS, 3, EN)
    assert EN.get("header.reached") not in document([Plain("ss", (1.0,))], FACTS, 3, EN)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_measurement_has_its_words(language: str) -> None:
    texts = texts_of(language)
    rows = [RESET, RUN, Comparison("run-starts", (1.0,), (1.0,), Goal(2, faster=False), parts={"starts": 0.4})]
    rows += [Comparison(name, (1.0,), (1.0,), Goal(2, faster=True)) for name in ("channel", "up")]
    minute = Comparison("everything", (50.0,), (60.0,), Goal(1, faster=False), parts={"waits": 20.0, "rest": 30.0})
    rows.append(minute)
    peaks = {"lab": 2.2e8, "tshark": 4.5e8}
    rows.append(Comparison("reading", (3.0,), (30.0,), Goal(1, faster=True), peaks=peaks))
    rows += [
        Comparison(f"conversations-{name}", (0.5,), (5.0,), Goal(1, faster=True)) for name in ("tcptrace", "exact")
    ]
    peaks = {"lab": 1e8, "tcptrace": 4e8, "tshark": 4.5e8}
    rows.append(Comparison("conversations-tshark", (0.5,), (5.0,), Goal(5, faster=True), peaks=peaks))
    for pair in PAIRS:
        rows += [Comparison(f"recording-{pair.name}-{kind}", (1.1,), (1.0,), None) for kind in Cost._fields]
    alone = [Plain(name, (1.0,)) for name in ("exercise", "judge", "list", "capture", "ss")]
    alone += [Plain(f"transitions-{name}", (1.0,), "n", goal=goal) for name, goal in GOALS.items()]
    alone += [Plain(f"transitions-{name}", (1.0,), "%") for name in ("watched", *PAUSES)]
    alone += [Plain(f"timeline-{count}", (1.0,), peaks=(1e8,)) for count in (*RECORDED, max(RECORDED) * TIMES)]
    page = document([*rows, *alone], FACTS, 3, texts)
    assert "{" not in page
    everything: list[Row] = [*rows, *alone]
    shown = {row.id.split("-")[0] for row in everything}
    assert shown == set(MEASURES)


def test_both_languages_have_the_same_texts() -> None:
    def keys(language: str) -> set[str]:
        texts = texts_of(language)
        return {
            f"{table}.{key}"
            for table in ("options", "header", "ratio", "goal", "bound", "figure", "reached", "rows", "parts", "notes")
            for key in texts.table(table)
        }

    assert keys("en") == keys("zh-CN")
