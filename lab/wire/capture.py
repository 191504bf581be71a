"""Read a classic pcap file into TCP segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from lab.errors import EvidenceError
from lab.wire.packet import LINKS, Buffer, Decoder
from lab.wire.segment import Segment

LONGEST_RECORD: Final = 262_144
"""The most bytes of a frame that libpcap itself writes or accepts (MAXIMUM_SNAPLEN)."""

FILE_HEADER: Final = 24
RECORD_HEADER: Final = 16
"""Bytes before the first record, and before each record's frame."""

_MAGICS: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", False),
    b"\xa1\xb2\xc3\xd4": (">", False),
    b"\x4d\x3c\xb2\xa1": ("<", True),
    b"\xa1\xb2\x3c\x4d": (">", True),
}
"""The first four bytes: the byte order of the numbers behind them, and whether times are in nanoseconds."""

_LOOKS: Final = {
    b"\x0a\x0d\x0d\x0a": "capture-pcapng",
    b"\x1f\x8b": "capture-gzip",
}


class CaptureError(EvidenceError):
    """A capture file that cannot be read, or not to its end."""


@dataclass(frozen=True, slots=True)
class Capture:
    """The TCP segments of a capture, in the file's order.

    `frames` counts every frame of the file and `skipped` those without a TCP segment: other protocols, fragments after
    the first, frames cut before the end of the TCP header. `linktype` is the registry's number (LINKTYPE_…).
    """

    segments: Sequence[Segment]
    frames: int
    linktype: int
    nanosecond: bool
    skipped: int


def parse_capture(data: Buffer, *, where: str) -> Capture:
    """Return the TCP segments of a classic pcap file's bytes.

    Both byte orders, microseconds and nanoseconds; link types Ethernet, Linux cooked (both), raw IP and loopback.
    `where` names the file in errors. Frame numbers count every frame from 1, as tshark's `frame.number`. CaptureError
    when it is no such file, is cut short (naming the packet), has a record of an implausible length, or has a link
    type that is not read here. Source: draft-ietf-opsawg-pcap.
    """
    order, nanosecond, linktype = read_header(data, where)
    read_record = Struct(order + "IIII").unpack_from
    decode = Decoder(linktype, data).segment
    scale = 1 if nanosecond else 1000
    segments: list[Segment] = []
    frames, at, size = 0, FILE_HEADER, len(data)
    while at < size:
        frames += 1
        if size - at < RECORD_HEADER:
            raise cut_short(where, frames, at, RECORD_HEADER - (size - at))
        seconds, fraction, kept, on_wire = read_record(data, at)
        start = at + RECORD_HEADER
        end = start + kept
        if kept > LONGEST_RECORD:
            raise too_long(where, frames, at, kept)
        if end > size:
            raise cut_short(where, frames, at, end - size)
        segment = decode(start, end, on_wire, frames, seconds * 1_000_000_000 + fraction * scale)
        if segment is not None:
            segments.append(segment)
        at = end
    return Capture(tuple(segments), frames, linktype, nanosecond, frames - len(segments))


class RawFrame(NamedTuple):
    """A frame as a file has it: its number (from 1), time (ns since the epoch), bytes, and length on the wire."""

    number: int
    time_ns: int
    data: bytes
    length: int


@dataclass(frozen=True, slots=True)
class RawCapture:
    """A capture's frames, whatever they hold; `snaplen` is how many bytes of each were kept at the most."""

    linktype: int
    snaplen: int
    frames: tuple[RawFrame, ...]


def raw_capture(data: bytes, *, where: str) -> RawCapture:
    """Return every frame of a classic pcap file's bytes as it is; CaptureError as `parse_capture`."""
    order, nanosecond, linktype = read_header(data, where)
    (snaplen,) = Struct(order + "I").unpack_from(data, 16)
    record, scale = Struct(order + "IIII"), 1 if nanosecond else 1000
    frames: list[RawFrame] = []
    at = FILE_HEADER
    while at < len(data):
        number, start = len(frames) + 1, at + RECORD_HEADER
        if start > len(data):
            raise cut_short(where, number, at, start - len(data))
        seconds, fraction, kept, length = record.unpack_from(data, at)
        if kept > LONGEST_RECORD:
            raise too_long(where, number, at, kept)
        if start + kept > len(data):
            raise cut_short(where, number, at, start + kept - len(data))
        time_ns = seconds * 1_000_000_000 + fraction * scale
        frames.append(RawFrame(number, time_ns, data[start : start + kept], length))
        at = start + kept
    return RawCapture(linktype, snaplen, tuple(frames))


def read_header(data: Buffer, where: str) -> tuple[str, bool, int]:
    """Return the byte order (`<` or `>`), whether times are in nanoseconds, and the link type; CaptureError if none."""
    known = _MAGICS.get(data[:4])
    if known is None:
        raise _foreign(data[:64], where)
    if len(data) < FILE_HEADER:
        raise CaptureError("capture-header-truncated", where=where, size=len(data), needed=FILE_HEADER)
    order, nanosecond = known
    major, minor, linktype = Struct(order + "4xHH12xI").unpack_from(data)
    if (major, minor) != (2, 4):
        raise CaptureError("capture-version", where=where, version=f"{major}.{minor}")
    # The upper bits say whether frames end with a checksum (FCS), and how long it is: IP lengths make it harmless.
    linktype &= 0xFFFF
    if linktype not in LINKS:
        raise CaptureError("capture-linktype", where=where, linktype=linktype)
    return order, nanosecond, linktype


def cut_short(where: str, packet: int, offset: int, missing: int) -> CaptureError:
    """Return the error for a packet, at an offset of the file, that lacks so many bytes."""
    return CaptureError("capture-truncated", where=where, packet=packet, offset=offset, missing=missing)


def too_long(where: str, packet: int, offset: int, length: int) -> CaptureError:
    """Return the error for a packet of a length that no capture has."""
    return CaptureError(
        "capture-record-length", where=where, packet=packet, offset=offset, length=length, limit=LONGEST_RECORD
    )


def _foreign(data: bytes, where: str) -> CaptureError:
    if not data:
        return CaptureError("capture-empty", where=where)
    if any(magic.startswith(data) for magic in _MAGICS):
        return CaptureError("capture-header-truncated", where=where, size=len(data), needed=FILE_HEADER)
    for magic, code in _LOOKS.items():
        if data.startswith(magic):
            return CaptureError(code, where=where)
    if _is_text(data):
        return CaptureError("capture-text", where=where)
    return CaptureError("capture-foreign", where=where, magic=data[:4].hex(" "))


def _is_text(start: bytes) -> bool:
    # The cut after 64 bytes may fall within a character, which "ignore" forgives; other bad bytes shorten the text.
    text = start.decode("utf-8", errors="ignore")
    whole = len(text.encode()) > len(start) - 4
    return whole and all(char.isprintable() or char in "\t\r\n" for char in text)
