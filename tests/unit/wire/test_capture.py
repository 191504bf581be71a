from __future__ import annotations

import gzip
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.text.catalog import messages
from lab.wire.capture import Capture, CaptureError, parse_capture
from lab.wire.packet import address_text
from lab.wire.segment import Endpoint, Flags

CAPTURES = Path(__file__).parents[2] / "fixtures" / "captures"
SMALL = (CAPTURES / "client-first.pcap").read_bytes()
TCP = pack(">HHIIBBHHH", 40000, 8000, 100, 200, 0x50, 0x18, 501, 0, 0)
"""Port 40000 to 8000, sequence number 100, acknowledging 200, PSH and ACK."""


def file_of(*frames: bytes, linktype: int = 1, order: str = "<", nano: bool = False, snap: int = 65535) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    records = [
        pack(order + "IIII", 1700000000, 42, min(len(frame), snap), len(frame)) + frame[:snap] for frame in frames
    ]
    return pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, linktype) + b"".join(records)


def ipv4(body: bytes, *, options: bytes = b"", fragment: int = 0, protocol: int = 6, total: int | None = None) -> bytes:
    header = 20 + len(options)
    length = header + len(body) if total is None else total
    source, target = bytes([10, 99, 1, 101]), bytes([10, 99, 1, 102])
    fixed = pack(">BBHHHBBH4s4s", 0x40 + header // 4, 0, length, 1, fragment, 64, protocol, 0, source, target)
    return fixed + options + body


def ipv6(body: bytes, *, following: int = 6) -> bytes:
    source, target = bytes.fromhex("fd99" + "0" * 25 + "101"), bytes.fromhex("fd99" + "0" * 25 + "102")
    return pack(">IHBB16s16s", 0x60000000, len(body), following, 64, source, target) + body


def ethernet(packet: bytes, ethertype: int = 0x0800) -> bytes:
    return bytes(12) + pack(">H", ethertype) + packet


def read_or_refused(data: bytes) -> Capture | CaptureError:
    """Any other exception fails the test."""
    try:
        return parse_capture(data, where="x")
    except CaptureError as error:
        return error


IPV4, IPV6 = ipv4(TCP + b"hello"), ipv6(TCP + b"hello")


@pytest.mark.parametrize(
    ("frame", "linktype"),
    [
        pytest.param(ethernet(IPV4), 1, id="Ethernet"),
        pytest.param(ethernet(IPV6, 0x86DD), 1, id="Ethernet, IPv6"),
        pytest.param(ethernet(pack(">HH", 5, 0x0800) + IPV4, 0x8100), 1, id="802.1Q"),
        pytest.param(ethernet(pack(">HHHH", 5, 0x8100, 7, 0x86DD) + IPV6, 0x88A8), 1, id="802.1ad and 802.1Q"),
        pytest.param(bytes(14) + b"\x08\x00" + IPV4, 113, id="cooked"),
        pytest.param(b"\x86\xdd" + bytes(18) + IPV6, 276, id="cooked v2"),
        pytest.param(IPV4, 101, id="raw"),
        pytest.param(IPV6, 101, id="raw, IPv6"),
        pytest.param(b"\x02\0\0\0" + IPV4, 0, id="loopback"),
        pytest.param(b"\0\0\0\x1e" + IPV6, 0, id="loopback, other byte order, IPv6 of macOS"),
        pytest.param(ethernet(ipv4(TCP + b"hello", options=b"\x01" * 8)), 1, id="IPv4 options"),
        pytest.param(ethernet(IPV4 + bytes(6)), 1, id="padding"),
        pytest.param(ethernet(ipv4(TCP + b"hello", fragment=0x2000)), 1, id="first fragment"),
        pytest.param(ethernet(ipv4(TCP + b"hello", total=0)), 1, id="length left to the network card"),
        pytest.param(
            ethernet(ipv4(TCP[:12] + b"\x80" + TCP[13:] + b"\x01" * 12 + b"hello")), 1, id="TCP options"
        ),
        pytest.param(
            ethernet(ipv6(b"\x3c\x00" + bytes(6) + b"\x2c\x01" + bytes(14) + b"\x06" + bytes(7) + TCP + b"hello",
                          following=0), 0x86DD), 1, id="IPv6 extension headers",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_every_way_to_wrap_a_segment_gives_the_same_segment(
    frame: bytes, linktype: int, order: str, *, nano: bool
) -> None:
    capture = parse_capture(file_of(frame, linktype=linktype, order=order, nano=nano), where="x")
    assert (capture.frames, capture.skipped, capture.linktype, capture.nanosecond) == (1, 0, linktype, nano)
    (segment,) = capture.segments
    hosts = ("fd99::101", "fd99::102") if ":" in segment.src.address else ("10.99.1.101", "10.99.1.102")
    assert (segment.src, segment.dst) == (Endpoint(hosts[0], 40000), Endpoint(hosts[1], 8000))
    assert (segment.seq, segment.ack, segment.window) == (100, 200, 501)
    assert segment.flags is Flags.PSH | Flags.ACK
    assert (segment.payload, segment.length) == (b"hello", 5)
    assert segment.time_ns == 1700000000_000000000 + (42 if nano else 42000)


def test_the_ninth_flag_the_options_the_identification_and_the_checksum_are_kept() -> None:
    tcp = TCP[:12] + b"\x61\xd2" + TCP[14:16] + b"\x12\x34" + TCP[18:] + b"\x02\x04\x05\xb4"
    (segment,) = parse_capture(file_of(ethernet(ipv4(tcp))), where="x").segments
    assert (segment.flags, segment.flags.letters) == (0x1D2, "S.EWe")
    assert (segment.options, segment.ip_id, segment.checksum) == (b"\x02\x04\x05\xb4", 1, 0x1234)
    (six,) = parse_capture(file_of(ethernet(ipv6(tcp), 0x86DD)), where="x").segments
    assert six.ip_id == 0


def test_options_that_the_snap_length_cut_are_those_that_are_there() -> None:
    frame = ethernet(ipv4(TCP[:12] + b"\x70" + TCP[13:] + b"\x02\x04\x05\xb4\x04\x02\x01\x01hello"))
    (segment,) = parse_capture(file_of(frame, snap=58), where="x").segments
    assert (segment.options, segment.payload, segment.length) == (b"\x02\x04\x05\xb4", b"", 5)


@pytest.mark.parametrize(
    ("packed", "text"),
    [
        ("0a630165", "10.99.1.101"),
        ("00000000000000000000ffffc0000201", "::ffff:192.0.2.1"),
        ("0064ff9b0000000000000000c0000201", "64:ff9b::c000:201"),
        ("fd990000000000000000000000000101", "fd99::101"),
        ("00000000000000000000000000000001", "::1"),
    ],
)
def test_an_address_has_one_spelling(packed: str, text: str) -> None:
    assert address_text(bytes.fromhex(packed)) == text


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(ethernet(b"", 0x0806), id="ARP"),
        pytest.param(ethernet(b"\x45"), id="half an IP header"),
        pytest.param(ethernet(ipv4(TCP, protocol=17)), id="UDP"),
        pytest.param(ethernet(ipv4(TCP, fragment=0x2001)), id="later fragment"),
        pytest.param(ethernet(ipv4(TCP[:19])), id="half a TCP header"),
        pytest.param(ethernet(ipv4(TCP[:12] + b"\x40" + TCP[13:])), id="a TCP header of 16 bytes"),
        pytest.param(ethernet(ipv4(TCP[:12] + b"\xf0" + TCP[13:])), id="a TCP header past the packet"),
        pytest.param(ethernet(b"\x41" + IPV4[1:]), id="an IP header of 4 bytes"),
        pytest.param(ethernet(IPV6), id="IPv6 under IPv4's type"),
        pytest.param(ethernet(IPV4, 0x86DD), id="IPv4 under IPv6's type"),
        pytest.param(ethernet(ipv6(TCP, following=58), 0x86DD), id="ICMPv6"),
        pytest.param(ethernet(ipv6(b"\x06\0\0\x09" + bytes(4) + TCP, following=44), 0x86DD), id="IPv6, later fragment"),
        pytest.param(ethernet(b"\0", 0x8100), id="half a tag"),
    ],
)
def test_frames_without_a_segment_are_counted_and_skipped(frame: bytes) -> None:
    capture = parse_capture(file_of(frame, ethernet(IPV4)), where="x")
    assert (capture.frames, capture.skipped) == (2, 1)
    assert [segment.number for segment in capture.segments] == [2]


def test_a_snap_length_cuts_the_payload_but_not_the_length() -> None:
    (segment,) = parse_capture(file_of(ethernet(IPV4), snap=14 + 20 + 20 + 2), where="x").segments
    assert (segment.payload, segment.length) == (b"he", 5)


def test_a_link_type_that_also_tells_of_checksums_is_read() -> None:
    with_checksum = 0x24000001  # Ethernet; each frame ends with a frame check sequence of 2 times 16 bits
    capture = parse_capture(file_of(ethernet(IPV4) + bytes(4), linktype=with_checksum), where="x")
    assert (capture.linktype, [segment.payload for segment in capture.segments]) == (1, [b"hello"])


def test_a_capture_without_packets_is_empty_but_valid() -> None:
    capture = parse_capture(file_of(), where="x")
    assert (capture.segments, capture.frames, capture.skipped) == ((), 0, 0)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "capture-empty", id="empty"),
        pytest.param(b"\x0a\x0d\x0d\x0a" + bytes(24), "capture-pcapng", id="pcapng"),
        pytest.param(gzip.compress(SMALL), "capture-gzip", id="gzip"),
        pytest.param(b"08:05:47.63 IP 10.99.1.101.37849 > 10.99.1.102.8000", "capture-text", id="text"),
        pytest.param("抓包".encode() * 20, "capture-text", id="Chinese text, cut within a character"),
        pytest.param(b"\x7fELF\x02\x01\x01\0", "capture-foreign", id="a program"),
        pytest.param(SMALL[:3], "capture-header-truncated", id="half a magic number"),
        pytest.param(SMALL[:23], "capture-header-truncated", id="header cut"),
        pytest.param(SMALL[:4] + b"\x03" + SMALL[5:], "capture-version", id="version 3.4"),
        pytest.param(file_of(linktype=147), "capture-linktype", id="link type"),
    ],
)
def test_what_is_no_capture_is_called_what_it_is(data: bytes, code: str) -> None:
    with pytest.raises(CaptureError) as caught:
        parse_capture(data, where="server.pcap")
    assert caught.value.code == code
    assert "server.pcap" in caught.value.what()


