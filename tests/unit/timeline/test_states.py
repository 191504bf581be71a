"""States that the kernel tells of, and those that it does not."""

from __future__ import annotations

from dataclasses import replace

from lab.recording.saved import SavedSnapshot
from lab.timeline.model import Lane, Source, StateChange, Timeline
from lab.wire.state import State
from tests.unit.judge.builders import BEGUN, MS, row, snapshot
from tests.unit.timeline.builders import (
    CLIENT_ENDS,
    CLIENT_FIRST,
    CLIENT_PID,
    CLIENT_SOCKET,
    LISTENS,
    OPEN,
    OPENS,
    SERVER,
    SERVER_ENDS,
    SERVER_PID,
    SERVER_SOCKET,
    A,
    at,
    find,
    kernel,
    lane,
    timeline,
    transition,
)

CLOSES = (
    transition(29, CLIENT_SOCKET, "ESTAB", "FIN-WAIT-1", CLIENT_ENDS, CLIENT_PID),
    transition(33, SERVER_SOCKET, "ESTAB", "CLOSE-WAIT", SERVER_ENDS),
    transition(43, CLIENT_SOCKET, "FIN-WAIT-1", "FIN-WAIT-2", CLIENT_ENDS),
    # An orphan: the small socket that stays is in FIN-WAIT-2 as well, and no event tells when it is in TIME-WAIT.
    transition(43.1, CLIENT_SOCKET, "FIN-WAIT-2", "UNCONN", CLIENT_ENDS),
    transition(49, SERVER_SOCKET, "CLOSE-WAIT", "LAST-ACK", SERVER_ENDS, SERVER_PID),
    transition(63, SERVER_SOCKET, "LAST-ACK", "UNCONN", SERVER_ENDS),
)
CLOSED = kernel(transitions=(*LISTENS, *OPENS, *CLOSES), calls=())


def test_syn_recv_begins_when_the_syn_arrives_which_no_event_tells() -> None:
    line = timeline(record=kernel())
    first, second = (find(line, Lane.SERVER_STATE, "SYN-RECV", n) for n in (0, 1))
    assert (first.source, first.time_ns) == (Source.INFERRED, at(3))
    assert (second.source, second.time_ns) == (Source.KERNEL, at(24))


def test_time_wait_is_inferred_where_the_kernel_let_the_socket_go() -> None:
    line = timeline(*OPEN, *CLIENT_FIRST, record=CLOSED)
    assert lane(line, Lane.CLIENT_STATE) == ["SYN-SENT", "ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"]
    found = find(line, Lane.CLIENT_STATE, "TIME-WAIT")
    assert (found.source, found.time_ns) == (Source.INFERRED, at(53))
    assert lane(line, Lane.SERVER_STATE)[-3:] == ["CLOSE-WAIT", "LAST-ACK", "UNCONN"]


def test_time_wait_that_ss_showed_is_marked_so() -> None:
    shown = snapshot(
        "let_go", "client", row("TIME-WAIT", 0, 0, A, SERVER), begun_ns=BEGUN + 30 * MS, ended_ns=BEGUN + 31 * MS
    )
    line = timeline(*OPEN, *CLIENT_FIRST, record=CLOSED, snapshots=(shown,))
    assert find(line, Lane.CLIENT_STATE, "TIME-WAIT").source is Source.SS


def test_the_end_of_time_wait_is_between_two_looks() -> None:
    shown = snapshot(
        "before", "client", row("TIME-WAIT", 0, 0, A, SERVER), begun_ns=BEGUN + 30 * MS, ended_ns=BEGUN + 31 * MS
    )
    gone = replace(snapshot("after", "client"), begun_ns=BEGUN + 90 * MS, ended_ns=BEGUN + 91 * MS)
    line = timeline(*OPEN, *CLIENT_FIRST, record=CLOSED, snapshots=(shown, gone))
    end = find(line, Lane.CLIENT_STATE, "UNCONN")
    assert (end.source, end.time_ns, end.precision_ns) == (Source.SS, BEGUN + 90 * MS, 59 * MS)
    assert end.what == StateChange(State.CLOSED, State.TIME_WAIT)


def test_a_reset_ends_a_socket_without_time_wait() -> None:
    changes = (*OPENS, transition(34, SERVER_SOCKET, "ESTAB", "UNCONN", SERVER_ENDS))
    line = timeline(*OPEN, "> R.", record=kernel(transitions=(*LISTENS, *changes), calls=()))
    assert lane(line, Lane.SERVER_STATE)[-2:] == ["ESTAB", "UNCONN"]


