"""Which connection a descriptor was at a call."""

from __future__ import annotations

from lab.kernel.trace import Started
from lab.timeline.model import CallMade, Lane
from lab.wire.segment import Endpoint
from tests.unit.judge.builders import OPEN, SERVER, B, Frame, Talk, capture
from tests.unit.timeline.builders import (
    CLIENT_BEGINS,
    LISTENS,
    OPENS,
    SERVER_BEGINS,
    SERVER_PID,
    SERVER_SOCKET,
    STARTED,
    TALKS,
    A,
    at,
    call,
    find,
    kernel,
    lane,
    timeline,
    transition,
)

WORKER = 4101
OTHER_SOCKET = 0xDDD0
B_OPENS = (
    transition(124, OTHER_SOCKET, "LISTEN", "SYN-RECV", (SERVER, B)),
    transition(125, OTHER_SOCKET, "SYN-RECV", "ESTAB", (SERVER, B)),
)


def frames(end: Endpoint, begun: int) -> list[Frame]:
    return Talk(client=end, begun_ns=begun).frames(*OPEN)


def two_clients() -> tuple[object, ...]:
    a = Talk().frames(*OPEN)
    b = frames(B, at(100))
    return (capture("server", frames=[*a, *b]),)


def test_an_accept_that_nothing_else_tells_of_returned_the_next_in_the_queue() -> None:
    calls = (*SERVER_BEGINS, call(32, 95, SERVER_PID, "accept4", 3, 5))
    line = timeline(captures=two_clients(), record=kernel(transitions=(*LISTENS, *OPENS, *B_OPENS), calls=calls))
    assert [lane(line, Lane.SERVER_CALLS, talk) for talk in (0, 1)] == [["accept"], ["accept"]]


def test_what_was_accepted_before_the_recording_is_not_accepted_again() -> None:
    calls = (
        *SERVER_BEGINS[:-1],  # it was inside of accept() already when the recording began
        call(40, 1, SERVER_PID, "recvfrom", 4, 5, SERVER_SOCKET),
        call(130, 5, SERVER_PID, "accept4", 3, 5),
    )
    line = timeline(captures=two_clients(), record=kernel(transitions=(*LISTENS, *OPENS, *B_OPENS), calls=calls))
    assert [lane(line, Lane.SERVER_CALLS, talk) for talk in (0, 1)] == [["recv"], ["accept"]]


def test_an_accepted_descriptor_is_the_socket_that_data_then_moved_through() -> None:
    calls = (
        *SERVER_BEGINS,  # fd 4: the queue alone would say that this is a
        call(140, 1, SERVER_PID, "recvfrom", 4, 5, OTHER_SOCKET),
    )
    line = timeline(captures=two_clients(), record=kernel(transitions=(*LISTENS, *OPENS, *B_OPENS), calls=calls))
    assert lane(line, Lane.SERVER_CALLS, 1) == ["accept", "recv"]
    assert lane(line, Lane.SERVER_CALLS, 0) == []


def test_a_number_given_out_again_is_another_connection() -> None:
    calls = (
        *SERVER_BEGINS,
        call(40, 1, SERVER_PID, "close", 4, 0),
        call(50, 80, SERVER_PID, "accept4", 3, 4),
        call(140, 1, SERVER_PID, "close", 4, 0),
    )
    line = timeline(captures=two_clients(), record=kernel(transitions=(*LISTENS, *OPENS, *B_OPENS), calls=calls))
    assert [lane(line, Lane.SERVER_CALLS, talk) for talk in (0, 1)] == [["accept", "close"], ["accept", "close"]]


def test_a_thread_works_on_what_its_parent_accepted() -> None:
    started = (*STARTED, Started(at(31), WORKER, None, SERVER_PID))
    calls = (*SERVER_BEGINS, *CLIENT_BEGINS, call(33, 4, WORKER, "recvfrom", 4, 5, SERVER_SOCKET))
    line = timeline(record=kernel(started=started, calls=calls))
    found = find(line, Lane.SERVER_CALLS, "recv")
    assert isinstance(found.what, CallMade)
    assert (found.talk, found.what.party, found.what.pid) == (0, "server", WORKER)


def test_files_and_strangers_are_left_out() -> None:
    calls = (
        *SERVER_BEGINS,
        *CLIENT_BEGINS,
        *TALKS,
        call(60, 1, SERVER_PID, "read", 7, 100),  # a file
        call(61, 1, 9999, "recvfrom", 4, 5),  # another lab's program
    )
    line = timeline(record=kernel(calls=calls))
    assert lane(line, Lane.SERVER_CALLS) == ["accept", "recv", "send"]
    assert {moment.what.pid for moment in line.moments if isinstance(moment.what, CallMade)} == {4100, 1700}


def test_a_stranger_s_socket_at_an_address_that_was_ours_is_not_ours() -> None:
    closed = transition(90, SERVER_SOCKET, "ESTAB", "UNCONN", (SERVER, A))
    stranger = 9999
    calls = (*SERVER_BEGINS, *CLIENT_BEGINS, *TALKS, call(95, 5, stranger, "recvfrom", 4, 5, SERVER_SOCKET))
    line = timeline(record=kernel(transitions=(*LISTENS, *OPENS, closed), calls=calls))
    assert stranger not in {moment.what.pid for moment in line.moments if isinstance(moment.what, CallMade)}


def test_a_call_on_many_descriptors_belongs_to_no_connection() -> None:
    calls = (*SERVER_BEGINS, call(-5, 40, SERVER_PID, "epoll_wait", 5, 1))
    line = timeline(record=kernel(calls=calls))
    found = find(line, Lane.SERVER_CALLS, "epoll_wait")
    assert (found.talk, found.host) == (None, "server")


def test_a_call_that_never_returned_has_no_end() -> None:
    calls = (*SERVER_BEGINS, call(60, None, SERVER_PID, "recvfrom", 4, None))
    assert find(timeline(record=kernel(calls=calls)), Lane.SERVER_CALLS, "recv").ended_ns is None


def test_an_error_is_told_by_its_name() -> None:
    calls = (*SERVER_BEGINS, call(40, 1, SERVER_PID, "recvfrom", 4, -11), call(45, 9, SERVER_PID, "accept4", 3, -512))
    line = timeline(record=kernel(calls=calls))
    errors = [moment.what.error for moment in line.moments if isinstance(moment.what, CallMade) and moment.what.error]
    assert errors == ["EAGAIN", "ERESTARTSYS"]
