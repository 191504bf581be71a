"""What the glossary says of the ends of connections, on the real kernel: resets, TIME-WAIT, a port that is taken."""

from __future__ import annotations

import errno
import itertools
import socket
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from lab.wire.segment import Flags
from lab.wire.state import State
from tests.lab.loopback import SERVER, Host, Wire, explains, one_host, reads, reset, settle, told
from tests.support import eventually, needs_root

pytestmark = needs_root
LEFT = (State.ESTABLISHED, State.CLOSE_WAIT, State.FIN_WAIT_2, State.TIME_WAIT)
"""States in which an earlier server's connections may be left."""


@pytest.fixture
def host() -> Iterator[Host]:
    with one_host() as made:
        yield made


def comes(wire: Wire, flag: Flags) -> bool:
    """Wait for a segment with this flag: on a loopback it has arrived when it is heard."""
    return eventually(lambda: any(flag in each.flags for each in wire.heard()))


def fails(call: Callable[[], object]) -> str:
    """Return the name of the error with which a call fails, or nothing."""
    try:
        call()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return ""


# ---- W2: what a reset loses ----


def test_what_had_arrived_is_read_after_a_reset_and_the_error_comes_once(host: Host) -> None:
    client, server = host.pair(host.listener())
    server.send(b"answer")
    reset(server)
    assert reads(client, 3) == [b"answer", "ECONNRESET", b""]
    assert told(lambda: client.send(b"more")) == "EPIPE"
    explains("econnreset", "recv()", "SO_ERROR", "EPIPE")


def test_a_close_with_bytes_unread_leaves_the_peer_what_had_arrived(host: Host) -> None:
    client, server = host.pair(host.listener())
    client.send(b"request")
    settle(client)
    server.send(b"answer")
    server.close()
    assert reads(client, 3) == [b"answer", "ECONNRESET", b""]


@pytest.mark.parametrize("taker", ["SO_ERROR", "send"])
def test_an_error_that_another_call_has_taken_leaves_recv_a_clean_end(host: Host, taker: str) -> None:
    client, server = host.pair(host.listener())
    wire = host.wire()
    server.send(b"answer")
    reset(server)
    assert comes(wire, Flags.RST)
    if taker == "send":
        assert told(lambda: client.send(b"more")) == "ECONNRESET"
    else:
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    assert reads(client, 3) == [b"answer", b"", b""]
    assert not [each for each in wire.heard() if Flags.FIN in each.flags], "an end-of-file without a FIN"


def test_after_a_fin_a_reset_gives_end_of_file_and_epipe_never_econnreset(host: Host) -> None:
    client, server = host.pair(host.listener())
    wire = host.wire()
    server.send(b"answer")
    server.close()
    assert comes(wire, Flags.FIN)
    assert told(lambda: client.send(b"request")) == len(b"request"), "the first one is taken"
    assert comes(wire, Flags.RST)
    assert reads(client, 3) == [b"answer", b"", b""]
    assert told(lambda: client.send(b"more")) == "EPIPE"
    explains("flag-r", "EPIPE")
    explains("epipe", "ECONNRESET")


@pytest.mark.parametrize("way", ["linger", "unread"])
def test_a_reset_throws_away_what_was_not_yet_sent(host: Host, way: str) -> None:
    client, server = host.pair(host.listener())
    client.send(b"request")
    settle(client)
    written = fill(server)
    if way == "linger":
        server.recv(64)
        reset(server)
    else:
        server.close()
    got = 0
    while isinstance(data := told(lambda: client.recv(1 << 20)), bytes) and data:
        got += len(data)
    assert data == "ECONNRESET"
    assert 0 < got < written


def fill(end: socket.socket) -> int:
    """Send until there is no room; return how much was taken."""
    end.settimeout(0)
    written = 0
    while isinstance(taken := told(lambda: end.send(bytes(65536))), int):
        written += taken
    return written


# ---- W3: TIME-WAIT, and its four numbers ----


def test_the_servers_time_wait_takes_a_new_syn_at_once(host: Host) -> None:
    listener = host.listener()
    client, server = host.pair(listener)
    port = client.getsockname()[1]
    server.close()
    client.close()
    host.reaches(State.TIME_WAIT, f"dport = :{port}")
    wire = host.wire()
    again, _ = host.pair(listener, port)
    assert len(wire.sent(again, lambda each: Flags.SYN in each.flags)) == 1, "the first SYN was taken"
    host.reaches(State.ESTABLISHED, f"dport = :{port}")


@pytest.mark.parametrize(
    ("timestamps", "reuse", "outcome"), [(1, True, ""), (0, True, "EADDRNOTAVAIL"), (1, False, "EADDRINUSE")]
)
@pytest.mark.parametrize("tw_reuse", [0, 1, 2])
def test_from_its_own_time_wait_one_connects_at_once_with_time_stamps_and_so_reuseaddr_on_both(
    host: Host, *, tw_reuse: int, timestamps: int, reuse: bool, outcome: str
) -> None:
    # tcp_twsk_unique() in net/ipv4/tcp_ipv4.c asks for tcp_tw_reuse only where the kernel picks the port itself.
    assert host.sysctl("tcp_tw_reuse", tw_reuse)
    assert host.sysctl("tcp_timestamps", timestamps)
    listener = host.listener()
    client, server = host.pair(listener, reuse=reuse)
    port = client.getsockname()[1]
    client.close()
    server.close()
    host.reaches(State.TIME_WAIT, f"sport = :{port}")
    assert fails(lambda: host.pair(listener, port)) == outcome
    explains("four-tuple", "SO_REUSEADDR", "tcp_tw_reuse")


