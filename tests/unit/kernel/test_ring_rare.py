"""Recordings of the kernel's own tracer as no fixture holds them, written as the kernel writes."""

from __future__ import annotations

from struct import pack

import pytest

from lab.kernel.ring import parse_kernel_trace
from lab.kernel.trace import PROGRAMS, SOCKETS, UNTOLD, KernelTrace
from lab.kernel.tracefile import TraceParseError
from lab.wire.segment import Endpoint
from lab.wire.state import State
from tests.unit.kernel.pages import (
    FORMATS,
    OFFSET_NS,
    changed,
    common,
    discarded,
    entered,
    extend,
    file_of,
    left,
    page_of,
    record,
    rest,
    stamp,
)

LISTEN, CLOSE, SYN_SENT, CLOSE_WAIT, ESTABLISHED, NEW_SYN_RECV = 10, 7, 2, 8, 1, 12
CLOSE_CALL, READ_CALL, POLL_CALL = 3, 0, 7


def parsed(data: bytes) -> KernelTrace:
    return parse_kernel_trace(data, where="kernel.trace")


def times(data: bytes) -> list[int]:
    return [each.time_ns for each in parsed(data).transitions]


def test_time_passes_by_deltas_extensions_and_stamps() -> None:
    one = changed(CLOSE, SYN_SENT)
    long = 5 << 27 | 3
    page = page_of(record(one, 5), extend(long), record(one, 1), stamp(OFFSET_NS + long * 2), record(one, 4))
    assert times(file_of(page)) == [5, 6 + long, long * 2 + 4]


def test_a_stamp_has_its_upper_bits_from_the_time_before() -> None:
    late = (3 << 59) + 1_000
    one = changed(CLOSE, SYN_SENT)
    assert times(file_of(page_of(stamp(late), record(one), time=late - 500), offset_ns=0)) == [late]
    over = (4 << 59) + 7
    assert times(file_of(page_of(stamp(over), record(one), time=(4 << 59) - 1), offset_ns=0)) == [over]


def test_a_clock_that_was_set_back_a_little_does_not_leap() -> None:
    now = (3 << 59) + 1_000
    page = page_of(stamp(now - 400), record(changed(CLOSE, SYN_SENT)), time=now)
    assert times(file_of(page, offset_ns=0)) == [now - 400]


def test_a_record_that_was_filtered_out_late_only_lets_time_pass() -> None:
    one = changed(CLOSE, SYN_SENT)
    assert times(file_of(page_of(record(one, 10), discarded(28, 50), record(one, 7)))) == [10, 67]
    assert times(file_of(page_of(record(one, 10), discarded(28, 1), record(one, 7)))) == [10, 17]


def test_behind_the_mark_of_its_end_a_page_holds_nothing() -> None:
    assert times(file_of(page_of(record(changed(CLOSE, SYN_SENT)), rest()))) == [0]


def test_a_long_record_has_its_length_before_it() -> None:
    name = "./" + "x" * 150
    body = common("sched:sched_process_exec") + pack("<Iii", 20 | len(name) + 1 << 16, 77, 77) + name.encode() + b"\0"
    (started,) = parsed(file_of(page_of(record(body)))).started
    assert (started.program, started.pid, started.parent) == (name, 77, None)


def test_processors_are_merged_in_the_order_of_time_and_ties_stay() -> None:
    first = page_of(record(changed(CLOSE, LISTEN, socket=1), 10), record(changed(CLOSE, LISTEN, socket=2), 10))
    second = page_of(record(changed(CLOSE, LISTEN, socket=3), 15), record(changed(CLOSE, LISTEN, socket=4), 5))
    none = {"overrun": 0, "commit_overrun": 0, "dropped_events": 0}
    cpus = [{"cpu": 0, "pages": 1, **none}, {"cpu": 1, "pages": 1, **none}]
    found = parsed(file_of(first, second, cpus=cpus)).transitions
    assert [each.socket for each in found] == [1, 3, 2, 4]


