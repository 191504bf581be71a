"""What a stage waits for."""

from __future__ import annotations

import time

from lab.conditions import all_of, asked, backed_up, gone, held, holders, several, state, still, unread, waiting
from lab.kernel.sockets import parse_ss
from lab.recording.play import Party
from lab.wire.segment import Endpoint

ROWS = parse_ss("""State Recv-Q Send-Q Local Address:Port Peer Address:Port Process
LISTEN    2 5 192.168.1.102:8000 0.0.0.0:*
ESTAB     0 0 192.168.1.102:8000 192.168.1.101:58132
TIME-WAIT 0 0 192.168.1.102:8000 192.168.1.101:59438 timer:(timewait,59sec,0)
""")
SERVER = Endpoint("192.168.1.102", 8000)


def client(name: str, port: int) -> Party:
    local = Endpoint("192.168.1.101", port)
    return Party(name, "client", "client", "prompt", "prompt 192.168.1.102 8000", 12, local, SERVER)


CLIENTS = {"a": client("a", 58132), "b": client("b", 59438)}


def test_a_state_is_anybodys_or_one_clients() -> None:
    assert state("ESTAB").holds(ROWS, CLIENTS.get)
    assert state("ESTAB", "a").holds(ROWS, CLIENTS.get)
    assert not state("ESTAB", "b").holds(ROWS, CLIENTS.get)
    assert not state("ESTAB", "nobody").holds(ROWS, CLIENTS.get)


def test_held_means_established_and_taken_out_of_the_accept_queue() -> None:
    rows = parse_ss("""State Recv-Q Send-Q Local Address:Port Peer Address:Port Process
ESTAB      0 0 192.168.1.102:8000 192.168.1.101:58132 users:(("serve_blocking",pid=12,fd=4))
ESTAB      0 0 192.168.1.102:8000 192.168.1.101:59438
""")
    assert held("a").holds(rows, CLIENTS.get)
    assert not held("b").holds(rows, CLIENTS.get)
    assert not held("a").holds(ROWS, CLIENTS.get)
    assert not held("nobody").holds(rows, CLIENTS.get)


def test_gone_means_no_row_of_that_client_not_even_time_wait() -> None:
    assert not gone("b").holds(ROWS, CLIENTS.get)
    assert gone("nobody").holds(ROWS, CLIENTS.get)


def test_waiting_counts_the_accept_queue_of_a_listener_alone() -> None:
    assert waiting(2).holds(ROWS, CLIENTS.get)
    assert not waiting(0).holds(ROWS, CLIENTS.get)


def test_unread_counts_the_bytes_of_one_client() -> None:
    rows = parse_ss("""State Recv-Q Send-Q Local Address:Port Peer Address:Port Process
LISTEN 5 5 192.168.1.102:8000 0.0.0.0:*
ESTAB  0 0 192.168.1.102:8000 192.168.1.101:59438
ESTAB  5 0 192.168.1.102:8000 192.168.1.101:58132
""")
    assert unread("a", 5).holds(rows, CLIENTS.get)
    assert not unread("b", 5).holds(rows, CLIENTS.get)
    assert not unread("nobody", 5).holds(rows, CLIENTS.get)


def test_all_of_holds_only_when_each_does_and_says_each() -> None:
    both = all_of(waiting(2), state("ESTAB", "b"))
    assert not both.holds(ROWS, CLIENTS.get)
    assert both.words == "LISTEN Recv-Q 2 and ESTAB b"


def test_several_counts_the_rows_of_a_state_exactly() -> None:
    assert several("ESTAB", 1).holds(ROWS, CLIENTS.get)
    assert not several("ESTAB", 2).holds(ROWS, CLIENTS.get)


def test_held_asks_for_a_process_beside_the_state() -> None:
    served = parse_ss('ESTAB 0 0 192.168.1.102:8000 192.168.1.101:58132 users:(("s",pid=4,fd=4))\n')
    assert not held("a").holds(ROWS, CLIENTS.get)
    assert held("a").holds(served, CLIENTS.get)
    assert held("a").words == "ESTAB a users:(…)"


def queued(size: int) -> str:
    return f"ESTAB 0 {size} 192.168.1.102:8000 192.168.1.101:58132\n"


def test_backed_up_means_that_bytes_wait_in_a_queue_of_that_client() -> None:
    assert backed_up("a").holds(parse_ss(queued(1)), CLIENTS.get)
    assert not backed_up("a").holds(parse_ss(queued(0)), CLIENTS.get)
    assert not backed_up("b").holds(parse_ss(queued(1)), CLIENTS.get)
    assert not backed_up("a", queue="recv_q").holds(parse_ss(queued(1)), CLIENTS.get)
    assert not backed_up("a", at_least=2).holds(parse_ss(queued(1)), CLIENTS.get)


def test_still_means_that_a_queue_has_not_moved_for_a_time() -> None:
    stuck = still("a", seconds=0.02)
    begun = time.monotonic()
    while not stuck.holds(parse_ss(queued(5)), CLIENTS.get):
        assert time.monotonic() < begun + 5
    assert time.monotonic() - begun >= 0.02


def test_a_queue_that_moves_or_is_empty_is_not_still() -> None:
    moving = still("a", seconds=0.0)
    assert not still("a", seconds=0.0).holds(parse_ss(queued(0)), CLIENTS.get)
    assert moving.holds(parse_ss(queued(5)), CLIENTS.get)
    patient = still("a", seconds=3600)
    for size in (5, 6, 5):
        assert not patient.holds(parse_ss(queued(size)), CLIENTS.get)


def test_holders_counts_the_processes_that_hold_an_established_connection() -> None:
    rows = parse_ss("""State Recv-Q Send-Q Local Address:Port Peer Address:Port Process
LISTEN 0 5 192.168.1.102:8000 0.0.0.0:* users:(("s",pid=1,fd=3))
ESTAB  0 0 192.168.1.101:1001 192.168.1.111:8000 users:(("f",pid=4,fd=4))
ESTAB  0 0 192.168.1.101:1002 192.168.1.112:8000 users:(("f",pid=5,fd=4))
ESTAB  0 0 192.168.1.101:1003 192.168.1.113:8000 users:(("f",pid=5,fd=5))
""")
    assert [count for count in range(5) if holders(count).holds(rows, CLIENTS.get)] == [2]


def test_asked_means_that_somebodys_request_waits_unread() -> None:
    assert asked().holds(parse_ss("ESTAB 152 0 192.168.1.111:8000 192.168.1.101:58132\n"), CLIENTS.get)
    assert not asked().holds(ROWS, CLIENTS.get), "Recv-Q of LISTEN is no request"


def test_another_connection_from_the_same_port_is_not_that_clients() -> None:
    rows = parse_ss("""State Recv-Q Send-Q Local Address:Port Peer Address:Port Process
FIN-WAIT-2 0     0 192.168.1.102:8004 192.168.1.101:58132
ESTAB      0 31857 192.168.1.102:8000 192.168.1.101:58132
""")
    assert backed_up("a", at_least=31857).holds(rows, CLIENTS.get)
    assert not state("FIN-WAIT-2", "a").holds(rows, CLIENTS.get)
