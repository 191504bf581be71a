"""What a stage waits for."""

from __future__ import annotations

from lab.conditions import all_of, gone, held, several, state, unread, waiting
from lab.kernel.sockets import parse_ss
from lab.wire.segment import Endpoint

ROWS = parse_ss("""State Recv-Q Send-Q Local Address:Port Peer Address:Port Process
LISTEN    2 5 192.168.1.102:8000 0.0.0.0:*
ESTAB     0 0 192.168.1.102:8000 192.168.1.101:58132
TIME-WAIT 0 0 192.168.1.102:8000 192.168.1.101:59438 timer:(timewait,59sec,0)
""")
PORTS = {"a": Endpoint("192.168.1.101", 58132), "b": Endpoint("192.168.1.101", 59438)}


def test_a_state_is_anybodys_or_one_clients() -> None:
    assert state("ESTAB").holds(ROWS, PORTS.get)
    assert state("ESTAB", "a").holds(ROWS, PORTS.get)
    assert not state("ESTAB", "b").holds(ROWS, PORTS.get)
    assert not state("ESTAB", "nobody").holds(ROWS, PORTS.get)


def test_held_means_established_and_taken_out_of_the_accept_queue() -> None:
    rows = parse_ss("""State Recv-Q Send-Q Local Address:Port Peer Address:Port Process
ESTAB      0 0 192.168.1.102:8000 192.168.1.101:58132 users:(("serve_blocking",pid=12,fd=4))
ESTAB      0 0 192.168.1.102:8000 192.168.1.101:59438
""")
    assert held("a").holds(rows, PORTS.get)
    assert not held("b").holds(rows, PORTS.get)
    assert not held("a").holds(ROWS, PORTS.get)
    assert not held("nobody").holds(rows, PORTS.get)


def test_gone_means_no_row_of_that_client_not_even_time_wait() -> None:
    assert not gone("b").holds(ROWS, PORTS.get)
    assert gone("nobody").holds(ROWS, PORTS.get)


def test_waiting_counts_the_accept_queue_of_a_listener_alone() -> None:
    assert waiting(2).holds(ROWS, PORTS.get)
    assert not waiting(0).holds(ROWS, PORTS.get)


def test_unread_counts_the_bytes_of_one_client() -> None:
    rows = parse_ss("""State Recv-Q Send-Q Local Address:Port Peer Address:Port Process
LISTEN 5 5 192.168.1.102:8000 0.0.0.0:*
ESTAB  0 0 192.168.1.102:8000 192.168.1.101:59438
ESTAB  5 0 192.168.1.102:8000 192.168.1.101:58132
""")
    assert unread("a", 5).holds(rows, PORTS.get)
    assert not unread("b", 5).holds(rows, PORTS.get)
    assert not unread("nobody", 5).holds(rows, PORTS.get)


def test_all_of_holds_only_when_each_does_and_says_each() -> None:
    both = all_of(waiting(2), state("ESTAB", "b"))
    assert not both.holds(ROWS, PORTS.get)
    assert both.words == "LISTEN Recv-Q 2 and ESTAB b"


def test_several_counts_the_rows_of_a_state_exactly() -> None:
    assert several("ESTAB", 1).holds(ROWS, PORTS.get)
    assert not several("ESTAB", 2).holds(ROWS, PORTS.get)


def test_held_asks_for_a_process_beside_the_state() -> None:
    served = parse_ss('ESTAB 0 0 192.168.1.102:8000 192.168.1.101:58132 users:(("s",pid=4,fd=4))\n')
    assert not held("a").holds(ROWS, PORTS.get)
    assert held("a").holds(served, PORTS.get)
    assert held("a").words == "ESTAB a users:(…)"
