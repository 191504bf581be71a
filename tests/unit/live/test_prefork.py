"""A server that forked its workers before anybody connected: a recording, heard as it comes, and as a run's record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from lab.kernel.ring import parse_kernel_trace
from lab.kernel.trace import KernelCall, KernelTrace, Started
from lab.live.news import Item
from lab.live.owners import Thread
from lab.recording.saved import SavedLab
from lab.timeline.model import CallMade, Lane
from lab.wire.state import State
from tests.fixtures.record_captures import ADDRESS, CLIENT, SERVER
from tests.records import changed, timeline_of
from tests.unit.kernel.printed import recording
from tests.unit.live.builders import SECOND, Happened, hear, news, programs
from tests.unit.timeline.builders import kernel, run

FACTS = {"server": ADDRESS[SERVER], "client": ADDRESS[CLIENT]}
MS = 1_000_000
WORKERS = 5


@cache
def recorded() -> KernelTrace:
    return parse_kernel_trace(recording("prefork"), where="prefork")


def family(trace: KernelTrace) -> list[int]:
    """Return the server's processes, the first of them above the others."""
    (server,) = {each.pid for each in trace.transitions if each.new is State.LISTEN}
    return [server, *(each.pid for each in trace.started if each.parent == server)]


def run_by_python(trace: KernelTrace) -> KernelTrace:
    """As the kernel tells of what a learner has written: who forked whom, and no names."""
    return replace(trace, started=tuple(each for each in trace.started if not each.program))


def heard(trace: KernelTrace, every_ns: int) -> list[Item]:
    threads = {pid: Thread("my_server", FACTS["server"]) for pid in family(trace)}
    return hear(Happened({}, trace), every_ns, facts=FACTS, who=lambda: threads)[0]


def of_family(items: Sequence[Item], trace: KernelTrace) -> dict[int, set[Lane]]:
    """Return in which columns the calls of each of the server's processes stand."""
    found: dict[int, set[Lane]] = {}
    for one in news(items):
        what = one.moment.what
        if isinstance(what, CallMade) and what.pid in family(trace):
            found.setdefault(what.pid, set()).add(one.moment.lane)
    return found


def test_the_recording_has_a_parent_and_its_workers() -> None:
    assert len(family(recorded())) == 1 + WORKERS
    waits = {call.pid for call in recorded().calls if call.name == "epoll_wait"}
    assert waits == {*family(recorded())[1:]}


@pytest.mark.parametrize("every_ns", [2 * MS, 200 * MS, 3 * SECOND])
@pytest.mark.parametrize("named", [True, False], ids=["a program of the lab's", "a learner's own"])
def test_every_worker_is_told_of_in_the_servers_column_and_the_program_appears_once(
    named: bool,  # noqa: FBT001
    every_ns: int,
) -> None:
    trace = recorded() if named else run_by_python(recorded())
    items = heard(trace, every_ns)
    assert of_family(items, trace) == {pid: {Lane.SERVER_CALLS} for pid in family(trace)}
    (server,) = [program for program, host in programs(items) if host == "server"]
    assert server == ("fix_prefork" if named else "my_server")


def woken_late(trace: KernelTrace) -> tuple[int, int, KernelTrace]:
    """Return a worker, a time, and what happens when that worker's first wait is over only then: a minute later.

    The listener stays, and nobody saw the wait begin: the worker was in no call all the time.
    """
    worker = family(trace)[1]
    begun_ns = min(call.begun_ns for call in trace.calls if call.pid == worker and call.name == "epoll_wait")
    late_ns = max(each.time_ns for each in trace.transitions) + 60 * SECOND
    calls = [call for call in trace.calls if (call.pid != worker or call.begun_ns < begun_ns)]
    calls = [call for call in calls if (call.pid, call.name) != (family(trace)[0], "close")]
    for number in range(3):
        at_ns = late_ns + number * SECOND
        calls += [
            KernelCall(worker, "accept4", 3, (3,), at_ns, at_ns + 1000, -11, None),
            KernelCall(worker, "epoll_ctl", 4, (4, 1, 3), at_ns + 2000, at_ns + 3000, 0, None),
        ]
    stays = tuple(each for each in trace.transitions if (each.old, each.new) != (State.LISTEN, State.CLOSED))
    return worker, late_ns, replace(trace, calls=tuple(calls), transitions=stays)


def test_a_worker_that_slept_for_a_minute_is_still_the_servers() -> None:
    _, late_ns, trace = woken_late(run_by_python(recorded()))
    late = [one for one in news(heard(trace, SECOND // 2)) if one.time_ns >= late_ns]
    told = [
        (one.moment.what.name, one.moment.lane, one.program) for one in late if isinstance(one.moment.what, CallMade)
    ]
    assert set(told) == {("accept", Lane.SERVER_CALLS, "my_server"), ("epoll_ctl", Lane.SERVER_CALLS, "my_server")}


def test_another_program_that_got_a_workers_number_is_not_the_servers() -> None:
    worker, late_ns, trace = woken_late(run_by_python(recorded()))
    looks: list[int] = []

    def who() -> dict[int, Thread]:
        looks.append(1)
        there = family(trace) if len(looks) == 1 else [pid for pid in family(trace) if pid != worker]
        return {pid: Thread("my_server", FACTS["server"]) for pid in there}

    items, _ = hear(Happened({}, trace), SECOND // 2, facts=FACTS, who=who)
    assert [one for one in news(items) if one.time_ns >= late_ns] == []
    assert len(looks) < 5, "nobody is asked for again and again"


def test_in_a_run_a_worker_that_only_waits_is_the_servers_too() -> None:
    """Also where it is a program of its own to the kernel: it was started again, with the listener at hand."""
    trace = recorded()
    begun = {each.pid: each.time_ns for each in trace.started if not each.program}
    again = [
        Started(time_ns + 1000, pid, "/lab/bin/worker", None) for pid, time_ns in begun.items() if pid in family(trace)
    ]
    for started in (trace.started, tuple(sorted([*trace.started, *again]))):
        record = kernel(calls=trace.calls, started=started, transitions=trace.transitions)
        line = timeline_of(changed(run(record=record), lab=SavedLab("live", "10.0.0.0/24", FACTS)))
        lanes: dict[int, set[Lane]] = {}
        for moment in line.moments:
            if isinstance(moment.what, CallMade) and moment.what.pid in family(trace):
                lanes.setdefault(moment.what.pid, set()).add(moment.lane)
        assert lanes == {pid: {Lane.SERVER_CALLS} for pid in family(trace)}
