"""The expectations on what a waiting call tells of, and on what a program hands to the kernel: on a recorded run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.judge.calls.descriptors import handed
from lab.judge.calls.readiness import told_of
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged
from lab.judge.serving.services import services
from lab.judge.verdict import Result, Verdict
from lab.kernel.calls import parse_strace
from lab.recording.run import Run
from lab.recording.store import load
from lab.wire.segment import Endpoint
from tests.records import changed

RUN = Path(__file__).parents[3] / "fixtures" / "runs" / "models"
SERVER = "serve_poll.traced"
CLIENT = "serve_poll.traced.trio.a"
TALKS = ("asked", "answered")


@pytest.fixture(scope="module")
def run() -> Run:
    evidence = load(RUN)
    trio = evidence.play.party("serve_poll.traced.trio")
    clients = tuple(
        replace(trio, name=f"{trio.name}.{found.name}", local=Endpoint(*found.conversation.client))
        for found in services(evidence, (trio.name,))
    )
    return changed(evidence, parties=(*evidence.play.parties, *clients))


def judged(expectation: Judged, run: Run, verdict: Verdict) -> Result:
    result = expectation.judge(run)
    assert result.verdict is verdict, result
    return result


def test_a_server_is_told_of_a_client_once_for_each_request_and_for_its_end(run: Run) -> None:
    requests = len(next(one for one in services(run, ("serve_poll.traced.trio",)) if one.name == "a").answers)
    assert requests > 1
    judged(told_of(SERVER, CLIENT, requests + 1, within=TALKS, id="t"), run, Verdict.PASS)
    judged(told_of(SERVER, CLIENT, f">{requests}", id="t"), run, Verdict.PASS)


def test_a_wrong_number_shows_what_was_called_on_that_connection(run: Run) -> None:
    result = judged(told_of(SERVER, CLIENT, 0, within=TALKS, id="t"), run, Verdict.FAIL)
    assert result.comparison is not None
    first, *others = result.comparison.pairs
    assert (first.expected or ("", ""))[1] == "0"
    assert first.differs == {1}
    assert f"recvfrom({CLIENT})" in {(pair.observed or ("",))[0] for pair in others}
    (look,) = result.look
    assert look.line is not None
    assert "poll(" in run.trace(SERVER).text.split("\n")[look.line - 1]


def test_a_client_that_the_program_never_had_decides_nothing(run: Run) -> None:
    judged(told_of(SERVER, "serve_poll.plain.trio", 0, id="t"), run, Verdict.INCONCLUSIVE)


def test_descriptors_that_are_handed_over_are_added_up(run: Run) -> None:
    polls = [call for call in run.trace(SERVER).calls if call.family == "poll"]
    total = sum(len([each for each in call.descriptors if "TCP" in each.what]) for call in polls)
    assert total > len(polls), "a list at each call"
    judged(handed(SERVER, ("poll",), total, id="h"), run, Verdict.PASS)
    judged(handed(SERVER, ("poll", "epoll_ctl"), total, id="h"), run, Verdict.PASS)
    judged(handed(SERVER, ("poll",), 0, kind="eventpoll", id="h"), run, Verdict.PASS)


def test_a_wrong_sum_shows_each_call(run: Run) -> None:
    result = judged(handed(SERVER, ("poll", "epoll_ctl"), 0, id="h"), run, Verdict.FAIL)
    assert result.comparison is not None
    assert [(pair.observed or ("",))[0] for pair in result.comparison.pairs] == ["poll+epoll_ctl", "poll", "epoll_ctl"]
    assert result.look[0].line is not None


def test_an_amount_that_cannot_be_read_is_a_mistake_of_the_exercise() -> None:
    with pytest.raises(ExerciseError):
        told_of(SERVER, CLIENT, "many", id="t")
    with pytest.raises(ExerciseError):
        handed(SERVER, ("poll",), "all", id="h")


def test_only_the_half_of_an_epoll_event_that_is_a_descriptor_is_read() -> None:
    line = "7 1.0 epoll_wait(4<anon_inode:[eventpoll]>, [{events=EPOLLIN, data=0x7f2b00000006}], 9, -1) = 1 <0.1>"
    assert parse_strace(line).calls[0].ready == (6,)
