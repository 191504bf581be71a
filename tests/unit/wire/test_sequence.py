from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.wire.sequence import MODULUS, Ranges, seq_diff

NUMBERS = st.integers(0, MODULUS - 1)


def test_a_number_just_past_the_wrap_is_after_one_before_it() -> None:
    assert seq_diff(3, MODULUS - 2) == 5
    assert seq_diff(MODULUS - 2, 3) == -5


@given(NUMBERS, st.integers(-(2**31) + 1, 2**31 - 1))
def test_the_difference_undoes_the_sum_modulo_2_to_the_32(start: int, step: int) -> None:
    moved = (start + step) % MODULUS
    assert seq_diff(moved, start) == step


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9))))
def test_ranges_know_exactly_the_offsets_that_were_added(steps: list[tuple[int, int]]) -> None:
    ranges, known = Ranges(), set[int]()
    for begin, length in steps:
        new = set(range(begin, begin + length))
        assert ranges.add(begin, begin + length) == bool(known & new)
        known |= new
    first = min(known, default=0)
    while first in known:
        first += 1
    assert ranges.contiguous == first
