from __future__ import annotations

from typing import Any

import pytest

from lab.judge.sockets.tables import sockets
from lab.judge.verdict import Message, Pair, Result, Verdict
from lab.recording.saved import SavedLab, saved_form
from lab.wire.segment import Endpoint
from tests.unit.judge.builders import (
    CLIENT_A,
    LISTENING,
    SERVER,
    SERVING_A,
    A,
    B,
    evidence,
    party,
    row,
    snapshot,
    ss,
)

ONE_CLIENT = """
    State   Recv-Q Send-Q Local        Peer      Process
    LISTEN  0      5      server:8000  *         server fd=3
    ESTAB   0      0      server:8000  client:a  server fd=4
"""
TIME_WAIT = row("TIME-WAIT", 0, 0, SERVER, A, timer="timewait,59sec,0")


def judged(table: str, *rows: str, only: Any = None, **changes: Any) -> Result:
    run = evidence(snapshots=(snapshot("now", "server", *rows, **changes),))
    return sockets("now", on="server", id="rows", table=table, only=only).judge(run)


def wrong_cells(result: Result) -> list[tuple[str, str, str]]:
    """Return (column, expected, observed) of each marked cell."""
    assert result.comparison is not None
    return [
        (result.comparison.columns[n], pair.expected[n], pair.observed[n])
        for pair in result.comparison.pairs
        if pair.expected and pair.observed
        for n in sorted(pair.differs)
    ]


def pairs(result: Result) -> tuple[Pair, ...]:
    assert result.comparison is not None
    return result.comparison.pairs


def test_the_rows_that_ss_shows_pass_whatever_their_order() -> None:
    assert judged(ONE_CLIENT, LISTENING, SERVING_A).verdict is Verdict.PASS
    assert judged(ONE_CLIENT, SERVING_A, LISTENING).verdict is Verdict.PASS


def test_the_comparison_shows_real_addresses_and_program_names() -> None:
    result = judged(ONE_CLIENT, SERVING_A, LISTENING)
    assert pairs(result)[1].expected == ("ESTAB", "0", "0", str(SERVER), str(A), "serve_blocking fd=4")
    assert pairs(result)[1].observed == ("ESTAB", "0", "0", str(SERVER), str(A), "serve_blocking fd=4")


@pytest.mark.parametrize(
    ("instead", "cell"),
    [
        pytest.param(
            row("CLOSE-WAIT", 0, 0, SERVER, A, "serve_blocking 41 4"), ("State", "ESTAB", "CLOSE-WAIT"), id="state"
        ),
        pytest.param(row("ESTAB", 5, 0, SERVER, A, "serve_blocking 41 4"), ("Recv-Q", "0", "5"), id="unread bytes"),
        pytest.param(row("ESTAB", 0, 7, SERVER, A, "serve_blocking 41 4"), ("Send-Q", "0", "7"), id="unacknowledged"),
        pytest.param(row("ESTAB", 0, 0, SERVER, B, "serve_blocking 41 4"), ("Peer", str(A), str(B)), id="peer"),
        pytest.param(
            row("ESTAB", 0, 0, SERVER, A, "serve_blocking 41 5"),
            ("Process", "serve_blocking fd=4", "serve_blocking fd=5"),
            id="descriptor",
        ),
        pytest.param(
            row("ESTAB", 0, 0, SERVER, A, "serve_blocking 77 4"),
            ("Process", "serve_blocking fd=4", "serve_blocking fd=4 pid=77"),
            id="a stranger of the same name",
        ),
        pytest.param(row("ESTAB", 0, 0, SERVER, A), ("Process", "serve_blocking fd=4", ""), id="nobody accepted"),
    ],
)
def test_the_one_cell_that_differs_is_marked(instead: str, cell: tuple[str, str, str]) -> None:
    result = judged(ONE_CLIENT, LISTENING, instead)
    assert result.verdict is Verdict.FAIL
    assert wrong_cells(result) == [cell]
    assert result.observed == Message("rows-differ", {"differing": 1, "missing": 0, "extra": 0})


def test_look_names_the_line_of_the_row_that_differs() -> None:
    closed = row("CLOSE-WAIT", 1, 0, SERVER, A, "serve_blocking 41 4")
    result = judged(ONE_CLIENT, LISTENING, closed)
    (look,) = result.look
    assert look.file == "ss/now.server.txt"
    assert look.line is not None
    assert ss(LISTENING, closed).splitlines()[look.line - 1] == closed


