"""Any rows, printed as old or new ss prints them, are read back; any other text is refused, no surprise."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab.foreign import TAKEN, shown
from lab.kernel.holders import plain_holders
from lab.kernel.rows import Process, SocketRow, Timer
from lab.kernel.sockets import SsParseError, parse_ss
from lab.wire.segment import Endpoint
from lab.wire.state import State

FIXTURES = Path(__file__).parents[2] / "fixtures" / "ss"
REAL = [path.read_text(encoding="utf-8") for path in sorted(FIXTURES.glob("*/*-tanpo.txt"))]

numbers = st.integers(0, 2**31 - 1)
ports = st.integers(1, 65535)
ipv4 = st.integers(1, 2**32 - 1).map(ipaddress.IPv4Address).map(str)
ipv6 = st.integers(2**64, 2**128 - 1).map(ipaddress.IPv6Address).map(str)
interfaces = st.none() | st.text("abcXYZ019_.@-", min_size=1, max_size=15)
# Every byte but ")", at which ss itself ends a name.
letters = st.text(st.sampled_from('",(p=\n\r \x1b1x'), max_size=15).map(str.encode)
cut = st.text(max_size=5).map(lambda text: text.encode(errors="replace")[:15])
given_names = (st.binary(max_size=15) | letters | cut).filter(lambda name: not {*name} & {0, ord(")")})
names = given_names.map(lambda name: name.decode(errors=TAKEN))
processes = st.lists(st.builds(Process, names, numbers, numbers), max_size=3).map(tuple)


def printable_time(ms: int) -> int:
    """Round as ss does: whole minutes from ten on, whole seconds from ten on."""
    if ms >= 600_000:
        return ms // 60_000 * 60_000
    return ms // 1000 * 1000 if ms >= 10_000 else ms


timers = st.none() | st.builds(
    Timer,
    st.sampled_from(["on", "keepalive", "timewait", "persist"]),
    st.integers(0, 7_200_000).map(printable_time),
    st.integers(0, 255),
)


@st.composite
def socket_rows(draw: st.DrawFn) -> SocketRow:
    addresses = draw(st.sampled_from([ipv4, ipv6]))
    state = draw(st.sampled_from(State))
    peer = None if state is State.LISTEN else Endpoint(draw(addresses), draw(ports))
    return SocketRow(
        state=state,
        recv_q=draw(numbers),
        send_q=draw(numbers),
        local=Endpoint(draw(addresses), draw(ports)),
        peer=peer,
        processes=draw(processes),
        timer=draw(timers),
        interface=draw(interfaces),
        line="",
    )


def duration(ms: int, *, old: bool) -> str:
    """As print_ms_timer() of misc/ss.c does."""
    seconds, part = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    text = f"{minutes}min" if minutes else ""
    if minutes:
        part = 0
    if seconds:
        text += f"{seconds}." if part else f"{seconds}sec"
    if part:
        text += f"{part:03}" + ("sec" if seconds and not old else "ms")
    return text


def new_endpoint(end: Endpoint | None, interface: str | None) -> str:
    if end is None:
        return "0.0.0.0:*"
    host = f"[{end.address}]" if ":" in end.address else end.address
    return f"{host}%{interface}:{end.port}" if interface else f"{host}:{end.port}"


def old_endpoint(end: Endpoint | None, interface: str | None) -> str:
    if end is None:
        return "*:*"
    return f"{end.address}%{interface}:{end.port}" if interface else f"{end.address}:{end.port}"


def render(rows: list[SocketRow], endpoint: Callable[[Endpoint | None, str | None], str], *, old: bool) -> str:
    lines = ["State      Recv-Q Send-Q      Local Address:Port        Peer Address:Port"]
    for row in rows:
        line = f"{row.state.value:<10} {row.recv_q:<6} {row.send_q:<6} {endpoint(row.local, row.interface):>30}"
        line += f" {endpoint(row.peer, None):>30}"
        users = ",".join(f'("{held.name}",pid={held.pid},fd={held.fd})' for held in row.processes)
        shown = [f" users:({users})"] if users else []
        if row.timer:
            left = duration(row.timer.remaining_ms, old=old)
            shown.append(f" timer:({row.timer.name},{left},{row.timer.unanswered})")
        lines.append(line + "".join(reversed(shown) if old else shown))
    return "\n".join(lines) + "\n"


def without_line(row: SocketRow) -> tuple[object, ...]:
    return (row.state, row.recv_q, row.send_q, row.local, row.peer, row.processes, row.timer, row.interface)


@given(st.lists(socket_rows(), max_size=5), st.booleans())
def test_rows_in_either_style_are_read_back(rows: list[SocketRow], old: bool) -> None:  # noqa: FBT001
    text = render(rows, old_endpoint if old else new_endpoint, old=old)
    read = parse_ss(text)
    told = [replace(row, processes=tuple(named(each) for each in row.processes)) for row in rows]
    assert [without_line(row) for row in read] == [without_line(row) for row in told]
    assert all(row.line == shown(row.line) for row in read)
    plain = plain_holders(text)
    assert plain_holders(plain) == plain
    assert plain.count("\n") == len(rows) + 1
    assert parse_ss(plain) == read


@pytest.mark.parametrize("name", ["\\xff" * 3, 'a"b', "\\" * 15])
def test_a_list_of_holders_that_is_cut_short_is_read_once_and_stays_as_it_is(name: str) -> None:
    holders = ",".join(f'("{name}",pid={pid},fd=3)' for pid in range(1, 200))
    text = f"ESTAB 0 0 10.0.0.1:80 10.0.0.2:9 users:({holders}"

    assert plain_holders(text) == text  # with a choice at each name, this would not end
    with pytest.raises(SsParseError):
        parse_ss(text)


def named(holder: Process) -> Process:
    """As a page tells of it."""
    return replace(holder, name=shown(holder.name).replace('"', r"\x22"))


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_the_ipv4_address_in_either_style(address: ipaddress.IPv4Address) -> None:
    peer = "10.0.0.1:9"
    bracketed, plain = (f"ESTAB 0 0 {local}:80 {peer}" for local in (f"[::ffff:{address}]", f"::ffff:{address}"))
    assert parse_ss(bracketed)[0].local == parse_ss(plain)[0].local == Endpoint(str(address), 80)


def rows_or_refusal(text: str) -> None:
    said = ""
    try:
        assert isinstance(parse_ss(text, where="x"), tuple)
    except SsParseError as refused:
        said = refused.what("en") + refused.what("zh-CN")
    assert said.isprintable()


@given(st.text())
@example("\x1c")
@example("tcp \x85")
@example("ESTAB 0 0 %:1 ::")
@example("ESTAB 0 0 [::%]:1 ::")
def test_any_text_is_rows_or_a_refusal(text: str) -> None:
    rows_or_refusal(text)


pieces = (
    'ESTAB|LISTEN|tcp|0|5| | | |\n|\t|\r|*:*|[::]:80|:::|1.2.3.4|%lo|:|users:(|("a",pid=1,fd=3)|,|)'
    "|timer:(on,|1.234ms|59sec|ino:7|<->|999999999999999999999999999999"
)
near_ss = st.lists(st.sampled_from(pieces.split("|")), max_size=25).map("".join)


@given(near_ss)
def test_almost_ss_is_rows_or_a_refusal(text: str) -> None:
    rows_or_refusal(text)


@given(st.sampled_from(REAL), st.data())
def test_a_real_output_cut_or_changed_anywhere_is_rows_or_a_refusal(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    rows_or_refusal(text[:at])
    rows_or_refusal(text[:at] + data.draw(st.characters()) + text[at + 1 :])
