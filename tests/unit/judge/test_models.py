"""The expectations about system calls, about who is served when, and about what is spent: on a recorded run."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import EvidenceError
from lab.judge.calls.answer_chain import chain_of
from lab.judge.calls.made import blocked_in, called
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged
from lab.judge.readings.costs import cost_of
from lab.judge.readings.spending import spent
from lab.judge.serving.order import overlap, waits_for
from lab.judge.serving.services import in_turn, services
from lab.judge.verdict import Result, Verdict
from lab.recording.play import Step
from lab.recording.raw import CaptureRecord
from lab.recording.run import Run
from lab.recording.saved import SavedHostUsage, saved_form
from lab.recording.store import load
from lab.wire.segment import Endpoint
from tests.records import changed

RUN = Path(__file__).parents[2] / "fixtures" / "runs" / "models"
IN_TURN, AT_ONCE = "serve_blocking.plain.trio", "serve_poll.plain.trio"


@pytest.fixture(scope="module")
def run() -> Run:
    return _named(load(RUN))


def _named(evidence: Run) -> Run:
    """Return the run with each connection of a trio as a client of its own, as `stage.client` would have them."""
    parties = list(evidence.play.parties)
    for trio in [one for one in evidence.play.parties if one.name.endswith(".trio")]:
        for found in services(evidence, (trio.name,)):
            name = f"{trio.name}.{found.name}"
            parties.append(replace(trio, name=name, local=Endpoint(*found.conversation.client)))
    return changed(evidence, parties=tuple(parties))


def fails(expectation: Judged, run: Run) -> Result:
    result = expectation.judge(run)
    assert result.verdict is Verdict.FAIL, result
    return result


def passes(expectation: Judged, run: Run) -> None:
    result = expectation.judge(run)
    assert result.verdict is Verdict.PASS, result


def test_calls_are_counted_on_one_connection_under_the_name_that_programs_use(run: Run) -> None:
    client = "serve_blocking.traced.trio.a"
    passes(called("serve_blocking.traced", "send", 15, of=client, id="c"), run)
    passes(called("serve_blocking.traced", "sendto", 15, of=client, id="c"), run)
    passes(called("serve_blocking.traced", "accept", 6, of="listener", id="c"), run)
    passes(called("serve_blocking.traced", "recv", 0, error="EAGAIN", id="c"), run)


def test_calls_are_counted_between_two_readings(run: Run) -> None:
    passes(called("serve_poll.traced", "poll", 0, within=("rests", "rested"), id="c"), run)
    passes(called("serve_poll.traced", "poll", ">10", within=("asked", "answered"), id="c"), run)


def test_a_count_that_fails_shows_what_was_called_instead_and_where(run: Run) -> None:
    result = fails(called("serve_poll.traced", "epoll_wait", ">0", id="c"), run)
    assert result.comparison is not None
    first, *others = result.comparison.pairs
    assert (first.expected, first.observed) == (("epoll_wait()", ">0"), ("epoll_wait()", "0"))
    assert first.differs == {1}
    assert any((pair.observed or ("",))[0].startswith("poll") for pair in others)
    assert result.look[0].file == "traces/serve_poll.traced.strace"
    assert result.look[0].line == 1


def test_a_call_that_a_signal_broke_off_is_not_counted_twice(run: Run) -> None:
    calls = run.trace("serve_blocking.traced").calls
    assert any(call.broken_off for call in calls) or calls[-1].name == "accept4"
    passes(called("serve_blocking.traced", "accept", 6, id="c"), run)


def test_a_waiting_client_waits_while_the_server_is_inside_the_call_for_another(run: Run) -> None:
    server, a, b = "serve_blocking.traced", "serve_blocking.traced.trio.a", "serve_blocking.traced.trio.b"
    passes(blocked_in(server, "recv", of=a, while_waits=b, id="b"), run)
    result = fails(blocked_in(server, "accept", of="listener", while_waits=b, id="b"), run)
    assert result.comparison is not None
    assert result.comparison.pairs[1].observed is not None
    assert result.comparison.pairs[1].observed[0] == f"recvfrom({a})"
    assert result.look[0].line is not None
    assert "recvfrom" in run.trace(server).text.split("\n")[result.look[0].line - 1]


def test_where_a_program_waits_needs_a_time() -> None:
    with pytest.raises(ExerciseError):
        blocked_in("server", "recv", id="b")


def test_a_cut_trace_decides_nothing(run: Run) -> None:
    cut = changed(run, traces=tuple(replace(trace, cut=True) for trace in saved_form(run).traces))
    assert called("serve_poll.traced", "poll", id="c").judge(cut).verdict is Verdict.INCONCLUSIVE


def test_clients_of_a_blocking_server_are_served_in_turn(run: Run) -> None:
    a, b, c = (f"{IN_TURN}.{name}" for name in "abc")
    passes(waits_for(b, a, id="w"), run)
    fails(overlap((a, b, c), id="o"), run)
    assert in_turn(services(run, (IN_TURN,)))


def test_clients_of_a_polling_server_are_served_at_the_same_time(run: Run) -> None:
    a, b, c = (f"{AT_ONCE}.{name}" for name in "abc")
    passes(overlap((a, b, c), id="o"), run)
    result = fails(waits_for(b, a, id="w"), run)
    assert result.comparison is not None
    assert [pair.observed[0] for pair in result.comparison.pairs if pair.observed] == [
        f"{b}: request",
        f"{b}: answer",
        f"{a}: FIN",
    ]
    assert not in_turn(services(run, (AT_ONCE,)))


def test_an_answer_that_never_came_is_said(run: Run) -> None:
    a, b = (f"{IN_TURN}.{name}" for name in "ab")
    record = run.recording.capture("server")
    port = services(run, (b,))[0].conversation.client.port
    kept = [segment for segment in record.capture.segments if segment.dst.port != port or not segment.length]
    silent = changed(run, captures=(_only(record, {segment.number for segment in kept}),))
    result = fails(waits_for(b, a, id="w"), silent)
    assert result.observed.code == "answered-never"


def test_what_is_spent_is_a_ratio(run: Run) -> None:
    asked = ("asked", "answered")
    passes(spent("serve_poll.plain", asked, 1, than=asked, id="p"), run)
    passes(spent("serve_poll.plain", ("rests", "rested"), "<0.1", id="p"), run)
    result = fails(spent("serve_poll.plain", asked, ">50", than=asked, id="p"), run)
    assert result.comparison is not None
    assert result.comparison.pairs[0].differs == {1}
    nothing = spent("serve_poll.plain", asked, ">1", than=("rests", "rests"), id="p")
    assert nothing.judge(run).verdict is Verdict.INCONCLUSIVE


def test_what_cannot_be_compared_is_refused_when_the_exercise_is_loaded() -> None:
    with pytest.raises(ExerciseError):
        spent("server", ("a", "b"), "many", id="p")


def test_the_costs_are_those_of_the_standard_work(run: Run) -> None:
    blocking, poll = cost_of(run, "serve_blocking"), cost_of(run, "serve_poll")
    assert (blocking.in_turn, poll.in_turn) == (True, False)
    assert 2 <= blocking.calls < poll.calls < 5
    assert blocking.idle_calls == poll.idle_calls == 0
    assert [name for name, _ in blocking.first_answers_ns] == ["a", "b", "c"]
    assert [waited for _, waited in blocking.first_answers_ns] == sorted(
        waited for _, waited in blocking.first_answers_ns
    )


def test_the_host_spends_what_its_cgroup_says_between_the_readings(run: Run) -> None:
    """Let the fixture, which is older than these records, have some: 60 requests in 0.9 ms of the host."""
    assert cost_of(run, "serve_poll").host_cpu_ns is None
    party, spent_ns = "serve_poll.plain", {"asked": 5_000_000, "answered": 5_900_000}
    told = tuple(SavedHostUsage(name, "serve_poll", "server", party, 0, cpu_ns) for name, cpu_ns in spent_ns.items())
    requests = sum(len(one.answers) for one in services(run, (f"{party}.trio",)))
    assert cost_of(changed(run, host_usages=told), "serve_poll").host_cpu_ns == 900_000 / requests


def test_the_calls_that_led_to_an_answer_show_who_was_waited_for() -> None:
    run = load(RUN)
    acts = chain_of(run, "serve_blocking.traced", run.play.step("serve_blocking"))
    assert [(act.call.family, act.name) for act in acts] == [
        ("recv", "b"),
        ("close", "b"),
        ("accept", "c"),
        ("recv", "c"),
        ("send", "c"),
    ]
    assert [(one.name, one.kind) for one in acts[0].arrivals] == [("b", "end")]
    polled = chain_of(run, "serve_poll.traced", run.play.step("serve_poll"))
    assert [act.call.family for act in polled] == ["poll", "recv", "send"]
    assert polled[0].arrivals


def test_a_step_without_an_answer_has_no_such_calls(run: Run) -> None:
    with pytest.raises(EvidenceError):
        chain_of(run, "serve_poll.traced", Step("empty", run.recording.ended_ns, run.recording.ended_ns))


def _only(record: CaptureRecord, numbers: set[int]) -> CaptureRecord:
    """Return a capture with only these frames."""
    data, at, kept = record.data, 24, [record.data[:24]]
    for number in range(1, record.captured + 1):
        (length,) = struct.unpack_from("<I", data, at + 8)
        if number in numbers:
            kept.append(data[at : at + 16 + length])
        at += 16 + length
    count = len(kept) - 1
    return replace(record, content=b"".join(kept), captured=count, received=count)
