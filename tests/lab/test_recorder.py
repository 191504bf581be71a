"""The kernel's recorder in its container: what it sees, what it may do, and that it says what it has lost."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest

from lab.hosts import compose, recorder
from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import bring_up
from lab.hosts.recorder import BUFFER_KB
from lab.kernel.trace import PROGRAMS
from lab.recording.raw import KernelRecord
from lab.settings import HOSTS, PORT, RECORDER, Settings
from lab.stage import Stage
from lab.wire.segment import Endpoint
from lab.wire.state import State
from tests.lab.kernelrecord import (
    SYS_ADMIN,
    Scene,
    container_ids,
    in_recorder,
    mounted,
    powers,
    scene,
    signal_in_recorder,
)
from tests.support import another_lab, eventually, left_of, needs_root, trace_instances

pytestmark = pytest.mark.lab

CLIENT_PATH: Final = (
    (State.CLOSED, State.SYN_SENT),
    (State.SYN_SENT, State.ESTABLISHED),
    (State.ESTABLISHED, State.CLOSE_WAIT),
    (State.CLOSE_WAIT, State.LAST_ACK),
    (State.LAST_ACK, State.CLOSED),
)
SERVER_PATH: Final = (
    (State.LISTEN, State.SYN_RECEIVED),
    (State.SYN_RECEIVED, State.ESTABLISHED),
    (State.ESTABLISHED, State.FIN_WAIT_1),
    (State.FIN_WAIT_1, State.FIN_WAIT_2),
    (State.FIN_WAIT_2, State.CLOSED),
)
NEEDED: Final = {
    "sock:inet_sock_set_state",
    "raw_syscalls:sys_enter",
    "raw_syscalls:sys_exit",
    "sched:sched_process_exec",
    "sched:sched_process_fork",
}
"""What every kernel of the last years has, so that one of them is missing only when its filter was refused."""
ALL_BUFFERS_KB: Final = 4096
"""Of all processors: less than what is recorded, and enough for as long as a busy machine lets the recorder wait."""
SMALL_KB: Final = 64
FULL: Final = "/tmp/full"  # noqa: S108 - the recorder's own
BY_MONO: Final = """
import sys
sys.path.insert(0, "/lab/recorder")
import instance, record
instance.best_clock = lambda offered: "mono"
sys.exit(record.main(*sys.argv[1:]))
"""
"""As the recorder does it where the kernel has no clock called tai."""
FEW_BYTES: Final = 2**18
FEW_CALLS: Final = f"""
import sys
sys.path.insert(0, "/lab/recorder")
import record
record.MOST_CALLS_BYTES = {FEW_BYTES}
sys.exit(record.main(*sys.argv[1:]))
"""


@pytest.fixture
def lab(hosts_up: Settings) -> Iterator[Scene]:
    with scene(hosts_up) as found:
        yield found


def paths(record: KernelRecord, local: Endpoint) -> Counter[tuple[tuple[State, State], ...]]:
    """Return the ways of the sockets with that local address, and how many went each; a port 0 is any."""
    by_socket: dict[int, list[tuple[State, State]]] = {}
    for change in record.trace.transitions:
        if change.local.address == local.address and local.port in (0, change.local.port):
            by_socket.setdefault(change.socket, []).append((change.old, change.new))
    ways: Counter[tuple[tuple[State, State], ...]] = Counter()
    for changes in by_socket.values():
        way: list[tuple[State, State]] = []
        for step in changes:  # the kernel gives out the address of a freed socket again
            way.append(step)
            if step[1] is State.CLOSED:
                ways[tuple(way)] += 1
                way = []
    return ways


def test_every_state_of_both_ends_and_every_call_is_recorded(lab: Scene) -> None:
    lab.begin()
    lab.connect(20)
    record = lab.end()

    trace = record.trace
    assert (record.complete, trace.lost) == (True, {})
    assert (trace.precision_ns == 0) == (trace.clock == "tai")
    assert not NEEDED & set(trace.missing)
    assert paths(record, Endpoint(lab.hosts["client"].address, 0))[CLIENT_PATH] == 20
    assert paths(record, Endpoint(lab.hosts["server"].address, PORT))[SERVER_PATH] == 20
    (client,) = {change.pid for change in trace.transitions if change.new is State.SYN_SENT}
    (server,) = {change.pid for change in trace.transitions if change.new is State.FIN_WAIT_1}
    started = {each.pid: each.program for each in trace.started}
    assert (started[client], started[server]) == ("/lab/bin/rounds", "/lab/bin/serve_blocking")
    calls = Counter((call.pid, call.name) for call in trace.calls)
    assert calls[client, "connect"] == 20
    assert calls[server, "accept4"] == 21, "the last one waits until the server is ended"
    assert trace.begun_ns < min(change.time_ns for change in trace.transitions)
    assert max(change.time_ns for change in trace.transitions) < trace.ended_ns


def test_a_connect_begins_before_its_syn_sent_and_ends_after_it_is_established(lab: Scene) -> None:
    lab.begin()
    lab.connect(50)
    trace = lab.end().trace

    states = {state: [change for change in trace.transitions if change.new is state] for state in State}
    (client,) = {change.pid for change in states[State.SYN_SENT]}
    connects = [call for call in trace.calls if call.name == "connect" and call.pid == client]
    assert len(connects) == 50
    for call in connects:
        sent = [c for c in states[State.SYN_SENT] if c.pid == call.pid and c.time_ns > call.begun_ns]
        done = [c for c in states[State.ESTABLISHED] if c.socket == sent[0].socket and c.time_ns > sent[0].time_ns]
        assert call.ended_ns is not None
        assert call.begun_ns < sent[0].time_ns < done[0].time_ns < call.ended_ns


def test_a_second_recording_knows_nothing_of_the_first(hosts_up: Settings) -> None:
    for count in (3, 2):
        with scene(hosts_up) as lab:
            lab.begin()
            lab.connect(count)
            assert paths(lab.end(), Endpoint(lab.hosts["server"].address, PORT))[SERVER_PATH] == count


def test_when_it_is_over_the_kernel_records_nothing_for_the_lab_any_more(lab: Scene) -> None:
    lab.begin()
    assert trace_instances().get(f"socketlab-{lab.settings.name}", True)
    lab.end()
    assert eventually(lambda: f"socketlab-{lab.settings.name}" not in trace_instances())
    assert in_recorder(lab.settings, "ls", recorder.FOLDER) == "", "what was fetched is not kept twice"


def test_without_a_clock_called_tai_it_says_how_far_off_its_times_may_be(
    lab: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "COMMAND", (*recorder.COMMAND[:-1], "-c", BY_MONO))
    lab.begin()
    lab.connect(5)
    record = lab.end()

    trace = record.trace
    assert trace.clock == "mono"
    assert 0 < trace.precision_ns < 100_000
    assert paths(record, Endpoint(lab.hosts["server"].address, PORT))[SERVER_PATH] == 5
    assert all(trace.begun_ns < change.time_ns < trace.ended_ns for change in trace.transitions)


# -- lost events


def test_what_no_buffer_can_hold_at_once_is_copied_in_time(lab: Scene) -> None:
    lab.begin(ALL_BUFFERS_KB // (os.cpu_count() or 1))
    for _ in range(5):
        lab.connect(500)
    record = lab.end()

    assert len(record.data) > ALL_BUFFERS_KB * 1024 * 5 // 4
    assert record.complete
    assert paths(record, Endpoint(lab.hosts["server"].address, PORT))[SERVER_PATH] == 2500


def test_events_that_are_lost_are_counted_and_the_record_is_not_complete(lab: Scene) -> None:
    lab.begin(SMALL_KB)
    signal_in_recorder(lab.settings, "SIGSTOP", "/lab/recorder/record.py")
    lab.connect(200)
    signal_in_recorder(lab.settings, "SIGCONT", "/lab/recorder/record.py")
    record = lab.end()

    assert min(record.trace.lost_states, record.trace.lost_calls) > 100
    assert not record.complete
    assert not record.died


def test_without_room_for_the_recording_what_is_left_out_counts_as_lost(lab: Scene) -> None:
    lab.begin(SMALL_KB)
    in_recorder(lab.settings, "sh", "-c", f"cat /dev/zero >{FULL} 2>/dev/null; test -s {FULL}")
    try:
        lab.connect(200)
        record = lab.end()
    finally:
        in_recorder(lab.settings, "rm", FULL)
    assert record.trace.lost_calls > 100
    assert not record.complete


def test_a_server_that_calls_without_end_loses_its_own_calls_and_no_state(lab: Scene) -> None:
    lab.begin(SMALL_KB)
    signal_in_recorder(lab.settings, "SIGSTOP", "/lab/recorder/record.py")
    server, stage = lab.hosts["server"], Stage(lab.hosts)
    with stage.step("flood"):
        stage.serve("ignores_eof", port=PORT, name="flood")
        stage.client("a", port=PORT).leave()
        # It prints a line with each call: so many that not all of them are kept.
        assert server.channel.wait_event(lambda event: event.kind == "lost", 30)
        server.clean()
    signal_in_recorder(lab.settings, "SIGCONT", "/lab/recorder/record.py")
    record = lab.end()

    assert (record.trace.lost_calls > 100, record.trace.lost_states) == (True, 0)
    ways = {way[:3] for way in paths(record, Endpoint(server.address, PORT))}
    assert (*SERVER_PATH[:2], (State.ESTABLISHED, State.CLOSE_WAIT)) in ways


def test_no_more_calls_are_kept_than_there_shall_be_and_all_states(lab: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "COMMAND", (*recorder.COMMAND[:-1], "-c", FEW_CALLS))
    lab.begin()
    lab.connect(500)
    record = lab.end()
    cpus = json.loads(record.data[:].partition(b"\n")[0])["cpus"]
    kept = sum(each["pages"] for each in cpus if each["instance"] == PROGRAMS) * os.sysconf("SC_PAGE_SIZE")
    assert 0 < kept <= FEW_BYTES
    assert (record.trace.lost_calls > 100, record.trace.lost_states) == (True, 0)
    assert paths(record, Endpoint(lab.hosts["server"].address, PORT))[SERVER_PATH] == 500


# -- what it may do


def test_it_has_no_network_and_nothing_to_write_to(lab: Scene) -> None:
    assert in_recorder(lab.settings, "ls", "/sys/class/net").split() == ["lo"]
    assert in_recorder(lab.settings, "cat", "/proc/net/route").splitlines()[1:] == []
    with pytest.raises(AssertionError, match="Read-only"):
        in_recorder(lab.settings, "touch", "/lab/here")
    status = in_recorder(lab.settings, "cat", "/proc/1/status")
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status


@pytest.fixture(scope="module")
def other(settings: Settings) -> Iterator[Settings]:
    """A lab of its own, which may be made in every way."""
    found = another_lab(settings, "rec")
    try:
        yield found
    finally:
        remove_lab(found)
        assert left_of(found) == []


@needs_root
def test_where_tracefs_is_mounted_it_has_no_capability_at_all(other: Settings) -> None:
    remove_lab(other)
    with mounted(), scene(other) as lab:
        lab.begin()
        lab.connect(5)
        record = lab.end()
        assert powers(other) == {0}
        mounts = in_recorder(other, "cat", "/proc/mounts").splitlines()
        places = [line.split()[1] for line in mounts if "tracefs" in line]
        said = in_recorder(other, "cat", "/run/lab-ready")
    assert (places, said) == (["/tracing/instances"], "bind")
    assert record.complete
    assert paths(record, Endpoint(other.addresses["server"], PORT))[SERVER_PATH] == 5


@needs_root
def test_where_it_is_not_mounted_it_has_the_one_capability_to_mount_it(
    other: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "mounted_tracefs", lambda: None)
    remove_lab(other)
    with scene(other) as lab:
        lab.begin()
        lab.connect(5)
        record = lab.end()
        assert powers(other) == {SYS_ADMIN}
        said = in_recorder(other, "cat", "/run/lab-ready")
    assert (said, record.complete) == ("mount", True)


def test_where_it_may_not_mount_it_says_so(other: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "_least_grant", dict)
    with scene(other) as lab:
        lab.recorder.begin()
        lab.recorder.wait_recording()
        assert (lab.recorder.end(), lab.recorder.unrecorded) == (None, "not-permitted")
        assert powers(other) == {0}


def test_an_engine_that_refuses_it_the_machines_tracefs_lets_it_mount_its_own(
    other: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind = {"type": "bind", "source": "/sys/nowhere", "target": "/tracing/instances"}
    monkeypatch.setattr(compose, "_least_grant", lambda: {"volumes": [bind]})
    with scene(other) as lab:
        lab.begin()
        lab.connect(1)
        assert lab.end().complete
        before = container_ids(other)
    with scene(other):
        assert container_ids(other) == before, "it is not made anew in each run"


def test_an_engine_that_refuses_it_altogether_still_has_the_hosts(
    other: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {"cap_add": ["NO_SUCH_CAPABILITY"]}
    monkeypatch.setattr(compose, "_least_grant", lambda: refused)
    monkeypatch.setattr(compose, "_MOUNT", refused)
    remove_lab(other)
    with scene(other) as lab:
        lab.connect(1)
        assert lab.recorder.unrecorded == "not-permitted"
    assert set(container_ids(other)) == {other.container(host) for host in HOSTS}


# -- beside others


def test_a_lab_that_stands_without_it_gets_it_and_keeps_its_hosts(other: Settings) -> None:
    remove_lab(other)
    bring_up(other, {host: {} for host in HOSTS})
    before = container_ids(other)
    with scene(other) as lab:
        assert lab.recorder.unrecorded == ""
    after = container_ids(other)
    assert after.items() > before.items()
    assert after.keys() - before.keys() == {other.container(RECORDER)}


def test_two_labs_record_at_once_and_each_its_own_connections(lab: Scene, other: Settings) -> None:
    with ExitStack() as both:
        second = both.enter_context(scene(other))
        for each in (lab, second):
            each.begin()
        lab.connect(4)
        second.connect(6)
        records = {each.settings.name: each.end() for each in (lab, second)}
    for settings, count in ((lab.settings, 4), (other, 6)):
        record = records[settings.name]
        own = {change.local.address for change in record.trace.transitions}
        assert own == {settings.addresses[host] for host in HOSTS}
        assert paths(record, Endpoint(settings.addresses["server"], PORT))[SERVER_PATH] == count
        assert record.complete


def test_switched_off_no_container_is_made(other: Settings) -> None:
    remove_lab(other)
    with scene(dataclasses.replace(other, recorder=False)) as lab:
        lab.recorder.begin(BUFFER_KB)
        lab.recorder.wait_recording()
        assert (lab.recorder.end(), lab.recorder.unrecorded) == (None, "switched-off")
    assert set(container_ids(other)) == {other.container(host) for host in HOSTS}
