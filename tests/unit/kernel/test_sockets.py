"""What parse_ss makes of real outputs of four generations of ss, and of damaged ones."""

from __future__ import annotations

import doctest
from collections import Counter
from pathlib import Path

import pytest

from lab.kernel import counters, sockets
from lab.kernel.rows import Process, SocketRow, Timer
from lab.kernel.sockets import SsParseError, parse_ss
from lab.text.catalog import LANGUAGES
from lab.wire.segment import Endpoint
from lab.wire.state import State

FIXTURES = Path(__file__).parents[2] / "fixtures" / "ss"
RECORDED = ("5.10", "6.1", "6.15")
SIDES = ("server", "client")


def recorded(version: str, name: str) -> tuple[SocketRow, ...]:
    path = FIXTURES / version / f"{name}.txt"
    return parse_ss(path.read_text(encoding="utf-8"), where=path.name)


def row(line: str) -> SocketRow:
    (only,) = parse_ss(line)
    return only


def sketch(rows: tuple[SocketRow, ...]) -> Counter[tuple[object, ...]]:
    """Return the rows without what changes with the moment; ss before 6.8 lists no bound sockets."""
    return Counter(
        (row.state, row.recv_q, row.send_q, row.local, row.peer, row.interface, row.processes)
        for row in rows
        if row.state is not State.CLOSED
    )


def at(rows: tuple[SocketRow, ...], address: str) -> list[SocketRow]:
    return [row for row in rows if row.local.address == address]


