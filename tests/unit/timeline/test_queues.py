"""Queues counted from segments and calls, beside what ss showed."""

from __future__ import annotations

from lab.timeline.model import Queue, QueueKind, Timeline
from tests.unit.judge.builders import BEGUN, MS, SERVER, A, row, snapshot
from tests.unit.timeline.builders import OPEN, TALK, kernel, timeline


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
