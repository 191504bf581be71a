from __future__ import annotations

import pytest

from tests.bench.numbers import Comparison, Goal, Spread, spread


def test_a_spread_is_the_median_between_the_least_and_the_greatest() -> None:
    assert spread([3.0, 1.0, 9.0, 2.0]) == Spread(2.5, 1.0, 9.0, 4)


def test_no_measurement_has_no_spread() -> None:
    with pytest.raises(ValueError, match="no measurement"):
        spread([])


def test_a_goal_of_faster_divides_the_other_by_the_lab_round_by_round() -> None:
    row = Comparison("x", (0.01, 0.02), (1.0, 1.0), Goal(20, faster=True))
    assert row.ratios() == (100.0, 50.0)
    assert row.reached() is True


def test_a_goal_of_at_most_divides_the_lab_by_the_other() -> None:
    row = Comparison("x", (1.3, 2.0, 1.0), (1.0, 1.0, 1.0), Goal(1.3, faster=False))
    assert row.ratios() == (1.3, 2.0, 1.0)
    assert row.reached() is True


def test_the_ratio_is_the_rounds_own_and_not_that_of_the_medians() -> None:
    # A machine that slows down tenfold half-way leaves every round's ratio as it was.
    row = Comparison("x", (1.0, 10.0, 10.0), (2.0, 20.0, 20.0), Goal(2, faster=True))
    assert set(row.ratios()) == {2.0}


@pytest.mark.parametrize(("ratio", "faster", "reached"), [(19.9, True, False), (20, True, True), (20.1, False, False)])
def test_a_missed_goal_is_told(ratio: float, *, faster: bool, reached: bool) -> None:
    assert Goal(20, faster=faster).reached(ratio) is reached


def test_a_comparison_without_a_round_has_neither_reached_nor_missed() -> None:
    assert Comparison("x", (), (), Goal(2, faster=True), dropped=3).reached() is None


def test_halves_of_different_rounds_are_never_paired() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Comparison("x", (1.0, 2.0), (1.0,), Goal(2, faster=True)).ratios()
