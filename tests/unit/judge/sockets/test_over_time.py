from __future__ import annotations

from typing import Any

import pytest

from lab.judge.sockets.over_time import eventually, never
from lab.judge.verdict import Result, Verdict
from lab.recording.layout import compose_samples
from tests.unit.judge.builders import BEGUN, LISTENING, SERVER, SERVING_A, A, evidence, row, sampling, ss

CLOSE_WAIT = """
    State       Recv-Q  Peer
    CLOSE-WAIT  1       client:a
"""
LEFT = row("CLOSE-WAIT", 1, 0, SERVER, A, "serve_blocking 41 4")


def judged(factory: Any, *texts: str, **changes: Any) -> Result:
    run = evidence(samplings=(sampling(*texts, **changes),))
    result: Result = factory("frozen", on="server", id="row", table=CLOSE_WAIT).judge(run)
    return result


def test_a_row_that_shows_up_once_is_enough_for_eventually_and_too_much_for_never() -> None:
    texts = ss(LISTENING, SERVING_A), ss(LISTENING, LEFT), ss(LISTENING)
    for factory, verdict in ((eventually, Verdict.PASS), (never, Verdict.FAIL)):
        result = judged(factory, *texts)
        assert result.verdict is verdict
        assert (result.observed.code, result.observed.params["seconds"]) == ("row-seen", "0.010")


def test_look_names_the_line_in_the_samplings_file() -> None:
    record = sampling(ss(LISTENING, SERVING_A), ss(LISTENING, LEFT))
    (look,) = judged(never, ss(LISTENING, SERVING_A), ss(LISTENING, LEFT)).look
    assert look.file == record.file
    assert look.line is not None
    assert compose_samples(record.samples).splitlines()[look.line - 1] == LEFT


def test_a_row_that_never_shows_up_fails_eventually_with_the_last_rows() -> None:
    texts = ss(LISTENING, SERVING_A), ss(LISTENING, row("CLOSE-WAIT", 0, 0, SERVER, A))
    result = judged(eventually, *texts)
    assert result.verdict is Verdict.FAIL
    assert result.comparison is not None
    closest, listening = result.comparison.pairs
    assert (closest.expected, closest.observed) == (("CLOSE-WAIT", "1", str(A)), ("CLOSE-WAIT", "0", str(A)))
    assert closest.differs == {1}
    assert listening.expected is None
    assert judged(never, *texts).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "window",
    [{"polls": 0}, {"samples": ()}, {"ended_ns": BEGUN}],
    ids=["no look", "no output", "no time"],
)
@pytest.mark.parametrize("factory", [eventually, never])
def test_a_window_without_a_look_proves_nothing(factory: Any, window: dict[str, Any]) -> None:
    result = judged(factory, ss(LISTENING), **window)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.observed.params["why"].code == "sampling-empty"  # type: ignore[attr-defined]
