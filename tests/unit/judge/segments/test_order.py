"""What comes after what on the wire, over several conversations; and the conversation of a client that was refused."""

from __future__ import annotations

import pytest

from lab.judge.errors import ExerciseError
from lab.judge.judging import say
from lab.judge.segments.ladders import segments
from lab.judge.segments.order import in_order
from lab.judge.verdict import Verdict
from lab.recording.run import Run
from tests.records import changed
from tests.unit.judge.builders import BEGUN, CLIENT_FIRST, MS, OPEN, SERVER, A, B, Talk, capture, evidence, party

LADDER = """
    client:a > server    F.
    client:b > server    S
    server   > client:a  F.
"""
REFUSED = """
    client:c > server    S
    server   > client:c  R.
"""


def run(b_at_ms: float) -> Run:
    """Return a run in which the server lets go of `a` 30 µs after the FIN, and `b` connects at that time."""
    frames = Talk().frames(*OPEN, *CLIENT_FIRST)
    frames += Talk(client=B, begun_ns=BEGUN + round(b_at_ms * MS)).frames(*OPEN)
    return evidence(captures=(capture("server", frames=frames), capture("client", frames=frames)))


def test_segments_of_two_conversations_in_the_order_asked_for() -> None:
    result = in_order(LADDER, id="later").judge(run(10.045))
    assert (result.verdict, say(result.observed, "en")) == (Verdict.PASS, "these segments follow each other (3)")
    assert result.comparison is not None
    assert [pair.observed for pair in result.comparison.pairs] == [
        ("client:a > server", "F.", "4"),
        ("client:b > server", "S", "6"),
        ("server > client:a", "F.", "7"),
    ]


def test_what_comes_too_early_is_marked_and_its_frame_named() -> None:
    result = in_order(LADDER, id="later").judge(run(20))
    assert (result.verdict, say(result.observed, "en")) == (
        Verdict.FAIL,
        "segments that come too early: 1, missing: 0",
    )
    assert result.comparison is not None
    assert [set(pair.differs) for pair in result.comparison.pairs] == [set(), set(), {2}]
    assert result.look[0].frame == 6


def test_what_never_comes_is_missing() -> None:
    result = in_order("server > client:b  F.", id="later").judge(run(20))
    assert (result.verdict, say(result.observed, "zh-CN")) == (Verdict.FAIL, "出现得太早的报文段：0，缺少：1")


@pytest.mark.parametrize("line", ["server > client  F.", "client:a > client:b  F.", "client:a > server  nothing"])
def test_a_line_that_cannot_be_read_is_refused_when_the_exercise_is_loaded(line: str) -> None:
    with pytest.raises(ExerciseError):
        in_order(line, id="later")


def refused(*others: Talk) -> Run:
    """Return a run in which `c`, whose port nobody saw, was refused, and these others dialled too."""
    c = Talk(client=B._replace(port=40_001), begun_ns=BEGUN + 30 * MS).frames("> S", "< R.")
    frames = [*Talk().frames(*OPEN), *c, *(frame for other in others for frame in other.frames("> S", "< R."))]
    known = evidence()
    return changed(
        known,
        parties=(*known.play.parties, party("c", "client", 19, "prompt", remote=SERVER)),
        captures=(capture("server", frames=frames), capture("client", frames=frames)),
    )


def test_a_client_that_was_refused_is_known_by_whom_it_dialled() -> None:
    assert segments("c", ladder=REFUSED, id="refused").judge(refused()).verdict is Verdict.PASS


def test_two_clients_that_nobody_saw_are_not_told_apart() -> None:
    result = segments("c", ladder=REFUSED, id="refused").judge(refused(Talk(client=A._replace(port=40_002))))
    assert result.verdict is Verdict.INCONCLUSIVE
