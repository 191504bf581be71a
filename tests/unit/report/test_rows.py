"""Tables of socket rows: what came, what went, what changed, and how they fit the width."""

from __future__ import annotations

import pytest

from lab.kernel.rows import Process, SocketRow, Timer
from lab.report import changes, table
from lab.report.ink import cells, plain
from lab.report.watch import watch_lines
from lab.wire.segment import Endpoint
from lab.wire.state import State

SERVER, CLIENT = Endpoint("192.168.1.102", 8000), Endpoint("192.168.1.101", 58132)
WORDS = table.TableWords("… {count} more", "(none)")


def row(
    state: State,
    *,
    local: Endpoint = SERVER,
    peer: Endpoint | None = CLIENT,
    recv_q: int = 0,
    fd: int | None = None,
    timer: Timer | None = None,
) -> SocketRow:
    holders = () if fd is None else (Process("serve_blocking", 12, fd),)
    return SocketRow(state, recv_q, 0, local, peer, holders, timer, None, "")


LISTEN = row(State.LISTEN, peer=None, fd=3)
ESTAB = row(State.ESTABLISHED, fd=4)
WAITS = row(State.TIME_WAIT, timer=Timer("timewait", 59_000, 0))


def marks(entries: tuple[changes.Entry, ...]) -> list[tuple[str, str]]:
    return [(entry.mark, entry.cells[0]) for entry in entries]


def test_a_state_that_changed_shows_as_a_row_gone_and_a_row_come() -> None:
    assert marks(changes.compare([LISTEN, WAITS], [LISTEN, ESTAB])) == [
        (" ", "LISTEN"),
        ("-", "ESTAB"),
        ("+", "TIME-WAIT"),
    ]


def test_a_running_timer_is_no_change() -> None:
    later = row(State.TIME_WAIT, timer=Timer("timewait", 40_000, 0))
    assert marks(changes.compare([later], [WAITS])) == [(" ", "TIME-WAIT")]


def test_without_an_earlier_moment_nothing_is_marked() -> None:
    assert marks(changes.compare([LISTEN, ESTAB], None)) == [(" ", "LISTEN"), (" ", "ESTAB")]


def test_the_name_server_of_the_engine_is_not_shown() -> None:
    assert changes.compare([row(State.LISTEN, local=Endpoint("127.0.0.11", 40000), peer=None)], ()) == ()


def test_many_rows_alike_are_cut_and_counted() -> None:
    rows = [row(State.TIME_WAIT, peer=Endpoint("192.168.1.101", 50000 + n)) for n in range(20)]
    entries = changes.compare(rows, None)
    assert (len(entries), entries[-1].more) == (3, 17)


def test_rows_stand_in_the_order_of_their_clients_not_in_hash_order() -> None:
    rows = [row(State.ESTABLISHED, peer=Endpoint("192.168.1.101", port)) for port in (60, 40, 50)]
    assert [entry.cells[4] for entry in changes.compare([*rows, LISTEN], None)] == [
        "*",
        "192.168.1.101:40",
        "192.168.1.101:50",
        "192.168.1.101:60",
    ]


def test_watching_marks_the_cells_that_changed_and_shows_a_vanished_row_once_more() -> None:
    entries = changes.follow([row(State.CLOSE_WAIT, fd=4, recv_q=1)], [LISTEN, ESTAB])
    assert [(entry.mark, sorted(entry.changed)) for entry in entries] == [("-", []), ("*", [0, 1])]


def test_a_wide_page_has_the_host_beside_its_rows() -> None:
    tables = [table.HostTable("server", changes.compare([LISTEN, ESTAB], [LISTEN]))]
    assert [plain(line) for line in table.draw(tables, 100, WORDS)] == [
        "         State   Recv-Q  Send-Q  Local               Peer                 Process",
        "server   LISTEN  0       0       192.168.1.102:8000  *                    serve_blocking fd=3",
        "       + ESTAB   0       0       192.168.1.102:8000  192.168.1.101:58132  serve_blocking fd=4",
    ]


def test_a_narrow_page_names_the_program_once_above() -> None:
    tables = [table.HostTable("server", changes.compare([LISTEN, ESTAB, WAITS], [LISTEN]))]
    assert [plain(line) for line in table.draw(tables, 77, WORDS)] == [
        "server   serve_blocking",
        "  State     Recv-Q Send-Q Local              Peer                Process",
        "  LISTEN    0      0      192.168.1.102:8000 *                   fd=3",
        "+ ESTAB     0      0      192.168.1.102:8000 192.168.1.101:58132 fd=4",
        "+ TIME-WAIT 0      0      192.168.1.102:8000 192.168.1.101:58132 timer 59 s",
    ]


def test_a_process_that_finds_no_room_stands_below_its_row() -> None:
    stuck = row(State.SYN_SENT, fd=10, timer=Timer("on", 960, 0))
    tables = [table.HostTable("client", changes.compare([ESTAB, stuck], None))]
    lines = table.draw(tables, 75, WORDS)
    assert [plain(line) for line in lines][-2:] == [
        "  SYN-SENT 0      0      192.168.1.102:8000 192.168.1.101:58132",
        "           fd=10 timer on 960 ms",
    ]
    assert max(map(cells, lines)) <= 75


@pytest.mark.parametrize("width", range(74, 121))
def test_no_table_is_wider_than_the_page(width: int) -> None:
    now = [LISTEN, ESTAB, WAITS, row(State.CLOSE_WAIT, fd=4, recv_q=1, peer=Endpoint("192.168.1.101", 61056))]
    tables = [table.HostTable("server", changes.compare(now, [LISTEN])), table.HostTable("client", ())]
    assert max(map(cells, table.draw(tables, width, WORDS))) <= width


@pytest.mark.parametrize(("width", "beside"), [(119, False), (140, True)])
def test_the_hosts_are_watched_side_by_side_when_there_is_room(width: int, beside: bool) -> None:  # noqa: FBT001
    addresses = {"server": SERVER.address, "client": CLIENT.address}
    now = {"server": (LISTEN, ESTAB), "client": (row(State.ESTABLISHED, local=CLIENT, peer=SERVER),)}
    lines = [plain(line) for line in watch_lines(now, None, addresses, "en", width)]
    assert ("client" in lines[0]) is beside
    assert max(map(len, lines)) <= width
