"""Write several captures as one pcapng file, with comments on its packets that Wireshark and tshark show.

Source: draft-ietf-opsawg-pcapng (block types and options by their numbers there).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import pack
from typing import Final, NamedTuple

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_MAGIC: Final = 0x1A2B3C4D
_UNKNOWN_LENGTH: Final = -1
_END, _COMMENT, _NAME, _DESCRIPTION, _APPLICATION, _RESOLUTION = 0, 1, 2, 3, 4, 9
_NANOSECONDS: Final = b"\x09"
_LONGEST: Final = 0xFFFF


class Interface(NamedTuple):
    """Where packets were captured; `snaplen` is how many bytes of each were kept at the most (0: all)."""

    name: str
    description: str
    linktype: int
    snaplen: int


class Packet(NamedTuple):
    """A packet of the interface with that index: when (ns since the epoch), its bytes, its length on the wire."""

    interface: int
    time_ns: int
    data: bytes
    length: int
    comments: tuple[str, ...] = ()


def write_pcapng(
    interfaces: Sequence[Interface], packets: Iterable[Packet], *, comment: str = "", application: str = ""
) -> bytes:
    """Return one section with these interfaces and all packets in the order of time; of two at once, as they came."""
    about = [(_COMMENT, comment.encode()), (_APPLICATION, application.encode())]
    head = pack("<IHHq", _MAGIC, 1, 0, _UNKNOWN_LENGTH) + _options([each for each in about if each[1]])
    blocks = [_block(_SECTION, head), *map(_interface, interfaces)]
    blocks += [_packet(packet) for packet in sorted(packets, key=lambda packet: packet.time_ns)]
    return b"".join(blocks)


def _interface(one: Interface) -> bytes:
    options = [(_NAME, one.name.encode()), (_DESCRIPTION, one.description.encode()), (_RESOLUTION, _NANOSECONDS)]
    return _block(_INTERFACE, pack("<HHI", one.linktype, 0, one.snaplen) + _options(options))


def _packet(packet: Packet) -> bytes:
    high, low = divmod(packet.time_ns, 1 << 32)
    head = pack("<IIIII", packet.interface, high, low, len(packet.data), packet.length)
    comments = [(_COMMENT, comment.encode()) for comment in packet.comments]
    return _block(_PACKET, head + _padded(packet.data) + _options(comments))


def _block(kind: int, body: bytes) -> bytes:
    length = pack("<I", len(body) + 12)
    return pack("<I", kind) + length + body + length


def _options(options: Sequence[tuple[int, bytes]]) -> bytes:
    """Return options with what ends them, nothing for none. A value that is too long is cut between characters."""
    if not options:
        return b""
    told = []
    for code, value in options:
        kept = value if len(value) <= _LONGEST else value[:_LONGEST].decode("utf-8", "ignore").encode()
        told.append(pack("<HH", code, len(kept)) + _padded(kept))
    return b"".join([*told, pack("<HH", _END, 0)])


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
