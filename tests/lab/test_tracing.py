"""Programs under strace are driven like any other, their traces are whole, and nothing of it stays behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from lab.conditions import held, unread
from lab.errors import EvidenceError, MachineError
from lab.hosts.connection import open_hosts
from lab.hosts.host import Host
from lab.settings import ROOT, Settings
from lab.stage import Stage
from tests.support import eventually, run, variables

pytestmark = pytest.mark.lab

SERVES_TRACED: Final = """
import os, signal
from lab.hosts.connection import open_hosts
from lab.settings import read_settings
from lab.stage import Stage

with open_hosts(read_settings(os.environ), None) as hosts:
    Stage(hosts).serve("serve_processes", port=8000, trace=True)
    print("served", flush=True)
    signal.pause()
"""


@pytest.fixture
def hosts(hosts_up: Settings) -> Iterator[Mapping[str, Host]]:
    with open_hosts(hosts_up, None) as found:
        for host in found.values():
            host.clean()
        yield found
        for host in found.values():
            with contextlib.suppress(MachineError):
                host.clean()


@pytest.fixture
def stage(hosts: Mapping[str, Host]) -> Stage:
    return Stage(hosts)


def processes(settings: Settings) -> list[str]:
    """Return the commands that run in the server's host, as the machine sees them."""
    lines = run("docker", "exec", settings.container("server"), "ps", "-eo", "args").splitlines()
    return [line for line in lines if "strace" in line or "/lab/bin/" in line]


def traces_left(settings: Settings) -> str:
    return run("docker", "exec", settings.container("server"), "sh", "-c", "ls /tmp /run/traces | grep [.]strace || :")


def test_a_traced_program_keeps_its_name_its_number_and_its_ways(stage: Stage, hosts_up: Settings) -> None:
    server = stage.serve("serve_blocking", port=8000, trace=True)
    a = stage.client("a", port=8000)
    a.say("hello")
    stage.snapshot("held", on=("server",), server=held("a"))
    (row,) = [row for row in stage.seen_outputs[-1].rows if row.peer is not None]
    assert [(one.name, one.pid, one.fd) for one in row.processes] == [("serve_blocking", server.pid, 4)]
    server.freeze()
    a.say("again", answer=False)
    stage.snapshot("frozen", on=("server",), server=unread("a", 5))
    server.thaw()
    a.wait_says("AGAIN")
    server.stop()
    (trace,) = stage.traces()
    assert not trace.cut
    assert trace.traced.ends == {server.pid: "killed by SIGTERM"}
    assert [call.result for call in trace.calls if call.family == "send"] == [5, 5]
    assert processes(hosts_up) == []
    assert traces_left(hosts_up) == ""


def test_what_still_runs_is_ended_and_its_trace_is_whole(stage: Stage, hosts_up: Settings) -> None:
    server = stage.serve("serve_threads", port=8000, trace=True)
    stage.client("a", port=8000).say("hello")
    stage.settle("server", 5)  # the answer is there before its thread reads again
    (trace,) = stage.traces()
    assert not trace.cut
    assert trace.traced.ends[server.pid] == "killed by SIGKILL"
    inside = {call.family for call in trace.calls if call.duration_ns is None and not call.name.startswith("exit")}
    assert {"accept", "recv"} <= inside, "it is told in which calls its threads were"
    assert processes(hosts_up) == []
    assert traces_left(hosts_up) == ""


def test_a_traced_program_that_was_frozen_is_ended_too(stage: Stage, hosts_up: Settings) -> None:
    server = stage.serve("serve_blocking", port=8000, trace=True)
    server.freeze()
    (trace,) = stage.traces()
    assert not trace.cut
    assert processes(hosts_up) == []


def test_a_client_can_be_traced_beside_its_server(stage: Stage) -> None:
    stage.serve("serve_blocking", port=8000, trace=True)
    a = stage.client("a", port=8000, trace=True)
    a.say("hello")
    a.leave()
    programs = {party.pid: party.name for party in stage.parties}
    traces = {programs[trace.pid]: trace for trace in stage.traces()}
    (sent,) = [call for call in traces["a"].calls if call.family == "send"]
    (got,) = [call for call in traces["server"].calls if call.family == "recv" and call.result == 5]
    assert sent.on is not None
    assert got.on is not None
    assert (sent.on.local, sent.on.peer) == (got.on.peer, got.on.local)
    assert sent.begun_ns < got.begun_ns + (got.duration_ns or 0)


def test_a_program_that_ended_by_itself_has_a_whole_trace(stage: Stage) -> None:
    stage.serve("serve_blocking", port=8000, trace=True).stop()
    taken = stage.serve("serve_blocking", name="second", port=8000, trace=True)
    taken.stop()
    assert [trace.cut for trace in stage.traces()] == [False, False]


def test_without_strace_that_is_said(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.programs.STRACE", ("strace", "--no-such-option"))
    stage.serve("serve_blocking", port=8000, trace=True, ready=False).wait()
    with pytest.raises(EvidenceError) as caught:
        stage.traces()
    assert caught.value.code == "probe-died"
    assert "no-such-option" in str(caught.value.params["detail"])


def test_kill_9_of_the_lab_leaves_no_strace_and_the_next_lab_no_trace(hosts_up: Settings) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVES_TRACED],
        cwd=ROOT,
        env={**os.environ, **variables(hosts_up)},
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "served\n"
        assert any("strace" in line for line in processes(hosts_up))
        holder.send_signal(signal.SIGKILL)
    assert eventually(lambda: not processes(hosts_up)), processes(hosts_up)
    with open_hosts(hosts_up, None) as found:
        found["server"].clean()
    assert traces_left(hosts_up) == ""


def test_what_is_used_counts_all_processes_and_threads_the_ended_ones_time_too(stage: Stage) -> None:
    stage.serve("serve_processes", name="processes", port=8000)
    stage.serve("serve_threads", name="threads", port=8001)
    stage.measure("before", "processes", "threads")
    for port in (8000, 8001):
        stage.begin(f"trio{port}", program="trio", port=port).wait_says("all answered")
    stage.measure("after", "processes", "threads")
    readings = zip(stage.usages, stage.seen_usages, strict=True)
    used = {(taken.name, taken.party): usage for taken, usage in readings}
    for party in ("processes", "threads"):
        before, after = used["before", party], used["after", party]
        assert after.cpu_ns - before.cpu_ns > 0, party
        assert after.voluntary - before.voluntary >= 15, party
        assert after.time_ns > before.time_ns


def test_what_the_host_used_holds_all_that_its_programs_did(stage: Stage) -> None:
    stage.serve("serve_threads", name="threads", port=8000)
    stage.measure("before", "threads")
    stage.begin("trio", program="trio", port=8000).wait_says("all answered")
    stage.measure("after", "threads")
    mine = [usage.cpu_ns for usage in stage.seen_usages]
    whole = [usage.host_cpu_ns for usage in stage.seen_usages if usage.host_cpu_ns is not None]
    assert len(whole) == len(mine), "an engine mounts the container's cgroup, of either version"
    assert whole[1] - whole[0] >= mine[1] - mine[0] - 1000, "v2 tells whole microseconds"