def test_a_missing_row_and_a_row_too_many_are_differences() -> None:
    missing = judged(ONE_CLIENT, LISTENING)
    assert [pair.observed is None for pair in pairs(missing)] == [False, True]
    extra = judged(ONE_CLIENT, LISTENING, SERVING_A, row("SYN-RECV", 0, 0, SERVER, B))
    assert extra.verdict is Verdict.FAIL
    assert pairs(extra)[-1] == Pair(None, ("SYN-RECV", "0", "0", str(SERVER), str(B), ""), frozenset())
    assert extra.observed == Message("rows-differ", {"differing": 0, "missing": 0, "extra": 1})


def test_rows_are_matched_by_their_ends_before_all_else() -> None:
    table = """
        State       Recv-Q  Local        Peer
        ESTAB       0       server:8000  client:a
        CLOSE-WAIT  1       server:8000  client:b
    """
    swapped = judged(table, row("CLOSE-WAIT", 1, 0, SERVER, A), row("ESTAB", 0, 0, SERVER, B))
    assert wrong_cells(swapped) == [
        ("State", "ESTAB", "CLOSE-WAIT"),
        ("Recv-Q", "0", "1"),
        ("State", "CLOSE-WAIT", "ESTAB"),
        ("Recv-Q", "1", "0"),
    ]


def test_a_row_with_a_wildcard_takes_none_that_another_row_needs() -> None:
    table = """
        State  Recv-Q  Local        Peer
        ESTAB  *       server:8000  client:*
        ESTAB  5       server:8000  client:*
    """
    full, empty = row("ESTAB", 5, 0, SERVER, A), row("ESTAB", 0, 0, SERVER, B)
    assert judged(table, full, empty).verdict is Verdict.PASS
    assert judged(table, empty, full).verdict is Verdict.PASS
    assert judged(table, empty, empty.replace("59438", "59440")).verdict is Verdict.FAIL


def test_columns_left_out_are_not_compared() -> None:
    table = """
        State  Peer
        ESTAB  client:a
    """
    assert judged(table, row("ESTAB", 9, 9, SERVER, A, "other 7 9")).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("amount", "seen", "verdict"),
    [
        (">0", 1, Verdict.PASS),
        (">0", 0, Verdict.FAIL),
        ("5..6", 6, Verdict.PASS),
        ("5..6", 7, Verdict.FAIL),
        ("<=3", 3, Verdict.PASS),
        ("*", 99, Verdict.PASS),
    ],
)
def test_a_queue_may_be_an_amount(amount: str, seen: int, verdict: Verdict) -> None:
    table = f"""
        State   Recv-Q   Local
        LISTEN  {amount}   server:8000
    """
    assert judged(table, row("LISTEN", seen, 5, SERVER)).verdict is verdict


def test_an_empty_process_cell_wants_no_process_and_a_name_any_descriptor() -> None:
    table = """
        State   Local        Peer      Process
        LISTEN  server:8000  *         server
        ESTAB   server:8000  client:a
    """
    assert judged(table, LISTENING, row("ESTAB", 0, 0, SERVER, A)).verdict is Verdict.PASS
    accepted = judged(table, LISTENING, SERVING_A)
    assert wrong_cells(accepted) == [("Process", "", "serve_blocking fd=4")]


@pytest.mark.parametrize(
    ("wanted", "timer", "verdict"),
    [
        ("timewait 50..60s", "timewait,59sec,0", Verdict.PASS),
        ("timewait 50..60s", "timewait,12sec,0", Verdict.FAIL),
        ("timewait", "timewait,1.200ms,0", Verdict.PASS),
        ("timewait", "on,200ms,1", Verdict.FAIL),
        ("on <1s", "on,200ms,1", Verdict.PASS),
        ("-", "", Verdict.PASS),
        ("-", "timewait,59sec,0", Verdict.FAIL),
        ("*", "timewait,59sec,0", Verdict.PASS),
    ],
)
def test_a_timer_is_a_name_and_a_range_of_seconds(wanted: str, timer: str, verdict: Verdict) -> None:
    table = f"""
        State      Local        Timer
        TIME-WAIT  server:8000  {wanted}
    """
    assert judged(table, row("TIME-WAIT", 0, 0, SERVER, A, timer=timer)).verdict is verdict


