"""The usual frames: where their headers stand, and their fields as columns.

Usual is TCP right behind an IPv4 header of 20 bytes or an IPv6 header, whole and not fragmented, behind the link header
and at most one 802.1Q tag. Everything else is left to the decoder (lab/wire/packet.py), frame by frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lab.wire.bits import FLAGS
from lab.wire.capture import RECORD_HEADER
from lab.wire.packet import COOKED, COOKED_V2, ETHERNET, IPV4, IPV6, NULL, RAW_IP, TCP, VLAN_TAGS, families
from lab.wire.packet import TCP_HEADER as _TCP_HEADER

Rows = NDArray[Any]
"""Frames' first bytes, each a record of a layout's fields."""

_FIELDS_OF_IP: Final[Mapping[int, Mapping[str, tuple[int, str]]]] = {
    IPV4: {
        "version": (0, "u1"), "total": (2, ">u2"), "ip_id": (4, ">u2"), "fragment": (6, ">u2"),
        "protocol": (9, "u1"), "src": (12, ">u4"), "dst": (16, ">u4"),
    },
    IPV6: {
        "version": (0, "u1"), "total": (4, ">u2"), "protocol": (6, "u1"), "src": (8, "2u8"), "dst": (24, "2u8"),
    },
}  # fmt: skip
_IP_HEADER: Final = {IPV4: 20, IPV6: 40}
_FIELDS_OF_TCP: Final = {
    "sport": (0, ">u2"), "dport": (2, ">u2"), "seq": (4, ">u4"), "ack": (8, ">u4"), "bits": (12, ">u2"),
    "window": (14, ">u2"), "checksum": (16, ">u2"), "urgent": (18, ">u2"),
}  # fmt: skip
_FIELDS_OF_RECORD: Final = {"seconds": (0, "u4"), "fraction": (4, "u4"), "kept": (8, "u4"), "on_wire": (12, "u4")}

_IPV4_FIRST, _IPV6_FIRST = 0x45, 0x60
"""First bytes of headers: the version, and IPv4's length in words."""
_WHOLE: Final = 0x3FFF
"""The bits of an IPv4 header's fragment field that are 0 in a packet that is none: "more fragments" and the offset."""


@dataclass(frozen=True)
class Layout:
    """Usual frames of one kind.

    `ip` is where their IP header begins, `types` where in the link header a number of two or four bytes must be one of
    some: (field, allowed numbers).
    """

    ethertype: int
    ip: int
    types: tuple[tuple[str, tuple[int, ...]], ...]
    row: np.dtype[Any]

    @property
    def tcp(self) -> int:
        """Where in the frame the TCP header begins."""
        return self.ip + _IP_HEADER[self.ethertype]

    def fits(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell which of the rows are of this layout, with a TCP segment that is not at odds with itself."""
        header = _header(rows)
        total = rows["total"].astype(np.uint16)
        fits: NDArray[np.bool_] = (
            (header >= _TCP_HEADER) & (rows["protocol"] == TCP) & (rows["kept"] >= self.tcp + _TCP_HEADER)
        )
        if self.ethertype == IPV4:
            fits &= (
                (rows["version"] == _IPV4_FIRST)
                & (rows["fragment"] & _WHOLE == 0)
                & (total >= header + _IP_HEADER[IPV4])
            )
        else:
            fits &= (rows["version"] >> 4 == _IPV6_FIRST >> 4) & (total >= header)
        for name, numbers in self.types:
            fits &= np.isin(rows[name], numbers) if len(numbers) > 1 else rows[name] == numbers[0]
        return fits

    def columns(self, rows: Rows, starts: NDArray[np.int64], scale: int) -> dict[str, NDArray[Any]]:
        """Return the fields of rows that fit, but frame numbers and endpoints; `scale`: ns in a time's fraction."""
        header = _header(rows).astype(np.int64)
        tcp_in_frame = self.tcp
        total = rows["total"].astype(np.int64)
        length = total - header - (_IP_HEADER[IPV4] if self.ethertype == IPV4 else 0)
        kept = rows["kept"].astype(np.int64)
        bits = rows["bits"].astype(np.uint16)
        return {
            "time_ns": rows["seconds"].astype(np.int64) * 1_000_000_000 + rows["fraction"].astype(np.int64) * scale,
            "seq": rows["seq"].astype(np.uint32),
            "ack": rows["ack"].astype(np.uint32),
            "flags": bits & np.uint16(FLAGS - 1),
            "window": rows["window"].astype(np.uint16),
            "length": length.astype(np.uint32),
            "kept": np.minimum(length, kept - tcp_in_frame - header).clip(0).astype(np.uint32),
            "tcp": starts + RECORD_HEADER + tcp_in_frame,
            "header": np.minimum(header, kept - tcp_in_frame).astype(np.uint8),
            "ip_id": rows["ip_id"].astype(np.uint16) if self.ethertype == IPV4 else np.zeros(len(rows), np.uint16),
            "checksum": rows["checksum"].astype(np.uint16),
        }  # fmt: skip


def _header(rows: Rows) -> NDArray[np.uint16]:
    """Return the length of each TCP header, in bytes."""
    return (rows["bits"].astype(np.uint16) >> np.uint16(12)) * np.uint16(4)


def layouts(linktype: int, order: str) -> tuple[Layout, ...]:
    """Return the usual layouts of a link type, the most frequent first; `order` is the file's byte order."""
    return tuple(
        _layout(ethertype, ip, tuple((at, form, of[ethertype]) for at, form, of in types), order)
        for ip, types in _LINKS[linktype]
        for ethertype in (IPV4, IPV6)
    )


_Types = tuple[tuple[int, str, Mapping[int, tuple[int, ...]]], ...]
_ETHERTYPE: Final = {IPV4: (IPV4,), IPV6: (IPV6,)}
_TAG: Final = dict.fromkeys((IPV4, IPV6), tuple(sorted(VLAN_TAGS)))
_LINKS: Final[Mapping[int, tuple[tuple[int, _Types], ...]]] = {
    ETHERNET: ((14, ((12, ">u2", _ETHERTYPE),)), (18, ((12, ">u2", _TAG), (16, ">u2", _ETHERTYPE)))),
    NULL: ((4, ((0, "<u4", {IPV4: families(IPV4), IPV6: families(IPV6)}),)),),
    RAW_IP: ((0, ()),),
    COOKED: ((16, ((14, ">u2", _ETHERTYPE),)),),
    COOKED_V2: ((20, ((0, ">u2", _ETHERTYPE),)),),
}
"""By link type: the length of the header, with the numbers that must stand in it."""


def _layout(ethertype: int, ip: int, types: tuple[tuple[int, str, tuple[int, ...]], ...], order: str) -> Layout:
    tcp = ip + _IP_HEADER[ethertype]
    fields = {name: (at, order + form) for name, (at, form) in _FIELDS_OF_RECORD.items()}
    fields |= {f"type{at}": (RECORD_HEADER + at, form) for at, form, _ in types}
    fields |= {name: (RECORD_HEADER + ip + at, form) for name, (at, form) in _FIELDS_OF_IP[ethertype].items()}
    fields |= {name: (RECORD_HEADER + tcp + at, form) for name, (at, form) in _FIELDS_OF_TCP.items()}
    row = np.dtype({
        "names": list(fields),
        "offsets": [at for at, _ in fields.values()],
        "formats": [form for _, form in fields.values()],
        "itemsize": RECORD_HEADER + tcp + _TCP_HEADER,
    })  # fmt: skip
    return Layout(ethertype, ip, tuple((f"type{at}", numbers) for at, _, numbers in types), row)