def test_a_record_of_an_impossible_length_names_the_packet() -> None:
    damaged = file_of(ethernet(IPV4)) + pack("<IIII", 1, 0, 0x7FFFFFFF, 100) + bytes(100)
    with pytest.raises(CaptureError) as caught:
        parse_capture(damaged, where="server.pcap")
    assert caught.value.code == "capture-record-length"
    assert caught.value.params["packet"] == 2


def test_a_truncated_capture_names_the_packet_wherever_it_is_cut() -> None:
    borders = {24: 0}
    for count in range(1, 12):
        at = max(borders)
        borders[at + 16 + int.from_bytes(SMALL[at + 8 : at + 12], "little")] = count
    assert max(borders) == len(SMALL)
    for cut in range(24, len(SMALL)):
        if cut in borders:
            assert parse_capture(SMALL[:cut], where="x").frames == borders[cut]
            continue
        start = max(border for border in borders if border < cut)
        with pytest.raises(CaptureError) as caught:
            parse_capture(SMALL[:cut], where="x")
        assert caught.value.code == "capture-truncated"
        assert (caught.value.params["packet"], caught.value.params["offset"]) == (borders[start] + 1, start)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    answer = read_or_refused(data)
    assert isinstance(answer, Capture) or answer.what("zh-CN")


@given(st.binary(max_size=120), st.sampled_from([0, 1, 101, 113, 276]))
def test_any_bytes_in_a_frame_are_read_or_skipped(frame: bytes, linktype: int) -> None:
    assert parse_capture(file_of(frame, linktype=linktype), where="x").frames == 1


@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=8))
def test_a_damaged_capture_is_read_or_refused(damages: list[tuple[int, int]]) -> None:
    data = bytearray(SMALL)
    for place, value in damages:
        data[place] = value
    answer = read_or_refused(bytes(data))
    if isinstance(answer, Capture):
        assert answer.skipped == answer.frames - len(answer.segments)
    else:
        assert answer.what()
        assert answer.remedy()


CODES = (
    "empty", "pcapng", "gzip", "text", "foreign", "header-truncated", "version", "linktype", "truncated",
    "record-length",
)  # fmt: skip


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_error_has_its_text_in_both_languages(code: str, language: str) -> None:
    catalog = messages(language)
    params = dict.fromkeys(("where", "packet", "offset", "missing", "length", "limit", "magic", "version"), "?")
    params |= dict.fromkeys(("linktype", "size", "needed"), "?")
    for part in ("what", "remedy"):
        assert catalog.get(f"errors.capture-{code}.{part}", **params)