@pytest.mark.parametrize(
    ("page", "counts", "lost"),
    [
        pytest.param(page_of(flags=1 << 31 | 1 << 30, missed=12), {}, {UNTOLD: 12}, id="told by the page"),
        pytest.param(page_of(flags=1 << 31), {}, {UNTOLD: 1}, id="a page that had no room for their number"),
        pytest.param(page_of(flags=1 << 31 | 1 << 30, missed=12), {"overrun": 12}, {UNTOLD: 12}, id="told twice"),
        pytest.param(page_of(), {"overrun": 3, "commit_overrun": 4, "dropped_events": 5}, {UNTOLD: 12}, id="told by the counters"),
        pytest.param(page_of(), {}, {}, id="nothing lost"),
    ],
)  # fmt: skip
def test_lost_events_are_counted_once(page: bytes, counts: dict[str, int], lost: dict[str, int]) -> None:
    assert parsed(file_of(page, counts=counts)).lost == lost


def test_lost_events_are_counted_for_the_instance_that_lost_them() -> None:
    page = page_of(flags=1 << 31 | 1 << 30, missed=12)
    none = {"overrun": 0, "commit_overrun": 0, "dropped_events": 0}
    cpus = [
        {"instance": SOCKETS, "cpu": 0, "pages": 1, **none, "overrun": 3},
        {"instance": SOCKETS, "cpu": 1, "pages": 0, **none, "dropped_events": 1},
        {"instance": PROGRAMS, "cpu": 0, "pages": 1, **none, "overrun": 40},
    ]
    trace = parsed(file_of(page, page, cpus=cpus))
    assert trace.lost == {SOCKETS: 13, PROGRAMS: 40}
    assert (trace.lost_states, trace.lost_calls) == (13, 40)


def test_an_instance_that_lost_nothing_is_whole_whatever_another_lost() -> None:
    none = {"pages": 0, "overrun": 0, "commit_overrun": 0, "dropped_events": 0}
    cpus = [{"instance": SOCKETS, "cpu": 0, **none}, {"instance": PROGRAMS, "cpu": 0, **none, "overrun": 169_225}]
    trace = parsed(file_of(cpus=cpus))
    assert (trace.lost_states, trace.lost_calls) == (0, 169_225)


def test_before_the_instance_was_told_a_lost_event_may_be_of_either() -> None:
    trace = parsed(file_of(page_of(), counts={"overrun": 7}))
    assert (trace.lost_states, trace.lost_calls) == (7, 7)


@pytest.mark.parametrize("instance", [7, None, "socket", "programs "])
def test_an_instance_that_there_is_not_is_damage(instance: object) -> None:
    cpu = {"instance": instance, "cpu": 0, "pages": 0, "overrun": 0, "commit_overrun": 0, "dropped_events": 0}
    with pytest.raises(TraceParseError) as raised:
        parsed(file_of(cpus=[cpu]))
    assert raised.value.params["field"] == "instance"


def test_a_half_open_request_is_syn_received() -> None:
    (found,) = parsed(file_of(page_of(record(changed(NEW_SYN_RECV, ESTABLISHED))))).transitions
    assert (found.old, found.new) == (State.SYN_RECEIVED, State.ESTABLISHED)
    assert (str(found.local), str(found.peer)) == ("10.0.0.1:8000", "10.0.0.2:40000")


@pytest.mark.parametrize(
    ("pid", "flags", "on_behalf_of"),
    [
        pytest.param(77, 0, 77, id="a thread"),
        pytest.param(77, 0x81, 77, id="a thread that holds interrupts off"),
        pytest.param(77, 0x08, 0, id="hard interrupt"),
        pytest.param(77, 0x10, 0, id="soft interrupt"),
        pytest.param(0, 0, 0, id="nothing to do"),
    ],
)  # fmt: skip
def test_a_change_is_told_of_the_thread_that_made_it(pid: int, flags: int, on_behalf_of: int) -> None:
    parts = entered(CLOSE_CALL, [9], pid), changed(ESTABLISHED, 4, pid=pid, flags=flags), left(CLOSE_CALL, 0, pid)
    trace = parsed(file_of(page_of(*map(record, parts))))
    assert [each.pid for each in trace.transitions] == [on_behalf_of]
    assert [each.socket for each in trace.calls] == [0x1000 if on_behalf_of else None]


