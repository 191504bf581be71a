from __future__ import annotations

import subprocess
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.wire.capture import parse_capture
from lab.wire.conversation import conversations
from lab.wire.options import Options, parse_options
from tests.unit.wire.frames import Frame, capture_of, needs_tshark

LINUX_SYN = bytes.fromhex("020405b4 0402 080a 00000064 00000000 01 030307".replace(" ", ""))


def test_the_options_of_a_linux_syn_are_read() -> None:
    assert parse_options(LINUX_SYN) == Options(mss=1460, window_scale=7, sack_permitted=True, timestamps=(100, 0))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param("", Options(), id="none"),
        pytest.param("0101050a 00000005 0000000a", Options(sack=((5, 10),)), id="a SACK block"),
        pytest.param(
            "0512 00000005 0000000a fffffff0 00000002", Options(sack=((5, 10), (0xFFFFFFF0, 2))), id="two SACK blocks"
        ),
        pytest.param("2202", Options(fast_open=b""), id="a Fast Open cookie is asked for"),
        pytest.param("220a 0102030405060708", Options(fast_open=bytes(range(1, 9))), id="a Fast Open cookie"),
        pytest.param("1e0c 0081 0102030405060708", Options(mptcp=0), id="MP_CAPABLE"),
        pytest.param("1e0c 1000 0102030405060708", Options(mptcp=1), id="MP_JOIN"),
        pytest.param("030320", Options(window_scale=14), id="a window scale beyond the largest"),
        pytest.param("00 020405b4", Options(), id="behind the end"),
        pytest.param("0203 05 0402", Options(sack_permitted=True), id="an MSS of the wrong length"),
        pytest.param("020405b4 0300 0402", Options(mss=1460), id="an impossible length"),
        pytest.param("020405b4 080a 0000", Options(mss=1460), id="cut off"),
        pytest.param("020405b4 02040200", Options(mss=1460), id="twice"),
        pytest.param("fe04 1234 0402", Options(sack_permitted=True), id="an unknown one before it"),
    ],
)
def test_each_option_says_what_it_says(data: str, expected: Options) -> None:
    assert parse_options(bytes.fromhex(data.replace(" ", ""))) == expected


@given(st.binary(max_size=40))
def test_any_bytes_at_all_can_be_read_as_options(data: bytes) -> None:
    parse_options(data)


def scale(shift: int) -> bytes:
    return pack(">BBBB", 1, 3, 3, shift)


def opened(client: bytes, server: bytes) -> tuple[Frame, ...]:
    return (
        Frame(">", "S", 100, window=1000, options=client),
        Frame("<", "S.", 500, 101, window=2000, options=server),
        Frame(">", ".", 101, 501, window=3),
        Frame("<", ".", 501, 101, window=5),
    )


@pytest.mark.parametrize(
    ("frames", "windows"),
    [
        pytest.param(opened(scale(7), scale(2)), [1000, 2000, 3 << 7, 5 << 2], id="both scale"),
        pytest.param(opened(scale(7), b""), [1000, 2000, 3, 5], id="one does not"),
        pytest.param(opened(scale(7), scale(2))[:1], [1000], id="no answer"),
        pytest.param(opened(scale(7), scale(2))[1:], [2000, None, None], id="one SYN is not in the capture"),
        pytest.param(opened(scale(7), scale(2))[2:], [None, None], id="no SYN is in the capture"),
    ],
)
def test_a_window_is_scaled_where_both_ends_syns_are_known(
    frames: tuple[Frame, ...], windows: list[int | None]
) -> None:
    (conversation,) = conversations(parse_capture(capture_of(frames), where="x").segments)
    assert [conversation.window(each) for each in conversation.segments] == windows


@needs_tshark
def test_options_and_windows_read_as_this_machines_tshark_has_them(tmp_path: Path) -> None:
    frames = (
        Frame(">", "S", 100, window=1000, options=LINUX_SYN),
        Frame("<", "S.", 500, 101, window=2000, options=scale(9) + b"\x02\x04\x02\x18"),
        Frame(">", ".", 101, 501, window=77, options=bytes.fromhex("0101050a00000260000002b0")),
        Frame("<", ".e", 501, 101, window=5),
    )
    path = tmp_path / "options.pcap"
    path.write_bytes(capture_of(frames))
    fields = ("tcp.window_size", "tcp.options.mss_val", "tcp.options.wscale.shift", "tcp.options.sack_le", "tcp.flags")
    words = ["tshark", "-n", "-r", str(path), "-o", "tcp.relative_sequence_numbers:FALSE", "-T", "fields"]
    words += [word for field in fields for word in ("-e", field)]
    table = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    (conversation,) = conversations(parse_capture(path.read_bytes(), where="x").segments)
    ours = []
    for each in conversation.segments:
        options = parse_options(each.options)
        left = ",".join(str(begin) for begin, _ in options.sack)
        row = (conversation.window(each), options.mss, options.window_scale, left, f"0x{int(each.flags):04x}")
        ours.append(["" if cell is None else str(cell) for cell in row])
    assert ours == [line.split("\t") for line in table.splitlines()]
