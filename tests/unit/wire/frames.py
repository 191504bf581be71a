"""Captures made byte by byte, so that what a ladder of segments cannot say (options, IP headers) is in them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from struct import pack, unpack
from typing import Final

import pytest

from lab.wire.segment import Flags

CLIENT: Final = ("10.99.1.101", 40000)
SERVER: Final = ("10.99.1.102", 8000)
LETTERS: Final = {
    "F": Flags.FIN, "S": Flags.SYN, "R": Flags.RST, "P": Flags.PSH, ".": Flags.ACK, "E": Flags.ECE, "W": Flags.CWR,
    "e": Flags.AE,
}  # fmt: skip

needs_tshark: Final = pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark here")
needs_tcptrace: Final = pytest.mark.skipif(shutil.which("tcptrace") is None, reason="no tcptrace here")


@dataclass(frozen=True)
class Frame:
    """One frame: its direction (`>` from the client), flags, numbers and the rest; `after_ms` what passed before it."""

    way: str
    letters: str
    seq: int
    ack: int = 0
    data: bytes = b""
    window: int = 500
    options: bytes = b""
    ip_id: int = 0
    after_ms: float = 1
    ttl: int = 64
    client: tuple[str, int] = CLIENT
    server: tuple[str, int] = SERVER

    def bytes(self) -> bytes:
        """Return it from its Ethernet header on, its checksums right."""
        ends = (self.client, self.server) if self.way == ">" else (self.server, self.client)
        (src, sport), (dst, dport) = ((ip_address(address), port) for address, port in ends)
        flags = sum(LETTERS[letter] for letter in self.letters)
        words = (20 + len(self.options)) // 4 << 12 | flags
        numbers = self.seq % 2**32, self.ack % 2**32
        body = self.options + self.data
        length = 20 + len(body)
        pseudo = src.packed + dst.packed + pack(">II", length, 6)
        tcp = pack(">HHIIHHHH", sport, dport, *numbers, words, self.window, 0, 0) + body
        tcp = tcp[:16] + pack(">H", _checksum(pseudo + tcp)) + tcp[18:]
        if src.version == 6:
            header = pack(">IHBB", 6 << 28, length, 6, self.ttl) + src.packed + dst.packed
            return bytes(12) + b"\x86\xdd" + header + tcp
        header = pack(">BBHHHBBH", 0x45, 0, 20 + length, self.ip_id, 0x4000, self.ttl, 6, 0) + src.packed + dst.packed
        header = header[:10] + pack(">H", _checksum(header)) + header[12:]
        return bytes(12) + b"\x08\x00" + header + tcp


def capture_of(frames: Iterable[Frame]) -> bytes:
    """Return them as a pcap file's bytes, in nanoseconds."""
    parts, at = [pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)], 1_700_000_000_000_000_000
    for frame in frames:
        at += round(frame.after_ms * 1_000_000)
        data = frame.bytes()
        parts.append(pack("<IIII", *divmod(at, 1_000_000_000), len(data), len(data)) + data)
    return b"".join(parts)


def _checksum(data: bytes) -> int:
    padded = data + bytes(len(data) % 2)
    total: int = sum(unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