# ---- W5: a port that is taken ----


@pytest.mark.parametrize("state", LEFT)
def test_what_is_left_of_an_earlier_server_keeps_its_port_without_so_reuseaddr_on_both(
    host: Host, state: State
) -> None:
    seen = {}
    for port, (old, new) in enumerate(itertools.product((False, True), repeat=2), start=SERVER[1]):
        leave(host, state, port, reuse=old)
        assert host.ss("-Htln", f"sport = :{port}") == "", "nobody listens"
        seen[old, new] = fails(partial(host.listener, port, reuse=new))
    assert seen == dict.fromkeys([(False, False), (False, True), (True, False)], "EADDRINUSE") | {(True, True): ""}
    explains("eaddrinuse", "TIME-WAIT", "FIN-WAIT-2", "ESTAB", "CLOSE-WAIT", "ss -tanp")


def leave(host: Host, state: State, port: int, *, reuse: bool) -> None:
    """Let a server end that leaves one connection behind."""
    listener = host.listener(port, reuse=reuse)
    client, server = host.pair(listener)
    listener.close()
    if state is State.CLOSE_WAIT:
        client.shutdown(socket.SHUT_WR)
    elif state is not State.ESTABLISHED:
        server.close()
    if state is State.TIME_WAIT:
        client.close()
    host.reaches(state, f"sport = :{port}")


def test_two_servers_cannot_listen_on_one_port_even_with_so_reuseaddr(host: Host) -> None:
    host.listener(reuse=True)
    assert fails(lambda: host.listener(reuse=True)) == "EADDRINUSE"


def test_a_port_that_is_only_bound_is_taken_and_has_no_row_of_a_listener(host: Host) -> None:
    host.tcp().bind(SERVER)
    assert host.ss("-Htln", f"sport = :{SERVER[1]}") == ""
    assert fails(lambda: host.listener(reuse=True)) == "EADDRINUSE"


# ---- W6: what waits for accept() and is dead ----


def test_a_connection_that_is_reset_while_it_waits_keeps_its_place_in_the_queue(host: Host) -> None:
    listener = host.listener(backlog=0)
    wire = host.wire()
    first = host.dial()
    first.send(b"hello")
    reset(first)
    assert comes(wire, Flags.RST)
    (row,) = host.rows(f"sport = :{SERVER[1]}")
    assert (row.state, row.recv_q, row.send_q) == (State.LISTEN, 1, 0), "one waits, and has no row"
    late = host.tcp()
    late.settimeout(0)
    assert late.connect_ex(SERVER) == errno.EINPROGRESS
    host.reaches(State.SYN_SENT, f"dport = :{SERVER[1]}")
    dropped = host.count("TcpExtListenOverflows")
    assert dropped >= 1
    dead, _ = listener.accept()
    assert told(lambda: len(dead.getpeername())) == "ENOTCONN"
    assert reads(dead, 3) == [b"hello", "ECONNRESET", b""]
    host.reaches(State.ESTABLISHED, f"dport = :{SERVER[1]}")
    explains("accept-queue", "Recv-Q", "accept()")
    dead.close()


# ---- W7: an orphan's FIN-WAIT-2 ----


def test_above_60_an_orphans_fin_wait_2_lasts_twice_what_is_above(host: Host) -> None:
    with one_host() as other:
        rows = {60: orphan(host, 60), 90: orphan(other, 90)}
        short = orphan(host, 61)
        assert eventually(lambda: not host.rows(short)), "two seconds"
        timers = {value: row.timer for value, at in ((60, host), (90, other)) for row in at.rows(rows[value])}
    assert timers[60]
    assert timers[90]
    assert timers[60].remaining_ms > 30_000, "as long as the value says"
    assert (timers[90].name, timers[90].remaining_ms <= 30_000) == ("keepalive", True), "the first half of it"
    explains("fin-wait-2", "2 ×", "61", "keepalive")


def orphan(host: Host, fin_timeout: int) -> str:
    """Leave a connection in FIN-WAIT-2, of no process; return what finds its row."""
    assert host.sysctl("tcp_fin_timeout", fin_timeout)
    listener = host.listener(8000 + fin_timeout)
    client, _ = host.pair(listener)
    found = f"sport = :{client.getsockname()[1]}"
    client.close()
    host.reaches(State.FIN_WAIT_2, found)
    return found


# ---- W8: a client's port ----


def test_client_ports_rise_by_an_even_step_of_2_to_16(host: Host) -> None:
    # Random since Linux 5.18 ("tcp: add small random increments to the source port", ca7af0402550), in stable kernels too.
    listener, ports = host.listener(), []
    for _ in range(40):
        client, server = host.pair(listener)
        ports.append(client.getsockname()[1])
        reset(client)
        server.close()
    among = 60999 - 32768 + 1
    steps = {(later - before) % among for before, later in itertools.pairwise(ports)}
    assert steps <= set(range(2, 17, 2))
    assert len(steps) > 1
    explains("ephemeral-port", "5.18", "16")
