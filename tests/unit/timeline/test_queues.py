"""Queues counted from segments and calls, beside what ss showed."""

from __future__ import annotations

from lab.timeline.model import Queue, QueueKind, Timeline
from tests.unit.judge.builders import BEGUN, MS, SERVER, A, row, snapshot
from tests.unit.timeline.builders import (
    CLIENT_BEGINS,
    LISTENS,
    OPEN,
    OPENS,
    SERVER_BEGINS,
    SERVER_ENDS,
    SERVER_PID,
    SERVER_SOCKET,
    TALK,
    at,
    call,
    kernel,
    timeline,
    transition,
)


def queue(line: Timeline, kind: QueueKind, host: str) -> Queue:
    return next(each for each in line.queues if (each.kind, each.host) == (kind, host))


def values(found: Queue) -> list[int]:
    return [level.value for level in found.levels if not level.observed]


def test_bytes_wait_from_their_arrival_until_they_are_read() -> None:
    assert values(queue(timeline(record=kernel()), QueueKind.RECV, "server")) == [5, 0]


def test_bytes_wait_from_the_send_until_their_acknowledgement_and_so_does_the_syn() -> None:
    assert values(queue(timeline(record=kernel()), QueueKind.SEND, "client")) == [1, 0, 5, 0]


def test_a_connection_waits_from_the_last_ack_until_accept_returns() -> None:
    assert values(queue(timeline(record=kernel()), QueueKind.ACCEPT, "server")) == [1, 0]


def test_what_ss_showed_stands_beside_what_was_counted() -> None:
    seen = snapshot(
        "x", "server", row("ESTAB", 5, 0, SERVER, A), begun_ns=BEGUN + 10_036_000, ended_ns=BEGUN + 10_038_000
    )
    found = queue(timeline(record=kernel(), snapshots=(seen,)), QueueKind.RECV, "server")
    assert [(level.value, level.observed) for level in found.levels] == [(5, False), (5, True), (0, False)]


def test_without_calls_what_was_read_is_not_guessed() -> None:
    seen = snapshot("x", "server", row("ESTAB", 5, 0, SERVER, A), begun_ns=BEGUN + 40 * MS, ended_ns=BEGUN + 41 * MS)
    found = queue(timeline(*OPEN, *TALK, snapshots=(seen,)), QueueKind.RECV, "server")
    assert [(level.value, level.observed) for level in found.levels] == [(5, True)]


def test_a_half_open_request_has_no_queue() -> None:
    stands = (
        transition(34, SERVER_SOCKET, "LISTEN", "SYN-RECV", SERVER_ENDS),
        transition(35, SERVER_SOCKET, "SYN-RECV", "ESTAB", SERVER_ENDS),
    )
    record = kernel(transitions=(*LISTENS, *OPENS[:2], *stands), calls=SERVER_BEGINS)
    line = timeline("> S", "< S.", "> P. hello", "> .", record=record)
    assert [each for each in line.queues if (each.kind, each.host) == (QueueKind.RECV, "server")] == []


def test_bytes_with_the_ack_that_completes_the_handshake_count() -> None:
    line = timeline("> S", "< S.", "> P. hello", record=kernel())
    assert values(queue(line, QueueKind.RECV, "server"))[0] == 5


def test_what_comes_when_the_socket_is_gone_goes_to_no_queue() -> None:
    changes = (*LISTENS, *OPENS, transition(31, SERVER_SOCKET, "ESTAB", "UNCONN", SERVER_ENDS))
    line = timeline(*OPEN, "> P. hello", "< R", record=kernel(transitions=changes, calls=SERVER_BEGINS))
    assert [each for each in line.queues if (each.kind, each.host) == (QueueKind.RECV, "server")] == []


def test_what_had_arrived_before_a_reset_waits_until_it_is_read() -> None:
    changes = (*LISTENS, *OPENS, transition(53, SERVER_SOCKET, "ESTAB", "UNCONN", SERVER_ENDS))
    reads = tuple(
        call(us, 2, SERVER_PID, "recvfrom", 4, took, SERVER_SOCKET) for us, took in ((100, 3), (110, 2), (120, 0))
    )
    record = kernel(transitions=changes, calls=(*SERVER_BEGINS, *CLIENT_BEGINS, *reads))
    line = timeline(*OPEN, "> P. hello", "< .", "> R.", record=record)
    assert values(queue(line, QueueKind.RECV, "server")) == [5, 2, 0]


def test_what_nobody_reads_after_a_reset_waits_until_the_socket_is_closed() -> None:
    changes = (*LISTENS, *OPENS, transition(53, SERVER_SOCKET, "ESTAB", "UNCONN", SERVER_ENDS))
    close = call(150, 2, SERVER_PID, "close", 4, 0, SERVER_SOCKET)
    line = timeline(
        *OPEN, "> P. hello", "< .", "> R.", record=kernel(transitions=changes, calls=(*SERVER_BEGINS, close))
    )
    levels = queue(line, QueueKind.RECV, "server").levels
    assert [(level.value, level.time_ns) for level in levels][1:] == [(0, at(150))]
