"""System calls as strace writes them."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.kernel.calls import Call, StraceParseError, parse_strace

FIXTURES = Path(__file__).parents[2] / "fixtures" / "strace"
RECORDED = sorted(str(path.relative_to(FIXTURES)) for path in FIXTURES.glob("*/*.strace"))
CONNECTION = "4<TCP:[192.168.1.102:8000->192.168.1.101:58132]>"


def text(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


def one(rest: str) -> Call:
    (call,) = parse_strace(f"41 1700000000.000001 {rest}\n").calls
    return call


@pytest.mark.parametrize("name", RECORDED)
def test_every_line_of_a_recorded_trace_is_a_call_a_signal_an_end_or_the_rest_of_a_call(name: str) -> None:
    lines = [line for line in text(name).splitlines() if line]
    traced = parse_strace(text(name))
    others = sum("resumed>" in line or " --- " in line or " +++ " in line for line in lines)
    assert len(traced.calls) == len(lines) - others
    assert traced.ends


@pytest.mark.parametrize("name", RECORDED)
def test_calls_come_in_the_order_in_which_they_began_and_know_their_line(name: str) -> None:
    calls = parse_strace(text(name)).calls
    assert [call.begun_ns for call in calls] == sorted(call.begun_ns for call in calls)
    lines = text(name).split("\n")
    assert all(f" {call.name}(" in lines[call.row - 1] for call in calls)


def test_a_blocking_server_reads_and_answers_one_client_after_the_other() -> None:
    calls = parse_strace(text("6.13/serve_blocking.strace")).calls
    answers = [call.on.peer for call in calls if call.family == "send" and call.on]
    assert Counter(answers).most_common() == [(peer, 15) for peer in dict.fromkeys(answers)]
    assert [answers.index(peer) for peer in dict.fromkeys(answers)] == [0, 15, 30]


def test_a_call_cut_in_two_by_another_threads_line_is_one_call() -> None:
    source = text("6.13/serve_threads.strace")
    assert "<unfinished ...>" in source
    calls = parse_strace(source).calls
    assert len({call.pid for call in calls}) == 7
    waited = [call for call in calls if call.family == "recv" and call.result == 4]
    assert len(waited) == 45
    assert all(call.duration_ns is not None and "unfinished" not in call.arguments for call in waited)


def test_a_poll_tells_which_descriptors_are_ready() -> None:
    calls = parse_strace(text("6.13/serve_poll.strace")).calls
    polls = [call for call in calls if call.family == "poll" and call.result]
    assert polls
    assert all(len(call.ready) == call.result for call in polls)


def test_an_error_has_its_name_and_a_call_that_never_returned_has_no_duration() -> None:
    failed = one(
        f"recvfrom({CONNECTION}, 0x1, 1024, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable) <0.000016>"
    )
    assert (failed.result, failed.error, failed.duration_ns, failed.broken_off) == (-1, "EAGAIN", 16_000, False)
    killed = one(f"recvfrom({CONNECTION},  <unfinished ...>) = ?")
    assert (killed.result, killed.duration_ns, killed.fd) == (None, None, 4)


def test_a_call_that_a_signal_broke_off_says_so() -> None:
    call = one(
        "poll([{fd=3<TCP:[1]>, events=POLLIN}], 1, -1) = ? ERESTART_RESTARTBLOCK (Interrupted by signal) <0.009421>"
    )
    assert (call.result, call.error, call.broken_off) == (None, "ERESTART_RESTARTBLOCK", True)


def test_a_descriptor_is_the_connection_that_it_stands_for() -> None:
    call = one(f'sendto({CONNECTION}, "9<TCP:[1.1.1.1:1->2.2.2.2:2]>", 29, 0, NULL, 0) = 29 <0.1>')
    assert call.on is not None
    assert (str(call.on.local), str(call.on.peer)) == ("192.168.1.102:8000", "192.168.1.101:58132")
    assert len(call.descriptors) == 1, "what was sent is no descriptor"


def test_a_version_6_socket_speaks_to_the_version_4_address() -> None:
    call = one("close(5<TCPv6:[[::ffff:10.0.0.2]:8000->[::ffff:10.0.0.1]:5000]>) = 0 <0.1>")
    assert call.on is not None
    assert str(call.on.peer) == "10.0.0.1:5000"


def test_select_and_epoll_tell_which_descriptors_are_ready() -> None:
    asked = "3<TCP:[1]> 4<TCP:[2]>"
    select = one(f"pselect6(5, [{asked}], [], [], NULL, NULL) = 2 (in [3 4]) <0.1>")
    assert (select.family, select.ready) == ("select", (3, 4))
    epoll = one("epoll_wait(4<anon_inode:[eventpoll]>, [{events=EPOLLIN, data=0x5}], 3, -1) = 1 <0.1>")
    assert epoll.ready == (5,)
    nothing = one("epoll_wait(4<anon_inode:[eventpoll]>, [], 3, 10) = 0 <0.1>")
    assert nothing.ready == ()


@pytest.mark.parametrize(
    "line",
    [
        "garbage",
        "41 1.0 recvfrom(4",
        "41 1.0 recvfrom(4) =",
        "41 1.0 <... recvfrom resumed>) = 1 <0.1>",
        "41 x recvfrom() = 1",
        "41 1.0 recvfrom() = 1 <soon>",
    ],
)
def test_a_line_that_strace_cannot_have_written_is_named(line: str) -> None:
    with pytest.raises(StraceParseError) as caught:
        parse_strace(f"41 0.5 close(3) = 0 <0.1>\n{line}\n", where="traces/server.strace")
    assert (caught.value.params["where"], caught.value.params["row"]) == ("traces/server.strace", 2)
    for language in ("en", "zh-CN"):
        assert "traces/server.strace" in caught.value.what(language)


@given(st.text(st.characters(codec="ascii"), max_size=80))
def test_any_text_is_read_or_refused(line: str) -> None:
    with contextlib.suppress(StraceParseError):
        parse_strace(f"41 1.0 {line}")