def test_an_empty_cell_in_the_middle_is_told_by_the_columns_names() -> None:
    table = """
        State      Recv-Q  Local        Peer      Process      Timer
        LISTEN     0       server:8000  *         server fd=3
        TIME-WAIT  0       server:8000  client:a               timewait 50..60s
    """
    assert judged(table, LISTENING, TIME_WAIT).verdict is Verdict.PASS


def test_a_table_of_names_alone_wants_no_row_at_all() -> None:
    nothing = "State  Recv-Q  Send-Q  Local  Peer"
    assert judged(nothing).verdict is Verdict.PASS
    assert judged(nothing, TIME_WAIT).verdict is Verdict.FAIL


def test_dockers_own_dns_never_counts_but_a_socket_bound_to_all_addresses_does() -> None:
    nothing = "State  Local  Peer"
    assert judged(nothing).verdict is Verdict.PASS
    everywhere = judged(nothing, row("LISTEN", 0, 5, "0.0.0.0:8000"))
    assert everywhere.verdict is Verdict.FAIL
    table = """
        State   Local
        LISTEN  *:8000
    """
    assert judged(table, row("LISTEN", 0, 5, "0.0.0.0:8000")).verdict is Verdict.PASS
    assert judged(table, row("LISTEN", 0, 5, SERVER)).verdict is Verdict.FAIL


@pytest.mark.parametrize("only", ["client:b", 59438, ("client:b", 9999)])
def test_only_narrows_the_rows_that_count(only: Any) -> None:
    table = """
        State       Local        Peer
        CLOSE-WAIT  server:8000  client:b
    """
    other = row("CLOSE-WAIT", 1, 0, SERVER, B)
    assert judged(table, LISTENING, TIME_WAIT, other, only=only).verdict is Verdict.PASS
    assert judged(table, LISTENING, TIME_WAIT, other).verdict is Verdict.FAIL


def test_only_a_client_means_its_connection_not_another_one_that_had_its_port() -> None:
    table = """
        State  Local        Peer
        ESTAB  server:8000  client:a
    """
    elsewhere = row("FIN-WAIT-2", 0, 0, Endpoint(SERVER.address, 8004), A)
    assert judged(table, elsewhere, SERVING_A, only="client:a").verdict is Verdict.PASS


def test_a_timed_out_snapshot_says_what_it_waited_for_and_fails_with_a_table() -> None:
    late = {"timed_out": True, "waited_for": "server: a is ESTAB"}
    result = judged(ONE_CLIENT, LISTENING, **late)
    assert result.verdict is Verdict.FAIL
    assert result.observed.code == "timed-out"
    assert result.observed.params["condition"] == "server: a is ESTAB"
    assert result.comparison is not None
    assert judged(ONE_CLIENT, LISTENING, SERVING_A, **late).verdict is Verdict.PASS


def test_the_client_s_own_table_names_its_own_process() -> None:
    table = """
        State  Recv-Q  Send-Q  Local     Peer         Process
        ESTAB  0       0       client:a  server:8000  a fd=3
    """
    judge = sockets("now", on="client", id="rows", table=table).judge
    assert judge(evidence(snapshots=(snapshot("now", "client", CLIENT_A),))).verdict is Verdict.PASS


def test_a_moved_lab_is_judged_by_the_same_table() -> None:
    text = ss(LISTENING, SERVING_A).replace("192.168.1.", "10.7.0.")
    run = evidence(snapshots=(snapshot("now", "server", text=text),))
    moved = {
        "lab": SavedLab("lab", "10.7.0.0/24", {"server": "10.7.0.102", "client": "10.7.0.101"}),
        "parties": (
            party("server", "server", 41, "serve_blocking"),
            party("a", "client", 17, "prompt", local=A._replace(address="10.7.0.101")),
        ),
    }
    run = evidence(snapshots=saved_form(run).snapshots, **moved)
    assert sockets("now", on="server", id="rows", table=ONE_CLIENT).judge(run).verdict is Verdict.PASS


def test_sockets_of_some_states_leave_out_the_rest() -> None:
    table = """
        State   Recv-Q  Send-Q  Local
        LISTEN  0       5       server:8000
    """
    assert sockets("connected", on="server", id="s", table=table).judge(evidence()).verdict is Verdict.FAIL
    only = sockets("connected", on="server", id="s", table=table, states=("LISTEN",)).judge(evidence())
    assert only.verdict is Verdict.PASS