@pytest.mark.parametrize("module", [sockets, counters])
def test_the_examples_in_the_documentation_hold(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert (result.failed, result.attempted > 0) == (0, True)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("version", RECORDED)
@pytest.mark.parametrize("form", ["no-header", "details", "everything"])
def test_header_details_and_second_lines_change_no_row(version: str, side: str, form: str) -> None:
    assert sketch(recorded(version, f"{side}-{form}")) == sketch(recorded(version, f"{side}-tanpo"))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("version", RECORDED[1:])
def test_every_version_lists_the_same_sockets(version: str, side: str) -> None:
    assert sketch(recorded(version, f"{side}-tanpo")) == sketch(recorded(RECORDED[0], f"{side}-tanpo"))


def test_the_recorded_scene_holds_every_state() -> None:
    rows = recorded("6.15", "server-tanpo") + recorded("6.15", "client-tanpo")
    assert {row.state for row in rows} == set(State)


@pytest.mark.parametrize("version", RECORDED)
class TestRecordedScene:
    """Each pair of addresses has its own situation, see record_ss.py."""

    def test_a_listener_counts_who_waits_and_has_a_backlog(self, version: str) -> None:
        listener, *waiting = sorted(at(recorded(version, "server-tanpo"), "10.98.1.11"), key=lambda r: r.state)[::-1]
        assert (listener.state, listener.recv_q, listener.send_q, listener.peer) == (State.LISTEN, 2, 5, None)
        assert sorted(row.recv_q for row in waiting) == [0, len("exit")]
        assert [row.processes for row in waiting] == [(), ()]

    def test_a_connection_counts_unread_bytes(self, version: str) -> None:
        (server,) = at(recorded(version, "server-tanpo"), "10.98.1.12")
        assert (server.state, server.recv_q, server.send_q) == (State.ESTABLISHED, 20, 0)

    def test_a_connection_counts_unacknowledged_bytes_and_its_timer_runs(self, version: str) -> None:
        (client,) = at(recorded(version, "client-tanpo"), "10.98.2.13")
        assert (client.state, client.recv_q, client.send_q) == (State.ESTABLISHED, 0, 1000)
        assert client.timer is not None
        assert client.timer.name == "on"

    def test_a_shut_window_is_probed(self, version: str) -> None:
        (client,) = at(recorded(version, "client-tanpo"), "10.98.2.14")
        (server,) = at(recorded(version, "server-tanpo"), "10.98.1.14")
        assert client.timer is not None
        assert (client.timer.name, client.send_q > 0, server.recv_q > 0) == ("persist", True, True)

    def test_a_keepalive_timer_of_seconds_has_a_fraction(self, version: str) -> None:
        # 5.10 and 6.1 print 8.780ms for 8.78 s, 6.15 prints 8.520sec; TCP_KEEPIDLE was 9 s.
        (client,) = at(recorded(version, "client-tanpo"), "10.98.2.15")
        (server,) = at(recorded(version, "server-tanpo"), "10.98.1.15")
        assert client.timer is not None
        assert (client.timer.name, 8000 < client.timer.remaining_ms < 9000) == ("keepalive", True)
        assert server.timer == Timer("keepalive", 94_000, 0)

    @pytest.mark.parametrize(
        ("side", "address", "state"),
        [
            ("client", "10.98.2.21", State.SYN_SENT),
            ("server", "10.98.1.22", State.SYN_RECEIVED),
            ("server", "10.98.1.31", State.FIN_WAIT_2),
            ("client", "10.98.2.31", State.CLOSE_WAIT),
            ("server", "10.98.1.33", State.FIN_WAIT_1),
            ("server", "10.98.1.34", State.LAST_ACK),
            ("server", "10.98.1.35", State.CLOSING),
            ("server", "10.98.1.36", State.TIME_WAIT),
            ("client", "10.98.2.37", State.TIME_WAIT),
        ],
    )
    def test_each_situation_has_its_state(self, version: str, side: str, address: str, state: State) -> None:
        states = {row.state for row in at(recorded(version, f"{side}-tanpo"), address)}
        assert states - {State.LISTEN} == {state}

    def test_time_wait_has_no_process_and_a_timer_below_a_minute(self, version: str) -> None:
        (server,) = at(recorded(version, "server-tanpo"), "10.98.1.36")
        assert (server.processes, server.timer) == ((), Timer("timewait", 59_000, 0))

    def test_an_orphan_in_fin_wait_2_has_the_timewait_timer_too(self, version: str) -> None:
        (orphan,) = at(recorded(version, "server-tanpo"), "10.98.1.32")
        assert (orphan.state, orphan.timer) == (State.FIN_WAIT_2, Timer("timewait", 59_000, 0))

    def test_every_holder_is_listed_whatever_its_name(self, version: str) -> None:
        (shared,) = at(recorded(version, "server-tanpo"), "10.98.1.51")
        assert [holder.name for holder in shared.processes] == ["套接字", r"q\x22,pid=1,fd=2", r"b b\x22(", "python3"]
        assert len({holder.pid for holder in shared.processes}) == 4
        assert len({holder.fd for holder in shared.processes}) == 1

    def test_ipv6_addresses_and_interfaces(self, version: str) -> None:
        rows = recorded(version, "server-tanpo")
        listeners = {row.local.port: row for row in rows if row.state is State.LISTEN and row.local.port > 8000}
        assert {port: (row.local.address, row.interface) for port, row in listeners.items()} == {
            8001: ("*", None),
            8002: ("::", None),
            8003: ("fd98::1", None),
            8004: ("fe80::1", "cable-s"),
            8005: ("0.0.0.0", None),  # noqa: S104 - read, not bound to
            8006: ("0.0.0.0", "cable-s"),  # noqa: S104
        }
        assert {row.peer for row in listeners.values()} == {None}

    def test_an_ipv4_connection_of_an_ipv6_socket_has_its_ipv4_addresses(self, version: str) -> None:
        (server,) = at(recorded(version, "server-tanpo"), "10.98.1.41")
        (client,) = at(recorded(version, "client-tanpo"), "10.98.2.41")
        assert "[::ffff:10.98.1.41]:8001" in server.line
        assert (server.local, server.peer) == (client.peer, client.local)


class TestArticle:
    """The article's own tables, by their time of day: Linux 3.10, the old style, without a header."""

    @pytest.mark.parametrize(
        ("when", "queue", "states"),
        [
            ("10-36-44", 0, {"ESTAB": 1}),
            ("10-41-39", 0, {"TIME-WAIT": 1}),
            ("10-43-50", 0, {}),
            ("10-47-46", 0, {}),
            ("10-51-28", 2, {"ESTAB": 3}),
            ("10-52-02", 5, {"ESTAB": 6}),
            ("10-52-24", 6, {"ESTAB": 7, "SYN-RECV": 2}),
            ("10-53-33", 6, {"ESTAB": 7}),
            ("10-54-25", 5, {"ESTAB": 6, "TIME-WAIT": 1}),
            ("10-56-25", 3, {"ESTAB": 4, "TIME-WAIT": 2}),
        ],
    )
    def test_each_table_is_read_as_printed(self, when: str, queue: int, states: dict[str, int]) -> None:
        listener, *others = recorded("3.10", when)
        assert (listener.state, listener.recv_q, listener.send_q, listener.peer) == (
            State.LISTEN,
            queue,
            5,
            None,
        )
        assert Counter(row.state.value for row in others) == states
        assert {row.local for row in others} <= {Endpoint("192.168.1.102", 8000)}

    def test_the_interface_of_that_day_is_kept_apart(self) -> None:
        noisy = [row for row in recorded("3.10", "10-52-24") if row.interface]
        assert [(row.interface, str(row.local)) for row in noisy] == [("if355331399", "192.168.1.102:8000")]

    def test_the_waiting_exit_is_four_bytes(self) -> None:
        assert [str(row.peer) for row in recorded("3.10", "10-56-25") if row.recv_q == 4] == ["192.168.1.101:62355"]

    def test_the_served_client_has_the_process(self) -> None:
        held = {str(row.peer): row.processes for row in recorded("3.10", "10-54-25") if row.processes}
        assert held == {
            "None": (Process("python3.6", 43041, 3),),
            "192.168.1.101:62079": (Process("python3.6", 43041, 4),),
        }


class TestOldStyle:
    """IPv6 without brackets, `*` for any address, the timer before the processes, no `pid=`."""

    @pytest.mark.parametrize(
        ("text", "endpoint", "interface"),
        [
            ("*:8000", Endpoint("*", 8000), None),
            (":::8000", Endpoint("::", 8000), None),
            ("::1:8000", Endpoint("::1", 8000), None),
            ("::ffff:1.2.3.4:80", Endpoint("1.2.3.4", 80), None),
            ("fe80::1%eth0:22", Endpoint("fe80::1", 22), "eth0"),
            ("FE80:0:0::1%eth0.5@x:22", Endpoint("fe80::1", 22), "eth0.5@x"),
            ("[fe80::1%eth0]:22", None, None),
            ("127.0.0.53%lo:53", Endpoint("127.0.0.53", 53), "lo"),
            ("*%eth0:68", Endpoint("*", 68), "eth0"),
        ],
    )
    def test_addresses(self, text: str, endpoint: Endpoint | None, interface: str | None) -> None:
        line = f"LISTEN 0 5 {text} *:*"
        if endpoint is None:
            with pytest.raises(SsParseError, match="not an address"):
                parse_ss(line)
        else:
            assert (row(line).local, row(line).interface) == (endpoint, interface)

    @pytest.mark.parametrize("peer", ["*:*", "0.0.0.0:*", ":::*", "[::]:*"])
    def test_a_wildcard_peer_is_none(self, peer: str) -> None:
        assert row(f"LISTEN 0 5 10.0.0.1:80 {peer}").peer is None

    def test_a_peer_at_port_0_is_an_endpoint(self) -> None:
        assert row("SYN-SENT 0 1 10.0.0.1:4000 10.0.0.2:*").peer == Endpoint("10.0.0.2", 0)

    def test_the_timer_may_come_first(self) -> None:
        head = "ESTAB 0 0 10.0.0.1:80 10.0.0.2:5000"
        line = f'{head} timer:(keepalive,119min,0) users:(("sshd",1234,3),("sshd",1230,3))'
        assert row(line).timer == Timer("keepalive", 119 * 60_000, 0)
        assert row(line).processes == (Process("sshd", 1234, 3), Process("sshd", 1230, 3))

    def test_narrow_columns_may_run_into_the_processes(self) -> None:
        text = (
            "StateRecv-QSend-QLocal Address:PortPeer Address:PortProcess\n"
            'LISTEN 0 5 0.0.0.0:80 0.0.0.0:*users:(("a",pid=1,fd=3))timer:(on,,2)\r\n'
        )
        assert row(text).processes == (Process("a", 1, 3),)
        assert row(text).timer == Timer("on", 0, 2)

    def test_a_netid_column_is_passed_over(self) -> None:
        assert row("Netid State Recv-Q Send-Q x\ntcp   LISTEN 0 5 *:80 *:*").state is State.LISTEN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("012ms", 12),
        ("200ms", 200),
        ("59sec", 59_000),
        ("1.234ms", 1_234),
        ("1.234sec", 1_234),
        ("9.001ms", 9_001),
        ("1min", 60_000),
        ("1min1sec", 61_000),
        ("1min59sec", 119_000),
        ("119min", 119 * 60_000),
    ],
)
def test_a_timer_is_read_in_milliseconds(text: str, expected: int) -> None:
    found = row(f"ESTAB 0 0 10.0.0.1:80 10.0.0.2:5000 timer:(on,{text},3)").timer
    assert found == Timer("on", expected, 3)


