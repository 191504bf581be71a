from __future__ import annotations

import pytest

from lab.judge.readings.counters import counters
from lab.judge.verdict import Verdict
from tests.unit.judge.builders import evidence


def test_a_counter_is_named_with_or_without_its_group() -> None:
    change: dict[str, int | str] = {"TcpPassiveOpens": 1, "ListenOverflows": 0, "TcpExtListenOverflows": "0"}
    assert counters("before", "after", on="server", id="x", change=change).judge(evidence()).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("change", "wrong"),
    [({"TcpPassiveOpens": 2}, ("TcpPassiveOpens", "1")), ({"ListenOverflows": ">0"}, ("TcpExtListenOverflows", "0"))],
)
def test_a_counter_that_moved_otherwise_is_marked(change: dict[str, int | str], wrong: tuple[str, str]) -> None:
    result = counters("before", "after", on="server", id="x", change=change).judge(evidence())
    assert result.verdict is Verdict.FAIL
    assert result.comparison is not None
    (pair,) = result.comparison.pairs
    assert (pair.observed, sorted(pair.differs)) == (wrong, [1])


def test_a_counter_that_the_kernel_does_not_have_decides_nothing() -> None:
    result = counters("before", "after", on="server", id="x", change={"TcpNoSuch": 0}).judge(evidence())
    assert result.verdict is Verdict.INCONCLUSIVE


def test_counters_that_fell_are_of_another_namespace() -> None:
    result = counters("after", "before", on="server", id="x", change={"TcpPassiveOpens": -1}).judge(evidence())
    assert result.verdict is Verdict.INCONCLUSIVE
