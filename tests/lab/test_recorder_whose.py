"""Whose it is what the kernel tells: two labs run the same programs, and each records its own alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest

from lab.hosts import recorder
from lab.hosts.cleanup import remove_lab
from lab.hosts.recorder import Recorder
from lab.kernel.homes import Homes
from lab.kernel.listing import list_trace
from lab.kernel.trace import KernelTrace, Transition
from lab.recording.raw import KernelRecord
from lab.recording.recording import Recording
from lab.recording.run import Run
from lab.report.timeline_text import LACKS
from lab.settings import PORT, Settings
from lab.stage import Stage
from lab.timeline.model import StateChange
from lab.wire.state import State
from tests.lab.kernelrecord import Scene, scene
from tests.records import timeline_of
from tests.support import another_lab, left_of

pytestmark = pytest.mark.lab

FIRST_PROCESSOR_ALONE: Final = """
import sys
sys.path.insert(0, "/lab/recorder")
import record
ask, asked = record.processors, []
def processors():
    asked.append(1)
    return ask()[:1] if len(asked) == 1 else ask()
record.processors = processors
sys.exit(record.main(*sys.argv[1:]))
"""
"""As it is for the recorder when the other processors come online after it has begun."""
BOTH_FAMILIES: Final = """
import socket
listener = socket.create_server(("", 8001), family=socket.AF_INET6, dualstack_ipv6=True)
print("listening", flush=True)
listener.accept()
"""
"""As asyncio has it, and most servers that are given no address."""


@pytest.fixture
def lab(hosts_up: Settings) -> Iterator[Scene]:
    with scene(hosts_up) as found:
        yield found


@pytest.fixture(scope="module")
def other(settings: Settings) -> Iterator[Settings]:
    """A lab beside it."""
    found = another_lab(settings, "whose")
    try:
        yield found
    finally:
        remove_lab(found)
        assert left_of(found) == []


def homes(trace: KernelTrace) -> Homes:
    return Homes(trace.agents, trace.started)


def addresses(lab: Scene) -> dict[str, str]:
    return {name: host.address for name, host in lab.hosts.items()}


def listening(record: KernelRecord) -> list[Transition]:
    return [each for each in record.trace.transitions if each.new is State.LISTEN]


def evidence_of(lab: Scene, record: KernelRecord) -> Run:
    """Return a run that is nothing but the kernel's record."""
    trace = record.trace
    return Run(Recording(trace.begun_ns, trace.ended_ns, addresses(lab), kernel=record))


def test_two_labs_record_no_call_of_each_other_and_each_a_server_on_all_addresses(lab: Scene, other: Settings) -> None:
    with ExitStack() as both:
        labs = (lab, both.enter_context(scene(other)))
        for each in labs:
            each.begin()
        for each in labs:
            stage = Stage(each.hosts)
            with stage.step("rounds"):
                stage.serve("listens_on_all", port=PORT, name="everywhere")
                stage.run("rounds", port=PORT, args=("20",), name="rounds")
        records = [each.end() for each in labs]
    for each, record in zip(labs, records, strict=True):
        trace, whose = record.trace, homes(record.trace)
        assert (record.complete, trace.left_out) == (True, ())
        assert {*trace.agents.values()} == {*addresses(each).values()}
        assert {whose.of(call.pid) for call in trace.calls} == {*addresses(each).values()}
        assert sum(call.name == "connect" and call.result == 0 for call in trace.calls) == 20
        (listens,) = listening(record)
        server = addresses(each)["server"]
        assert (str(listens.local), whose.of(listens.pid)) == (f"0.0.0.0:{PORT}", server)
        assert f"0.0.0.0:{PORT} 0.0.0.0:0  UNCONN -> LISTEN" in list_trace(trace, {*addresses(each).values()})
        states = [
            (moment.host, moment.what.state)
            for moment in timeline_of(evidence_of(each, record)).moments
            if isinstance(moment.what, StateChange) and moment.talk is None
        ]
        assert states[0] == ("server", State.LISTEN)


def test_a_busy_program_of_another_lab_loses_this_lab_no_event(lab: Scene, other: Settings) -> None:
    with scene(other) as second:
        stage = Stage(second.hosts)
        lab.begin(recorder.BUFFER_KB // 64)
        with stage.step("rounds"):
            stage.serve("serve_blocking", port=PORT, name="busy")
            stage.run("rounds", port=PORT, args=("1500",), name="busy rounds")
        lab.connect(5)
        record = lab.end()
    assert (record.complete, record.trace.lost) == (True, {})
    assert len(record.data) < 200_000


def test_a_server_of_both_families_listens_on_its_host(lab: Scene) -> None:
    lab.begin()
    channel = lab.hosts["server"].channel
    channel.call("spawn", name="both", argv=["python3", "-c", BOTH_FAMILIES])
    assert channel.wait_event(lambda event: event.data.get("text") == "listening", 5)
    channel.call("stop_all")
    record = lab.end()
    (listens,) = [each for each in listening(record) if each.local.port == 8001]
    assert (listens.local.address, homes(record.trace).of(listens.pid)) == ("::", addresses(lab)["server"])
    closed = [each for each in record.trace.transitions if each.socket == listens.socket and each.new is State.CLOSED]
    assert len(closed) == 1


def test_where_agents_are_not_known_programs_are_told_by_name_and_the_record_says_so(
    lab: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "_show_who", lambda *_: None)
    lab.begin()
    lab.connect(5)
    record = lab.end()
    assert (record.complete, record.trace.agents, record.trace.left_out) == (True, {}, ("all-addresses",))
    assert sum(call.name == "connect" and call.result == 0 for call in record.trace.calls) >= 5
    assert timeline_of(evidence_of(lab, record)).lacks == ("by-name", *_missing(record))
    assert "by-name" in LACKS


def test_a_machine_whose_calls_have_no_numbers_here_is_no_kernel_that_does_not_tell_of_them(
    lab: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "syscall_ids", lambda _machine: ())
    lab.begin()
    lab.connect(5)
    record = lab.end()
    assert (record.complete, record.trace.calls) == (True, ())
    assert {each.program for each in record.trace.started} >= {"/lab/bin/serve_blocking", "/lab/bin/rounds"}
    assert not any("sys_enter" in event for event in record.trace.missing)
    assert timeline_of(evidence_of(lab, record)).lacks == ("no-calls", *_missing(record))


def _missing(record: KernelRecord) -> list[str]:
    return [f"missing-{event.partition(':')[2]}" for event in record.trace.missing]


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one processor alone")
def test_what_a_processor_told_that_came_later_counts_as_lost(lab: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "COMMAND", (*recorder.COMMAND[:-1], "-c", FIRST_PROCESSOR_ALONE))
    lab.begin()
    lab.connect(100)
    record = lab.end()
    assert not record.complete
    cpus = json.loads(record.data[:].partition(b"\n")[0])["cpus"]
    assert {each["dropped_events"] for each in cpus if each["cpu"] == 0} == {0}
    assert sum(record.trace.lost.values()) > 0