@pytest.mark.parametrize("word", ["NEW-SYN-REC", "NEW-SYN-RECV"])
def test_the_kernels_other_name_of_a_half_open_connection(word: str) -> None:
    assert row(f"{word} 0 0 10.0.0.1:80 10.0.0.2:5000").state is State.SYN_RECEIVED


def test_nothing_and_a_header_alone_are_no_rows() -> None:
    assert parse_ss("") == parse_ss("\n") == parse_ss("State Recv-Q Send-Q Local Address:Port\n") == ()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("hello", "ss-unknown-state"),
        ("ESTA", "ss-unknown-state"),
        ("tcp", "ss-unknown-state"),
        ("udp UNCONN 0 0 *:53 *:*", "ss-unknown-state"),
        ("0 5 *:80 *:*", "ss-unknown-state"),
        ("UNDEF 0 0 *:80 *:*", "ss-unknown-state"),
        ("ESTAB", "ss-cut-line"),
        ("ESTAB 0 0", "ss-cut-line"),
        ("ESTAB 0 0 10.0.0.1:80", "ss-cut-line"),
        ("ESTAB 0 0 10.0.0.1:80 10.0.0.2", "ss-bad-address"),
        ("ESTAB 0 0 10.0.0.1:80 10.0.0.2:", "ss-bad-address"),
        ("ESTAB 0 0 10.0.0:80 10.0.0.2:5000", "ss-bad-address"),
        ("ESTAB 0 0 localhost:80 10.0.0.2:5000", "ss-bad-address"),
        ("ESTAB 0 0 [::1:80 10.0.0.2:5000", "ss-bad-address"),
        ("ESTAB 0 0 10.0.0.1:80[::1]:5000 x", "ss-bad-address"),
        ("ESTAB 0 0 10.0.0.1:http 10.0.0.2:5000", "ss-bad-number"),
        ("ESTAB 0 0 10.0.0.1:65536 10.0.0.2:5000", "ss-bad-number"),
        ("ESTAB -1 0 10.0.0.1:80 10.0.0.2:5000", "ss-bad-number"),
        ("ESTAB 0 4294967296 10.0.0.1:80 10.0.0.2:5000", "ss-bad-number"),
        ("ESTAB 0 ٣ 10.0.0.1:80 10.0.0.2:5000", "ss-bad-number"),
        ("LISTEN 0(waiting) 5 10.0.0.1:80 *:*", "ss-bad-number"),
        ("LISTEN 0 " + "9" * 5000 + " 10.0.0.1:80 *:*", "ss-bad-number"),
        ('LISTEN 0 5 *:80 *:* users:(("a",pid=1,fd=3)', "ss-cut-line"),
        ('LISTEN 0 5 *:80 *:* users:(("a",pid=1,fd=3),', "ss-cut-line"),
        ('LISTEN 0 5 *:80 *:* users:(("a",pid=1,f', "ss-cut-line"),
        ('LISTEN 0 5 *:80 *:* users:(("a name too long for Linux",pid=1,fd=2))', "ss-cut-line"),
        ("LISTEN 0 5 *:80 *:* users", "ss-cut-line"),
        ("LISTEN 0 5 *:80 *:* timer:(on,2", "ss-cut-line"),
        ("LISTEN 0 5 *:80 *:* timer:(on,200ms,0) timer:(on,200ms,0)", "ss-cut-line"),
        ("LISTEN 0 5 *:80 *:* timer:(on,soon,0)", "ss-bad-number"),
        ("LISTEN 0 5 *:80 *:* timer:(on,1.2ms,0)", "ss-bad-number"),
        ("LISTEN 0 5 *:80 *:* what is this", "ss-cut-line"),
        ("  skmem:(r0)", "ss-unknown-state"),
    ],
)
def test_a_damaged_line_is_named(line: str, code: str) -> None:
    with pytest.raises(SsParseError) as caught:
        parse_ss(f"State Recv-Q Send-Q\n{line}\n", where="server.ss.txt")
    assert (caught.value.code, caught.value.params["row"]) == (code, 2)
    for language in LANGUAGES:
        assert "server.ss.txt" in caught.value.what(language)
        assert caught.value.remedy(language)


def test_an_error_is_one_short_line_without_control_characters() -> None:
    with pytest.raises(SsParseError) as caught:
        parse_ss("\x1b[31mred {braces} " + "x" * 1000)
    said = caught.value.what()
    assert said.isprintable()
    assert "{braces}" in said
    assert len(said) < 400


def test_the_line_is_kept_as_it_was_read() -> None:
    line = "TIME-WAIT  0      0  192.168.1.102:8000               192.168.1.101:59438   "
    assert row(line + "\n").line == line


def test_a_send_q_read_while_the_socket_was_being_connected_is_negative() -> None:
    (row,) = parse_ss("SYN-SENT 0 -860916412 10.92.0.101:40000 10.92.0.102:8000\n")
    assert (row.state, row.send_q) == (State.SYN_SENT, -860916412)
