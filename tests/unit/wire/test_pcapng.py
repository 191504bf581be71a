"""Both captures in one pcapng: every packet with its bytes, its stamp and its comments; Wireshark's tools are the oracle."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from struct import pack, unpack_from
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.wire.capture import CaptureError, RawFrame, parse_capture, raw_capture
from lab.wire.pcapng import Interface, Packet, write_pcapng

CAPTURES = sorted((Path(__file__).parents[2] / "fixtures" / "captures").glob("*.pcap"))
RECORDED = Path(__file__).parents[2] / "fixtures" / "pcapng" / "both.tshark.json"
CHINESE = "客户端：ESTAB → FIN-WAIT-1，由 close(3) 发出"
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark here; our own reader read it")


class Read(NamedTuple):
    """A packet as the reader below finds it."""

    interface: int
    time_ns: int
    data: bytes
    length: int
    comments: tuple[str, ...]


def blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the body of each block, by the draft; its length stands before and behind it."""
    at = 0
    while at < len(data):
        kind, length = unpack_from("<II", data, at)
        assert length % 4 == 0
        assert unpack_from("<I", data, at + length - 4) == (length,)
        yield kind, data[at + 8 : at + length - 4]
        at += length
    assert at == len(data)


def options(body: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(body):
        code, length = unpack_from("<HH", body, at)
        if code == 0:
            assert length == 0
            assert at + 4 == len(body)
            return
        yield code, body[at + 4 : at + 4 + length]
        at += 4 + (length + 3) // 4 * 4


def read(data: bytes) -> tuple[list[dict[int, bytes]], list[Read]]:
    """Return the options of each interface, and the packets."""
    interfaces, packets = [], []
    for place, (kind, body) in enumerate(blocks(data)):
        assert (kind == 0x0A0D0D0A) is (place == 0)
        if kind == 1:
            interfaces.append(dict(options(body[8:])))
        elif kind == 6:
            interface, high, low, kept, length = unpack_from("<IIIII", body)
            rest = body[20 + (kept + 3) // 4 * 4 :]
            comments = tuple(value.decode() for code, value in options(rest) if code == 1)
            packets.append(Read(interface, high << 32 | low, body[20 : 20 + kept], length, comments))
    return interfaces, packets


def merged(*captures: bytes, comments: tuple[str, ...] = ()) -> tuple[bytes, list[Packet]]:
    """Return captures as one file, and what was put into it."""
    raw = [raw_capture(data, where="fixture") for data in captures]
    interfaces = [Interface(f"host{at}", "captured on a host", one.linktype, one.snaplen) for at, one in enumerate(raw)]
    packets = [
        Packet(at, frame.time_ns, frame.data, frame.length, comments)
        for at, one in enumerate(raw)
        for frame in one.frames
    ]
    return write_pcapng(interfaces, packets, comment="a run", application="Socket Lab"), packets


def pair() -> tuple[bytes, bytes]:
    one, other = (next(path for path in CAPTURES if path.stem == name) for name in ("client-first", "full-queue"))
    return one.read_bytes(), other.read_bytes()


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_every_frame_of_a_capture_is_read_as_it_is(path: Path) -> None:
    data = path.read_bytes()
    raw, parsed = raw_capture(data, where=path.name), parse_capture(data, where=path.name)
    assert (len(raw.frames), raw.linktype) == (parsed.frames, parsed.linktype)
    frames = {frame.number: frame for frame in raw.frames}
    assert [frames[segment.number].time_ns for segment in parsed.segments] == [
        segment.time_ns for segment in parsed.segments
    ]
    assert all(segment.payload in frames[segment.number].data for segment in parsed.segments)


@given(st.integers(0, 2000))
def test_a_cut_capture_is_refused_as_it_is_when_parsed(size: int) -> None:
    data = pair()[0][:size]
    answers = []
    for reader in (raw_capture, parse_capture):
        try:
            reader(data, where="x")
            answers.append("")
        except CaptureError as error:
            answers.append(str(error))
    assert answers[0] == answers[1]


def test_a_record_of_an_implausible_length_is_refused() -> None:
    data = pair()[0][:24] + pack("<IIII", 0, 0, 300_000, 300_000)
    with pytest.raises(CaptureError) as raised:
        raw_capture(data, where="x")
    assert raised.value.code == "capture-record-length"


def test_every_packet_is_there_in_the_order_of_time() -> None:
    data, packets = merged(*pair())
    interfaces, found = read(data)
    assert [(each[2], each[9]) for each in interfaces] == [(b"host0", b"\x09"), (b"host1", b"\x09")]
    assert [each.time_ns for each in found] == sorted(each.time_ns for each in packets)
    assert sorted(found) == sorted(Read(*packet) for packet in packets)


def test_packets_of_one_moment_stay_as_they_came() -> None:
    packets = [Packet(0, 5, b"a", 1), Packet(1, 5, b"b", 1), Packet(0, 4, b"c", 1), Packet(0, 5, b"d", 1)]
    _, found = read(write_pcapng([Interface("a", "", 1, 0)] * 2, packets))
    assert [each.data for each in found] == [b"c", b"a", b"b", b"d"]


def test_a_frame_that_was_cut_keeps_its_length_on_the_wire() -> None:
    record = pack("<IIII", 1_700_000_000, 7, 60, 1500) + bytes(60)
    capture = pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 60, 1) + record
    raw = raw_capture(capture, where="x")
    assert (raw.snaplen, raw.frames) == (60, (RawFrame(1, 1_700_000_000_000_000_007, bytes(60), 1500),))
    ((packet,),) = [read(merged(capture)[0])[1:]]
    assert (len(packet[0].data), packet[0].length) == (60, 1500)


def test_captures_without_a_packet_are_a_file_with_their_interfaces() -> None:
    empty = pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)
    interfaces, found = read(merged(empty, empty)[0])
    assert (len(interfaces), found) == (2, [])


