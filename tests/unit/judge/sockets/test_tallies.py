from __future__ import annotations

import pytest

from lab.judge.errors import ExerciseError
from lab.judge.sockets.tallies import tally
from lab.judge.verdict import Verdict
from tests.unit.judge.builders import (
    SERVER,
    A,
    B,
    evidence,
    row,
    snapshot,
)


def test_a_tally_counts_the_rows_of_each_state() -> None:
    result = tally("connected", on="server", id="t", states={"LISTEN": 1, "ESTAB": ">0"}).judge(evidence())
    assert result.verdict is Verdict.PASS


def test_a_tally_marks_the_number_that_differs_and_names_its_line() -> None:
    crowd = snapshot("full", "client", row("ESTAB", 0, 0, A, SERVER), row("ESTAB", 0, 0, B, SERVER))
    result = tally("full", on="client", id="t", states={"ESTAB": 1, "SYN-SENT": 0}).judge(evidence(snapshots=(crowd,)))
    assert result.verdict is Verdict.FAIL
    assert result.comparison is not None
    assert [(pair.observed, set(pair.differs)) for pair in result.comparison.pairs] == [
        (("ESTAB", "2"), {1}),
        (("SYN-SENT", "0"), set()),
    ]
    assert result.look[0].line == 3


def test_a_tally_of_an_unknown_state_is_refused_when_the_exercise_is_loaded() -> None:
    with pytest.raises(ExerciseError, match="ESTABLISHED"):
        tally("full", on="client", id="t", states={"ESTABLISHED": 1})
