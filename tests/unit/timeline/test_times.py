"""What happened last, or first, on each of many sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.timeline.columns.times import Clock, Times, numbered
from lab.timeline.columns.unusual import UnusualError

MOMENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=30, unique=True)


@given(MOMENTS, st.lists(st.tuples(st.integers(-1, 4), st.integers(-5, 40)), max_size=20))
def test_last_and_first_are_those_of_a_search_one_by_one(
    moments: list[tuple[int, int]], asked: list[tuple[int, int]]
) -> None:
    side, time = np.array(moments).T
    times = Times(Clock(-10, 50, 5), side, time, np.arange(len(moments)))
    sides, whens = np.array(asked, np.int64).reshape(-1, 2).T
    last, first = times.last(sides, whens).tolist(), times.first(sides, whens).tolist()
    for (one, when), late, early in zip(asked, last, first, strict=True):
        before = [(at, row) for row, (where, at) in enumerate(moments) if where == one and at <= when]
        after = [(at, row) for row, (where, at) in enumerate(moments) if where == one and at >= when]
        assert late == (max(before)[1] if before else -1)
        assert early == (min(after)[1] if after else -1)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20))
def test_rows_that_are_alike_have_one_number(rows: list[tuple[int, int]]) -> None:
    numbers = numbered(*np.array(rows, np.int64).reshape(-1, 2).T).tolist()
    assert [one == other for one in rows for other in rows] == [one == other for one in numbers for other in numbers]


def test_two_moments_of_a_side_at_one_time_are_told() -> None:
    side, time = np.array([0, 1, 0, 0]), np.array([5, 5, 6, 5])
    assert Times(Clock(0, 9, 2), side, time, np.arange(4)).twice.tolist() == [3]


def test_what_does_not_fit_into_a_number_is_unusual() -> None:
    with pytest.raises(UnusualError):
        Clock(0, 1 << 50, 1 << 20)
