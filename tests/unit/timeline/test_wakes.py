"""What a wait for many descriptors was woken by, and what followed from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lab.kernel.trace import KernelCall, Transition
from lab.recording.raw import CaptureRecord
from lab.timeline.model import CallMade, Lane, Moment, Timeline
from lab.timeline.wakes import served
from lab.wire.segment import Endpoint
from lab.wire.state import State
from tests.records import timeline_of
from tests.unit.judge.builders import Talk
from tests.unit.timeline.builders import (
    LISTENS,
    OPEN,
    SERVER,
    SERVER_BEGINS,
    SERVER_PID,
    STARTED,
    A,
    Wire,
    at,
    call,
    find,
    kernel,
    run,
    told,
    transition,
)

CLIENTS: Final = tuple(Endpoint(A.address, A.port + n) for n in range(3))
SOCKETS: Final = (0xC1, 0xC2, 0xC3)
WAIT: Final = 100.0


def connected(number: int) -> tuple[Transition, ...]:
    ends = SERVER, CLIENTS[number]
    return (
        transition(24 + number, SOCKETS[number], "LISTEN", "SYN-RECV", ends),
        transition(24.5 + number, SOCKETS[number], "SYN-RECV", "ESTAB", ends),
    )


def accepts(number: int, us: float) -> KernelCall:
    return call(us, 1, SERVER_PID, "accept4", 3, 5 + number)


def reads(number: int, us: float, result: int = 5) -> KernelCall:
    return call(us, 1, SERVER_PID, "recvfrom", 5 + number, result, SOCKETS[number])


def writes(number: int, us: float) -> KernelCall:
    return call(us, 1, SERVER_PID, "sendto", 5 + number, 5, SOCKETS[number])


def waits(us: float, until: float, ready: int) -> KernelCall:
    return call(us, until - us, SERVER_PID, "epoll_wait", 4, ready)


def several(*calls: KernelCall, speaks_at: tuple[float, ...] = (120, 121, 122)) -> Timeline:
    """Three clients connect at once and are accepted; each says hello, which arrives 3 µs after it spoke."""
    wires: list[tuple[CaptureRecord, CaptureRecord]] = []
    for number, client in enumerate(CLIENTS):
        talk = Talk(client=client, begun_ns=at(number))
        frames = Wire(talk).captures(*OPEN)
        talk.begun_ns = at(speaks_at[number])
        wires.append(joined(frames, Wire(talk).captures("> P. hello")))
    captures = wires[0]
    for wire in wires[1:]:
        captures = joined(captures, wire)
    accepted = [accepts(number, 40 + 2 * number) for number in range(3)]
    begins = [*SERVER_BEGINS[:3], waits(-700, 38, 1), *accepted, *calls]
    record = kernel(
        transitions=(*LISTENS, *(each for number in range(3) for each in connected(number))),
        calls=tuple(sorted(begins, key=lambda each: each.begun_ns)),
        started=STARTED[:1],
    )
    return timeline_of(run(captures=captures, record=record))


def joined(
    one: tuple[CaptureRecord, CaptureRecord], other: tuple[CaptureRecord, CaptureRecord]
) -> tuple[CaptureRecord, CaptureRecord]:
    """Return two runs' captures as one: the header of a second file is left out."""
    found = []
    for first, second in zip(one, other, strict=True):
        records = sorted(_records(first.data[:]) + _records(second.data[:]))
        data = first.data[:24] + b"".join(record for _, record in records)
        count = len(records)
        found.append(replace(first, content=data, captured=count, received=count))
    return found[0], found[1]


def _records(data: bytes) -> list[tuple[tuple[int, int], bytes]]:
    found, place = [], 24
    while place < len(data):
        seconds, ns, size = (int.from_bytes(data[place + n : place + n + 4], "little") for n in (0, 4, 8))
        found.append(((seconds, ns), data[place : place + 16 + size]))
        place += 16 + size
    return found


def wait_of(line: Timeline, ready: int) -> Moment:
    return next(
        each
        for each in line.moments
        if isinstance(each.what, CallMade) and each.what.name == "epoll_wait" and each.what.result == ready
        if each.time_ns == at(WAIT)
    )


def targets(line: Timeline, wait: Moment) -> list[tuple[str, int | None]]:
    return [(told(each), each.talk) for each in served(line.moments)[wait.number]]


def test_one_wait_is_woken_by_three_clients_and_serves_them() -> None:
    line = several(waits(WAIT, 126, 3), reads(0, 130), writes(0, 132), reads(1, 134), reads(2, 138))
    wait = wait_of(line, 3)
    causes = [line.moments[number] for number in (wait.cause or -1, *wait.also)]
    assert [(told(each), each.talk) for each in causes] == [("P.", 0), ("P.", 1), ("P.", 2)]
    assert targets(line, wait) == [("recv", 0), ("recv", 1), ("recv", 2)]


def test_a_wait_whose_descriptors_were_ready_before_it_knows_what_made_them_so() -> None:
    line = several(waits(WAIT, 101, 1), reads(1, 103), waits(110, 600, 0), speaks_at=(400, 60, 410))
    wait = wait_of(line, 1)
    assert wait.cause is not None
    assert line.moments[wait.cause].talk == 1
    assert targets(line, wait) == [("recv", 1)]


def test_an_accept_follows_from_the_wait_that_the_last_ack_ended() -> None:
    line = several(waits(WAIT, 600, 0))
    first = find(line, Lane.SERVER_CALLS, "epoll_wait")
    assert first.cause is not None
    assert told(line.moments[first.cause]) == "."
    assert targets(line, first) == [("accept", 0), ("accept", 1), ("accept", 2)]


def test_who_is_written_to_because_another_spoke_was_not_ready() -> None:
    line = several(waits(WAIT, 126, 1), writes(2, 128), reads(0, 130), writes(1, 132), speaks_at=(120, 300, 301))
    assert targets(line, wait_of(line, 1)) == [("recv", 0)]


def test_what_comes_after_the_next_wait_is_its_own() -> None:
    line = several(waits(WAIT, 126, 2), reads(0, 130), waits(140, 145, 1), reads(1, 150))
    assert targets(line, wait_of(line, 2)) == [("recv", 0)]


def test_a_wait_that_told_of_nothing_has_no_cause() -> None:
    line = several(waits(WAIT, 126, 0), reads(0, 130))
    wait = wait_of(line, 0)
    assert (wait.cause, wait.also, targets(line, wait)) == (None, (), [])


def test_the_states_of_the_server_are_those_of_three_connections() -> None:
    line = several(waits(WAIT, 126, 3))
    stands = [each for each in line.moments if each.lane is Lane.SERVER_STATE and told(each) == State.ESTABLISHED.value]
    assert [each.talk for each in stands] == [0, 1, 2]
