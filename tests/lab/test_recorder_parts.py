"""The recorder with less than all, and stopped before it is asked for what it has: as the benchmark needs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.hosts.tracefs import instance_name, instance_names
from lab.settings import Settings
from lab.wire.state import State
from tests.lab.kernelrecord import Scene, scene
from tests.support import needs_root, trace_instances

pytestmark = pytest.mark.lab


@pytest.fixture
def found(hosts_up: Settings) -> Iterator[Scene]:
    with scene(hosts_up) as lab:
        yield lab


@needs_root
def test_without_calls_it_records_states_alone(found: Scene) -> None:
    found.recorder.begin(calls=False)
    found.recorder.wait_recording()
    found.connect(5)
    assert [name for name in trace_instances() if name in instance_names(found.settings)] == [
        instance_name(found.settings)
    ]
    record = found.end()
    assert record.complete
    assert sum(each.new is State.SYN_SENT for each in record.trace.transitions) == 5
    assert (record.trace.calls, record.trace.started) == ((), ())


def test_what_happens_after_it_was_stopped_is_not_recorded(found: Scene) -> None:
    found.begin()
    found.connect(3)
    found.recorder.stop()
    found.connect(2)
    record = found.end()
    assert record.complete
    assert sum(each.new is State.SYN_SENT for each in record.trace.transitions) == 3


def test_a_capture_is_whole_once_it_is_drained(found: Scene) -> None:
    for host in found.hosts.values():
        host.tcpdump.begin()
        host.tcpdump.wait_listening()
    found.connect(50)
    for host in found.hosts.values():
        host.tcpdump.drain()
        size = int(host.run("stat", "-c", "%s", "/run/capture.pcap", user="root"))
        record = host.tcpdump.end()
        assert record.complete
        assert len(record.conversations) == 50
        assert size == len(record.data)