def test_sockets_that_are_not_tcps_are_passed_over() -> None:
    assert parsed(file_of(page_of(record(changed(CLOSE, LISTEN, protocol=132))))).transitions == ()


def test_a_call_that_never_returned_has_no_end_and_an_end_without_its_begin_is_none() -> None:
    parts = (
        left(READ_CALL, 5),
        entered(READ_CALL, [3, 4, 5]),
        entered(CLOSE_CALL, [3]),
        left(READ_CALL, 1),
        left(CLOSE_CALL, 0),
        entered(READ_CALL, [0xFFFFFFFF]),
    )
    page = page_of(*(record(part, 1) for part in parts))
    assert [
        (each.name, each.fd, each.arguments, each.begun_ns, each.ended_ns, each.result)
        for each in parsed(file_of(page)).calls
    ] == [
        ("read", 3, (3, 4, 5), 2, None, None),
        ("close", 3, (3,), 3, 5, 0),
        ("read", -1, (0xFFFFFFFF, 0, 0), 6, None, None),
    ]


def test_threads_calls_are_kept_apart_and_stand_in_the_order_of_their_begin() -> None:
    parts = entered(READ_CALL, [3], 1), entered(READ_CALL, [4], 2), left(READ_CALL, 8, 2), left(READ_CALL, 9, 1)
    assert [(each.pid, each.fd, each.result) for each in parsed(file_of(page_of(*map(record, parts)))).calls] == [
        (1, 3, 9),
        (2, 4, 8),
    ]


def test_a_call_on_many_descriptors_is_on_no_socket() -> None:
    parts = entered(POLL_CALL, [9, 1]), changed(ESTABLISHED, CLOSE), left(POLL_CALL, 1)
    (call,) = parsed(file_of(page_of(*map(record, parts)))).calls
    assert (call.name, call.fd, call.socket) == ("poll", None, None)


def moved(family: int, protocol: int, socket: int = 0x2000) -> bytes:
    return common("sock:sock_recv_length") + pack("<QHHii", socket, family, protocol, 5, 0)


def test_the_socket_that_data_went_through_goes_before_one_that_changed() -> None:
    parts = entered(READ_CALL, [3]), changed(ESTABLISHED, CLOSE_WAIT), moved(2, 6), left(READ_CALL, 5)
    (call,) = parsed(file_of(page_of(*map(record, parts)))).calls
    assert call.socket == 0x2000


@pytest.mark.parametrize(("family", "protocol"), [(1, 0), (16, 6), (2, 17)], ids=["unix", "netlink", "udp"])
def test_data_through_other_sockets_names_none(family: int, protocol: int) -> None:
    (call,) = parsed(file_of(page_of(*map(record, (entered(READ_CALL, [3]), moved(family, protocol)))))).calls
    assert call.socket is None


def test_a_call_without_a_name_here_is_known_by_its_number() -> None:
    (call,) = parsed(file_of(page_of(record(entered(999, [7]))))).calls
    assert (call.name, call.fd, call.arguments) == ("syscall_999", None, (7, 0, 0, 0, 0, 0))


OLDER_RESET = FORMATS["tcp:tcp_receive_reset"].replace("name: tcp_receive_reset", "name: tcp_send_reset")


@pytest.mark.parametrize("event", ["tcp:tcp_send_reset", "tcp:tcp_receive_reset"])
def test_older_kernels_tell_a_resets_ends_plainly_and_no_reason(event: str) -> None:
    formats = {event: OLDER_RESET}
    ends = bytes(10) + b"\xff\xff" + bytes([10, 0, 0, 1]), bytes.fromhex("fd99" + "0" * 27 + "1")
    body = pack("<QHHH4s4s16s16s2xQ", 1, 8000, 40000, 2, bytes(4), bytes(4), *ends, 9)
    trace = parsed(file_of(page_of(record(common(event, formats=formats) + body)), formats=formats))
    (reset,) = trace.resets
    assert (reset.local, reset.peer, reset.sent, reset.reason) == (
        Endpoint("10.0.0.1", 8000),
        Endpoint("fd99::1", 40000),
        event == "tcp:tcp_send_reset",
        None,
    )


