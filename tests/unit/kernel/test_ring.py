"""Recordings of the kernel's own tracer."""

from __future__ import annotations

import pytest

from lab.kernel.ring import parse_kernel_trace
from lab.kernel.trace import UNTOLD, KernelTrace
from lab.wire.state import State
from tests.unit.kernel.pages import head_of
from tests.unit.kernel.printed import RECORDINGS, calls, lines, recording


def parsed(name: str) -> KernelTrace:
    return parse_kernel_trace(recording(name), where=name)


def microseconds(name: str, time_ns: int) -> int:
    """The recording's own clock, rounded as the kernel rounds what it prints."""
    offset = head_of(recording(name))[0]["offset_ns"]
    assert isinstance(offset, int)
    return (time_ns + offset + 500) // 1000


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_change_of_state_is_the_one_that_the_kernel_prints(name: str) -> None:
    found = [
        (microseconds(name, each.time_ns), each.socket, each.old, each.new, each.local, each.peer, each.pid)
        for each in parsed(name).transitions
    ]
    assert found == [
        (line.us, line.address("skaddr"), *line.states(), *line.ends(), line.thread)
        for line in lines(name)
        if line.event == "inet_sock_set_state"
    ]
    assert found


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_system_call_is_put_together_from_what_the_kernel_prints(name: str) -> None:
    found = [
        (
            each.pid,
            each.name,
            each.arguments,
            microseconds(name, each.begun_ns),
            None if each.ended_ns is None else microseconds(name, each.ended_ns),
            each.result,
            each.socket,
        )
        for each in parsed(name).calls
    ]
    assert found == calls(lines(name), "x86_64")


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_reset_and_every_repeated_segment_is_the_one_that_the_kernel_prints(name: str) -> None:
    trace = parsed(name)
    said = lines(name)
    assert [
        (microseconds(name, each.time_ns), each.local, each.peer, each.sent, each.reason) for each in trace.resets
    ] == [
        (line.us, *line.ends(), line.event == "tcp_send_reset", line.word("reason") if "reason" in line.said else None)
        for line in said
        if line.event.endswith("_reset")
    ]
    assert [(microseconds(name, each.time_ns), each.local, each.peer, each.synack) for each in trace.resent] == [
        (line.us, *line.ends(), line.event == "tcp_retransmit_synack")
        for line in said
        if line.event.startswith("tcp_retransmit")
    ]


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_start_is_the_one_that_the_kernel_prints(name: str) -> None:
    found = [(microseconds(name, each.time_ns), each.pid, each.program, each.parent) for each in parsed(name).started]
    assert found == [
        (line.us, int(line.word("pid")), line.word("filename"), None)
        if line.event == "sched_process_exec"
        else (line.us, int(line.word("child_pid")), None, int(line.word(r"(?<!child_)pid")))
        for line in lines(name)
        if line.event.startswith("sched_process")
    ]


@pytest.mark.parametrize("name", RECORDINGS)
def test_each_kind_stands_in_the_order_of_time(name: str) -> None:
    trace = parsed(name)
    for times in (
        [each.time_ns for each in trace.transitions],
        [each.begun_ns for each in trace.calls],
        [each.time_ns for each in trace.started],
    ):
        assert times == sorted(times)
        assert all(trace.begun_ns <= time <= trace.ended_ns for time in times)


def test_what_the_buffers_of_all_processors_had_no_room_for_is_counted() -> None:
    cpus = head_of(recording("overrun"))[0]["cpus"]
    assert isinstance(cpus, list)
    counted = {each["cpu"]: each["overrun"] for each in cpus}
    assert parsed("overrun").lost == {UNTOLD: sum(counted.values())}
    assert min(counted.values()) > 0


@pytest.mark.parametrize("name", [name for name in RECORDINGS if name != "overrun"])
def test_a_recording_that_lost_nothing_says_so(name: str) -> None:
    assert parsed(name).lost == {}


def test_a_refused_connection_has_its_reset_and_why() -> None:
    trace = parsed("refused")
    assert [(each.old, each.new) for each in trace.transitions] == [
        (State.CLOSED, State.SYN_SENT),
        (State.SYN_SENT, State.CLOSED),
    ]
    assert [(each.sent, each.reason) for each in trace.resets if each.local.address.startswith("10.99.1.")] == [
        (True, "NO_SOCKET"),
        (False, None),
    ]


def test_a_close_with_data_unread_is_a_reset_that_the_kernel_explains() -> None:
    trace = parsed("reset-unread")
    assert "TCP_ABORT_ON_CLOSE" in {each.reason for each in trace.resets}
    (aborted,) = [each for each in trace.transitions if each.new is State.CLOSED and each.local.port == 8000 and each.pid
                  and each.old is State.ESTABLISHED]  # fmt: skip
    (close,) = [each for each in trace.calls if each.name == "close" and each.socket == aborted.socket]
    assert close.ended_ns is not None
    assert close.begun_ns < aborted.time_ns < close.ended_ns


def test_a_held_handshake_repeats_the_syn_and_its_answer() -> None:
    trace = parsed("held")
    assert sorted(each.synack for each in trace.resent) == [False, True]


def test_one_socket_for_both_families_shows_each_client_by_its_own() -> None:
    peers = {each.peer.address for each in parsed("mapped").transitions if each.local.port == 8000}
    assert peers == {"::", "10.99.1.101", "fd99::101"}


def test_an_interrupt_changes_a_state_on_nobodys_behalf() -> None:
    for each in parsed("server-first").transitions:
        assert (each.pid == 0) == (
            each.new in {State.SYN_RECEIVED, State.FIN_WAIT_2, State.CLOSE_WAIT}
        ) or each.new in {
            State.ESTABLISHED,
            State.CLOSED,
        }


def test_each_worker_takes_its_own_client() -> None:
    trace = parsed("workers")
    forked = {each.pid for each in trace.started if each.program is None}
    accepted = {each.pid: each.result for each in trace.calls if each.name == "accept4" and (each.result or -1) >= 0}
    assert set(accepted) == forked
    assert len(forked) == 3


def test_a_call_on_a_connection_knows_its_socket() -> None:
    trace = parsed("client-first")
    named = {(each.pid, each.fd, each.socket) for each in trace.calls if each.name in {"sendto", "recvfrom"}}
    sockets = {each.socket for each in trace.transitions}
    assert len(named) == 2
    assert {socket for _, _, socket in named} <= sockets
    closed = {(each.pid, each.fd, each.socket) for each in trace.calls if each.name == "close" and each.socket}
    assert named <= closed