def test_a_refused_client_is_told_by_the_kernel_though_it_had_no_port_at_first() -> None:
    changes = (OPENS[0], transition(13, CLIENT_SOCKET, "SYN-SENT", "UNCONN", CLIENT_ENDS))
    line = timeline("> S", "< R.", record=kernel(transitions=changes, calls=()))
    assert lane(line, Lane.CLIENT_STATE) == ["SYN-SENT", "UNCONN"]
    assert {moment.source for moment in line.moments if moment.lane is Lane.CLIENT_STATE} == {Source.KERNEL}


def test_a_syn_that_nobody_answers_belongs_to_the_socket_that_sent_it() -> None:
    line = timeline("> S", record=kernel(transitions=(OPENS[0],), calls=()))
    found = find(line, Lane.CLIENT_STATE, "SYN-SENT")
    assert (found.source, found.talk) == (Source.KERNEL, 0)


def test_a_half_open_request_that_is_gone_from_ss_was_given_up() -> None:
    shown = snapshot(
        "half_open", "server", row("SYN-RECV", 0, 0, SERVER, A), begun_ns=BEGUN + 30 * MS, ended_ns=BEGUN + 31 * MS
    )
    gone = replace(snapshot("given_up", "server"), begun_ns=BEGUN + 90 * MS, ended_ns=BEGUN + 91 * MS)
    line = timeline("> S", "< S.", record=kernel(transitions=(*LISTENS, OPENS[0]), calls=()), snapshots=(shown, gone))
    assert lane(line, Lane.SERVER_STATE) == ["SYN-RECV", "UNCONN"]
    end = find(line, Lane.SERVER_STATE, "UNCONN")
    assert (end.source, end.what) == (Source.SS, StateChange(State.CLOSED, State.SYN_RECEIVED))


ORPHAN = (*OPENS, *CLOSES[:4])
"""The client closes and lets go of its socket; the server does not close."""


def orphan(*snapshots: SavedSnapshot, script: tuple[str, ...] = CLIENT_FIRST[:2]) -> Timeline:
    record = kernel(transitions=(*LISTENS, *ORPHAN), calls=())
    return timeline(*OPEN, *script, record=record, snapshots=snapshots)


def waiting(at_ms: int, *rows: str) -> SavedSnapshot:
    return snapshot("x", "client", *rows, begun_ns=BEGUN + at_ms * MS, ended_ns=BEGUN + (at_ms + 1) * MS)


SHOWN = row("FIN-WAIT-2", 0, 0, A, SERVER, timer="timewait,59sec,0")


def test_an_orphan_in_fin_wait_2_stays_there_though_the_kernel_swaps_its_socket() -> None:
    line = orphan(waiting(30, SHOWN), waiting(60, SHOWN))
    assert lane(line, Lane.CLIENT_STATE) == ["SYN-SENT", "ESTAB", "FIN-WAIT-1", "FIN-WAIT-2"]
    assert lane(orphan(), Lane.CLIENT_STATE)[-1] == "FIN-WAIT-2"


def test_the_end_of_an_orphan_is_between_two_looks() -> None:
    end = find(orphan(waiting(30, SHOWN), waiting(90)), Lane.CLIENT_STATE, "UNCONN")
    assert (end.source, end.time_ns, end.precision_ns) == (Source.SS, BEGUN + 90 * MS, 59 * MS)
    assert end.what == StateChange(State.CLOSED, State.FIN_WAIT_2)


def test_a_reset_ends_an_orphan() -> None:
    line = orphan(waiting(30), script=(*CLIENT_FIRST[:2], "< R."))
    assert lane(line, Lane.CLIENT_STATE)[-2:] == ["FIN-WAIT-2", "UNCONN"]
    assert find(line, Lane.CLIENT_STATE, "UNCONN").time_ns == at(53)


def test_a_reset_in_fin_wait_2_is_told_by_the_kernel_itself() -> None:
    changes = (*OPENS, *CLOSES[:3], transition(54, CLIENT_SOCKET, "FIN-WAIT-2", "UNCONN", CLIENT_ENDS))
    record = kernel(transitions=(*LISTENS, *changes), calls=())
    end = find(timeline(*OPEN, *CLIENT_FIRST[:2], "< R.", record=record), Lane.CLIENT_STATE, "UNCONN")
    assert (end.source, end.time_ns) == (Source.KERNEL, at(54))


def test_without_the_kernel_s_record_an_orphan_that_is_gone_from_ss_is_gone() -> None:
    line = timeline(*OPEN, *CLIENT_FIRST[:2], snapshots=(waiting(30, SHOWN), waiting(90)))
    assert lane(line, Lane.CLIENT_STATE)[-2:] == ["FIN-WAIT-2", "UNCONN"]