@pytest.mark.parametrize(
    ("sockaddr", "end"),
    [
        pytest.param(pack("<H2s4s20x", 2, b"\x1f\x40", bytes([10, 0, 0, 1])), "10.0.0.1:8000", id="IPv4"),
        pytest.param(pack("<H2s4x16s4x", 10, b"\x1f\x40", b"\xfd" + bytes(14) + b"\1"), "[fd00::1]:8000", id="IPv6"),
        pytest.param(pack("<H2s4x10s2s4s4x", 10, b"\x1f\x40", bytes(10), b"\xff\xff", bytes([10, 0, 0, 1])), "10.0.0.1:8000", id="mapped"),
        pytest.param(bytes(28), "0.0.0.0:0", id="none"),
    ],
)  # fmt: skip
def test_newer_kernels_tell_a_sent_resets_ends_as_socket_addresses(sockaddr: bytes, end: str) -> None:
    body = common("tcp:tcp_send_reset") + pack("<QQii", 0, 1, 7, 11) + sockaddr + sockaddr
    (reset,) = parsed(file_of(page_of(record(body)))).resets
    assert (str(reset.local), str(reset.peer), reset.reason) == (end, end, "TCP_ABORT_ON_CLOSE")


def test_an_event_that_the_lab_has_no_use_for_is_passed_over() -> None:
    formats = {
        **FORMATS,
        "tcp:tcp_probe": "name: tcp_probe\nID: 60000\n" + FORMATS["tcp:tcp_receive_reset"].partition("format:")[2],
    }
    page = page_of(record(pack("<HBBi", 60000, 0, 0, 1)), record(changed(CLOSE, LISTEN)))
    assert len(parsed(file_of(page, formats=formats)).transitions) == 1


def test_fields_may_stand_in_another_order_on_another_kernel() -> None:
    old, new = "offset:16;\tsize:4;\tsigned:1;", "offset:20;\tsize:4;\tsigned:1;"
    text = FORMATS["sock:inet_sock_set_state"].replace(old, "?").replace(new, old).replace("?", new)
    formats = {**FORMATS, "sock:inet_sock_set_state": text}
    (found,) = parsed(file_of(page_of(record(changed(CLOSE, LISTEN))), formats=formats)).transitions
    assert (found.old, found.new) == (State.LISTEN, State.CLOSED)


def test_two_buffers_of_a_processor_are_one_in_the_order_of_time() -> None:
    first = page_of(record(changed(CLOSE, LISTEN, socket=1), 10), record(changed(CLOSE, LISTEN, socket=2), 10))
    second = page_of(record(changed(CLOSE, LISTEN, socket=3), 15))
    none = {"pages": 1, "overrun": 2, "commit_overrun": 0, "dropped_events": 0}
    found = parsed(file_of(first, second, cpus=[{"cpu": 0, **none}, {"cpu": 0, **none}]))
    assert [each.socket for each in found.transitions] == [1, 3, 2]
    assert found.lost == {UNTOLD: 4}


def test_what_was_left_out_and_whose_agents_there_are_is_told() -> None:
    trace = parsed(file_of(page_of(), left_out=["all-addresses"], agents=[[7, "10.0.0.1"], [8, "10.0.0.2"]]))
    assert (trace.left_out, trace.agents) == (("all-addresses",), {7: "10.0.0.1", 8: "10.0.0.2"})
    before = parsed(file_of(page_of()))
    assert (before.left_out, before.agents) == ((), {}), "recorded before either was told"


@pytest.mark.parametrize("agents", [7, [7], [[7]], [["7", "10.0.0.1"]], [[7, 8]], {"7": "10.0.0.1"}])
def test_agents_that_are_none_are_damage(agents: object) -> None:
    with pytest.raises(TraceParseError) as raised:
        parsed(file_of(page_of(), agents=agents))
    assert raised.value.params["field"] == "agents"
