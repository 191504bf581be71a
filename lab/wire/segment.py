"""One TCP segment as it stood in a capture."""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple


class Endpoint(NamedTuple):
    """One end of a connection: an address in its shortest text form, and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


class Flags(IntFlag):
    """The control bits of a TCP header (RFC 9293, section 3.1)."""

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10
    URG = 0x20
    ECE = 0x40
    CWR = 0x80
    AE = 0x100
    """Accurate ECN, the ninth bit (RFC 9768)."""

    @property
    def letters(self) -> str:
        """The flags as tcpdump prints them between brackets: `S`, `S.`, `.`, `P.`, `F.`, `R`, `R.`."""
        shown = "".join(
            letter
            for flag, letter in (
                (Flags.FIN, "F"),
                (Flags.SYN, "S"),
                (Flags.RST, "R"),
                (Flags.PSH, "P"),
                (Flags.ACK, "."),
                (Flags.URG, "U"),
                (Flags.ECE, "E"),
                (Flags.CWR, "W"),
                (Flags.AE, "e"),
            )
            if self & flag
        )
        return shown or "none"


class Segment(NamedTuple):
    """A TCP segment: `number` is its frame number in the capture (from 1), times are ns since the epoch (UTC).

    A tuple and no dataclass: a capture holds a hundred thousand of them, and they are made in half the time.
    """

    number: int
    time_ns: int
    src: Endpoint
    dst: Endpoint
    seq: int
    ack: int
    flags: Flags
    window: int
    payload: bytes
    length: int
    """Payload bytes on the wire; more than `len(payload)` when the capture's snap length cut the frame."""
    options: bytes = b""
    """The TCP options as they were sent; `parse_options` reads them."""
    ip_id: int = 0
    """IPv4's identification, 0 where there is none: it tells a packet captured twice from a retransmission."""
    checksum: int = 0
    """TCP's, as it was captured: where the network card computes it, it may be wrong."""
