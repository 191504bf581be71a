from __future__ import annotations

import pytest

from lab.judge.readings.counters import counters
from lab.judge.verdict import Verdict
from lab.recording.saved import SavedReading
from tests.unit.judge.builders import BEGUN, MS, evidence


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


@pytest.mark.parametrize(
    ("opened", "host", "verdict"),
    [
        (0, "server", Verdict.PASS),
        (1, "server", Verdict.INCONCLUSIVE),
        (1, "client", Verdict.PASS),
        (2, "client", Verdict.INCONCLUSIVE),
    ],
)
def test_counters_that_connections_of_the_host_to_itself_may_have_moved_decide_nothing(
    opened: int, host: str, verdict: Verdict
) -> None:
    times = {"before": BEGUN, "after": BEGUN + 900 * MS}
    values = {
        "before": {"TcpActiveOpens": 5, "TcpExtListenOverflows": 0},
        "after": {"TcpActiveOpens": 5 + opened, "TcpExtListenOverflows": 1},
    }
    run = evidence(counters=tuple(SavedReading(name, "connects", host, times[name], values[name]) for name in times))
    expectation = counters("before", "after", on=host, id="k", change={"ListenOverflows": 1})
    assert expectation.judge(run).verdict is verdict