@given(st.lists(st.text(max_size=40), max_size=4), st.binary(max_size=9))
def test_comments_of_any_language_and_length_are_kept(comments: list[str], data: bytes) -> None:
    _, (found,) = read(write_pcapng([Interface("a", "", 1, 0)], [Packet(0, 1, data, len(data), tuple(comments))]))
    assert (found.data, found.comments) == (data, tuple(comments))


def test_a_comment_that_is_too_long_is_cut_between_characters() -> None:
    _, (found,) = read(write_pcapng([Interface("a", "", 1, 0)], [Packet(0, 1, b"", 0, ("三次握手" * 10_000,))]))
    assert found.comments[0] == ("三次握手" * 10_000)[: 65_535 // 3]


def tshark(path: Path, *fields: str, only: str = "") -> list[list[str]]:
    words = ["tshark", "-n", "-r", str(path), "-T", "fields", *(["-Y", only] if only else [])]
    table = subprocess.run(
        [*words, *(word for field in fields for word in ("-e", field))], check=True, capture_output=True, text=True
    ).stdout
    return [line.split("\t") for line in table.splitlines()]


def frame_bytes(path: Path) -> list[bytes]:
    command = ["tshark", "-n", "-r", str(path), "-T", "json", "-x", "-j", "frame"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return [bytes.fromhex(one["_source"]["layers"]["frame_raw"][0]) for one in told]


def commented() -> bytes:
    """Return the two captures with a comment on every packet, some in Chinese."""
    return merged(*pair(), comments=("client: ESTAB \u2192 FIN-WAIT-1", CHINESE, "\u2713 三次握手"))[0]


def test_it_is_the_file_that_tshark_recorded_its_reading_of() -> None:
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert recorded["tshark"].startswith("TShark")
    data = commented()
    assert hashlib.sha256(data).hexdigest() == recorded["sha256"], (
        "the writer has changed: record_pcapng.py asks tshark"
    )
    _, packets = read(data)
    assert recorded["frames"] == [
        {
            "interface": f"host{packet.interface}",
            "time": f"{packet.time_ns // 10**9}.{packet.time_ns % 10**9:09}",
            "length": len(packet.data),
            "on_wire": packet.length,
            "comments": ",".join(packet.comments),
        }
        for packet in packets
    ]


@needs_tshark
def test_tshark_finds_every_packet_of_both_captures_with_its_bytes_and_its_stamp(tmp_path: Path) -> None:
    data, packets = merged(*pair())
    path = tmp_path / "both.pcapng"
    path.write_bytes(data)
    expected = sorted(packets, key=lambda packet: packet.time_ns)
    rows = tshark(path, "frame.interface_name", "frame.time_epoch", "frame.len", "frame.cap_len")
    assert rows == [
        [
            f"host{each.interface}",
            f"{each.time_ns // 10**9}.{each.time_ns % 10**9:09}",
            str(each.length),
            str(len(each.data)),
        ]
        for each in expected
    ]
    assert frame_bytes(path) == [each.data for each in expected]


@needs_tshark
def test_tshark_shows_the_comments_in_chinese_too(tmp_path: Path) -> None:
    capture = pair()[0]
    raw = raw_capture(capture, where="x")
    told = [("first, \u201cin English\u201d", CHINESE), (), ("✓ 三次握手",)]
    packets = [
        Packet(0, frame.time_ns, frame.data, frame.length, comments)
        for frame, comments in zip(raw.frames, told, strict=False)
    ]
    path = tmp_path / "comments.pcapng"
    path.write_bytes(write_pcapng([Interface("client", "客户端", raw.linktype, raw.snaplen)], packets))
    rows = tshark(path, "frame.number", "frame.comment", only="frame.comment")
    assert rows == [["1", ",".join(told[0])], ["3", told[2][0]]]


@needs_tshark
@pytest.mark.parametrize("empty", [False, True])
def test_capinfos_finds_two_interfaces_and_what_is_said_of_the_file(tmp_path: Path, *, empty: bool) -> None:
    nothing = pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)
    data, packets = merged(*((nothing, nothing) if empty else pair()))
    path = tmp_path / "both.pcapng"
    path.write_bytes(data)
    told = subprocess.run(["capinfos", str(path)], check=True, capture_output=True, text=True).stdout
    assert "Number of interfaces in file: 2" in told
    assert told.count("Time precision = nanoseconds (9)") == 2
    assert "Capture application: Socket Lab" in told
    assert "Capture comment:     a run" in told
    assert f"Number of packets:   {len(packets)}" in told
