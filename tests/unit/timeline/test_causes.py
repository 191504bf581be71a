"""What brought states, segments and the ends of waits about."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lab.kernel.trace import KernelCall, Transition
from lab.timeline.model import Lane, Moment, Source, StateChange, Timeline
from lab.wire.state import State
from tests.unit.judge.builders import BEGUN, MS, row, snapshot
from tests.unit.timeline.builders import (
    CLIENT_BEGINS,
    CLIENT_ENDS,
    CLIENT_FIRST,
    CLIENT_PID,
    CLIENT_SOCKET,
    LISTENER,
    LISTENS,
    NOBODY,
    OPEN,
    OPENS,
    SERVER,
    SERVER_BEGINS,
    SERVER_ENDS,
    SERVER_PID,
    SERVER_SOCKET,
    A,
    call,
    find,
    kernel,
    timeline,
    told,
    transition,
)

LISTENS_ALONE = SERVER_BEGINS[:3]


def played(script: Sequence[str], changes: Sequence[Transition], calls: Sequence[KernelCall]) -> Timeline:
    begins = (*LISTENS, *OPENS) if not changes or changes[0] not in LISTENS else ()
    record = kernel(
        transitions=tuple(sorted([*begins, *changes])), calls=tuple(sorted(calls, key=lambda one: one.begun_ns))
    )
    return timeline(*OPEN, *script, record=record)


def cause(line: Timeline, moment: Moment) -> Moment | None:
    return None if moment.cause is None else line.moments[moment.cause]


def test_a_reset_that_comes_while_the_program_sends_ends_the_connection_and_not_the_send() -> None:
    line = played(
        ["> P. hello", "< R"],
        [transition(44, CLIENT_SOCKET, "ESTAB", "UNCONN", CLIENT_ENDS, CLIENT_PID)],
        [*SERVER_BEGINS, *CLIENT_BEGINS, call(29, 30, CLIENT_PID, "sendto", 3, 5, CLIENT_SOCKET)],
    )
    behind = cause(line, find(line, Lane.CLIENT_STATE, "UNCONN"))
    assert behind is not None
    assert (behind.lane, told(behind)) == (Lane.WIRE, "R")


def test_a_reset_without_an_ack_answers_what_came_though_a_close_was_just_before() -> None:
    line = played(
        ["> P. hello", "< R"],
        [],
        [*SERVER_BEGINS, *CLIENT_BEGINS, call(31, 1, SERVER_PID, "close", 4, 0, SERVER_SOCKET)],
    )
    behind = cause(line, find(line, Lane.WIRE, "R"))
    assert behind is not None
    assert told(behind) == "P."


def test_a_close_with_bytes_unread_resets() -> None:
    line = played(
        ["> P. hello", "< R."],
        [transition(39, SERVER_SOCKET, "ESTAB", "UNCONN", SERVER_ENDS, SERVER_PID)],
        [*SERVER_BEGINS, *CLIENT_BEGINS, call(38, 5, SERVER_PID, "close", 4, 0, SERVER_SOCKET)],
    )
    for moment in (find(line, Lane.SERVER_STATE, "UNCONN"), find(line, Lane.WIRE, "R.")):
        behind = cause(line, moment)
        assert behind is not None
        assert told(behind) == "close"


def test_a_program_that_just_ends_made_no_call_and_no_segment_is_blamed() -> None:
    line = played(
        CLIENT_FIRST,
        [
            transition(29, CLIENT_SOCKET, "ESTAB", "FIN-WAIT-1", CLIENT_ENDS, CLIENT_PID),
            transition(33, SERVER_SOCKET, "ESTAB", "CLOSE-WAIT", SERVER_ENDS),
            transition(49, SERVER_SOCKET, "CLOSE-WAIT", "LAST-ACK", SERVER_ENDS, SERVER_PID),
            transition(63, SERVER_SOCKET, "LAST-ACK", "UNCONN", SERVER_ENDS),
        ],
        [*SERVER_BEGINS, *CLIENT_BEGINS],
    )
    assert cause(line, find(line, Lane.CLIENT_STATE, "FIN-WAIT-1")) is None
    assert cause(line, find(line, Lane.SERVER_STATE, "LAST-ACK")) is None
    behind = cause(line, find(line, Lane.SERVER_STATE, "UNCONN"))
    assert behind is not None
    assert told(behind) == "."


def test_what_waits_in_a_queue_ends_with_its_listener() -> None:
    line = played(
        ["> P. hello", "< R.", "< R."],
        [
            transition(41, LISTENER, "LISTEN", "UNCONN", (SERVER, NOBODY), SERVER_PID),
            transition(42, SERVER_SOCKET, "ESTAB", "UNCONN", SERVER_ENDS, SERVER_PID),
        ],
        [*LISTENS_ALONE, *CLIENT_BEGINS, call(40.5, 20, SERVER_PID, "close", 3, 0, LISTENER)],
    )
    state = find(line, Lane.SERVER_STATE, "UNCONN", 1)
    resets = [moment for moment in line.moments if told(moment) == "R."]
    assert state.talk == 0
    for moment in (state, resets[-1]):
        behind = cause(line, moment)
        assert behind is not None
        assert (behind.what, behind.talk) == (StateChange(State.CLOSED, State.LISTEN), None)
        closes = cause(line, behind)
        assert closes is not None
        assert told(closes) == "close"


def test_one_that_was_accepted_does_not_end_with_its_listener() -> None:
    line = played(
        ["> P. hello", "< R."],
        [
            transition(35, LISTENER, "LISTEN", "UNCONN", (SERVER, NOBODY), SERVER_PID),
            transition(39, SERVER_SOCKET, "ESTAB", "UNCONN", SERVER_ENDS, SERVER_PID),
        ],
        [*SERVER_BEGINS, *CLIENT_BEGINS],
    )
    assert cause(line, find(line, Lane.SERVER_STATE, "UNCONN", 1)) is None


def test_a_listener_listens_by_its_call() -> None:
    line = timeline(record=kernel())
    behind = cause(line, find(line, Lane.SERVER_STATE, "LISTEN"))
    assert behind is not None
    assert told(behind) == "listen"


def test_nothing_brings_about_that_a_half_open_request_is_given_up() -> None:
    shown = snapshot(
        "half_open", "server", row("SYN-RECV", 0, 0, SERVER, A), begun_ns=BEGUN + 30 * MS, ended_ns=BEGUN + 31 * MS
    )
    gone = snapshot("given_up", "server", begun_ns=BEGUN + 90 * MS, ended_ns=BEGUN + 91 * MS)
    line = timeline("> S", "< S.", record=kernel(transitions=(*LISTENS, OPENS[0]), calls=()), snapshots=(shown, gone))
    end = find(line, Lane.SERVER_STATE, "UNCONN")
    assert (end.source, end.cause) == (Source.SS, None)


@pytest.mark.parametrize(("took", "waited"), [(30, False), (2_000, True)])
def test_a_send_that_is_soon_done_waited_for_nothing(took: float, waited: bool) -> None:  # noqa: FBT001
    line = played(
        ["> P. hello", "< ."],
        [],
        [*SERVER_BEGINS, *CLIENT_BEGINS, call(29, took, CLIENT_PID, "sendto", 3, 5, CLIENT_SOCKET)],
    )
    assert (cause(line, find(line, Lane.CLIENT_CALLS, "send")) is not None) is waited


def test_an_accept_waits_for_the_last_ack_and_not_for_what_comes_behind_it() -> None:
    calls = [*LISTENS_ALONE, call(-790, 860, SERVER_PID, "accept4", 3, 4), *CLIENT_BEGINS]
    line = played(["> P. hello"], [], [*calls, call(80, 5, SERVER_PID, "recvfrom", 4, 5, SERVER_SOCKET)])
    behind = cause(line, find(line, Lane.SERVER_CALLS, "accept"))
    assert behind is not None
    assert told(behind) == "."
