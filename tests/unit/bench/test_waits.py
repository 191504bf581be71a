from __future__ import annotations

from collections.abc import Sequence

import pytest

from lab.recording.play import Action
from lab.recording.run import Run
from tests.bench.waits import Wait, imposed_seconds, kernel_waits, retry_waits, stood_still, union_seconds
from tests.unit.judge.builders import BEGUN, MS, SERVER, A, B, Frame, Talk, capture, evidence


def at(frames: list[Frame], *milliseconds: float) -> list[Frame]:
    for frame, when in zip(frames, milliseconds, strict=True):
        frame.time_ns = BEGUN + round(when * MS)
    return frames


def evidence_of(frames: list[Frame], acts: Sequence[float] = ()) -> Run:
    actions = tuple(Action("step", BEGUN + round(act * MS), "a", "say", "") for act in acts)
    return evidence(captures=(capture("server", frames=frames),), actions=actions)


def milliseconds(waits: Sequence[Wait]) -> list[tuple[str, float]]:
    return [(wait.for_letters, (wait.ended_ns - wait.begun_ns) / MS) for wait in waits]


def test_a_delayed_ack_of_a_fin_is_a_wait_that_the_kernel_imposes() -> None:
    frames = at(Talk().frames("> S", "< S.", "> .", "> F.", "< ."), 0, 1, 2, 100, 140)
    assert milliseconds(kernel_waits(evidence_of(frames))) == [("S", 1.0), ("S.", 1.0), ("F.", 40.0)]


def test_an_answer_that_a_program_gave_is_none() -> None:
    # "HELLO" acknowledges "hello", and the server's FIN the client's: a program had to write, and to close.
    frames = at(Talk().frames("> P. hello", "< P. HELLO", "> .", "> F.", "< F.", "> ."), 0, 30, 31, 50, 90, 91)
    assert milliseconds(kernel_waits(evidence_of(frames))) == [("P.", 1.0), ("F.", 1.0)]


def test_a_segment_that_nobody_acknowledges_was_not_waited_for() -> None:
    assert kernel_waits(evidence_of(at(Talk().frames("> S"), 0))) == ()


def test_a_retransmitted_segment_waits_from_its_first_sending() -> None:
    talk, again = Talk(), Talk()
    frames = at(again.frames("> S"), 0) + at(talk.frames("> S", "< S.", "> ."), 1000, 1001, 1001.5)
    assert milliseconds(kernel_waits(evidence_of(frames)))[0] == ("S", 1001.0)


def test_only_what_follows_the_last_act_within_a_wait_counts() -> None:
    frames = at(Talk().frames("> S", "< S.", "> .", "> F.", "< ."), 0, 1, 2, 100, 140)
    waits = kernel_waits(evidence_of(frames, acts=(50, 110, 130, 141)))
    assert milliseconds(waits)[-1] == ("F.", 10.0)


def test_an_act_before_or_after_leaves_the_wait_whole() -> None:
    wait = Wait(100, 200, A, "F.")
    assert stood_still(wait, [100, 201]) == wait
    assert stood_still(wait, []) == wait


def test_waits_that_overlap_count_once() -> None:
    spans = [(0, 40), (10, 30), (30, 60), (80, 90)]
    waits = [Wait(begun * MS, ended * MS, A, "F.") for begun, ended in reversed(spans)]
    assert union_seconds(waits) == pytest.approx(0.070)


def test_no_wait_takes_no_time() -> None:
    assert union_seconds([]) == 0.0


def test_conversations_side_by_side_are_each_looked_at() -> None:
    one = at(Talk(client=A).frames("> S", "< S.", "> ."), 0, 2, 3)
    two = at(Talk(client=B).frames("> S", "< S.", "> ."), 1, 3, 4)
    waits = kernel_waits(evidence_of(one + two))
    assert {wait.waiting for wait in waits} == {A, B, SERVER}
    assert union_seconds(waits) == pytest.approx(0.004)


def test_the_time_to_the_last_retry_is_imposed_though_nobody_answers() -> None:
    frames = at([*Talk().frames("> S"), *Talk().frames("> S"), *Talk().frames("> S")], 0, 1000, 2000)
    run = evidence_of(frames)
    assert kernel_waits(run) == ()
    assert milliseconds(retry_waits(run)) == [("S", 2000.0)]
    assert imposed_seconds(run) == pytest.approx(2.0)
    assert imposed_seconds(evidence_of(frames, acts=(1500,))) == pytest.approx(0.5)


def test_what_is_sent_once_is_no_retry() -> None:
    frames = at(Talk().frames("> S", "< S.", "> .", "> P. hello", "< ."), 0, 1, 2, 3, 4)
    assert retry_waits(evidence_of(frames)) == ()
