"""From the bytes of one captured frame to its TCP segment: link layer, IPv4 or IPv6, TCP header."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from mmap import mmap
from struct import Struct
from typing import Final, NamedTuple

from lab.wire.bits import FLAGS
from lab.wire.segment import Endpoint, Flags, Segment

ETHERNET: Final = 1
NULL: Final = 0
RAW_IP: Final = 101
COOKED: Final = 113
COOKED_V2: Final = 276

IPV4: Final = 0x0800
IPV6: Final = 0x86DD
_ETHERTYPE_OF_VERSION: Final = {4: IPV4, 6: IPV6}
VLAN_TAGS: Final = frozenset({0x8100, 0x88A8, 0x9100})
TCP: Final = 6

_ETHERNET_HEADER: Final = 14
_VLAN_HEADER: Final = 4
_COOKED_HEADER: Final = 16
_COOKED_V2_HEADER: Final = 20
_NULL_HEADER: Final = 4
_IPV4_HEADER: Final = 20
_IPV4_ADDRESS: Final = 4
_IPV6_HEADER: Final = 40
_EXTENSION_HEADER: Final = 8
TCP_HEADER: Final = 20
"""Each header's length, or its least one, in bytes."""

_HEADERS_IN_EIGHTS: Final = frozenset({0, 43, 60, 135, 139, 140})
"""IPv6 extension headers whose length field counts 8 bytes (RFC 8200, section 4; the IANA registry)."""
_FRAGMENT: Final = 44
_AUTHENTICATION: Final = 51

_AF_INET: Final = 2
_AF_INET6: Final = frozenset({10, 24, 28, 30})
"""AF_INET6 of Linux, of NetBSD and OpenBSD, of FreeBSD, of macOS: the loopback header keeps the writer's number."""

_read_type: Final = Struct(">H").unpack_from
_read_ipv4: Final = Struct(">BxHHHxB").unpack_from
_read_ipv6: Final = Struct(">BxxxHB").unpack_from
_read_extension: Final = Struct(">BBH").unpack_from
_read_tcp: Final = Struct(">IIHHH").unpack_from

FLAGS_OF: Final = tuple(Flags(bits) for bits in range(FLAGS))
"""Every combination made beforehand: calling the enum for each packet would cost more than the rest of it."""

Buffer = bytes | mmap
"""A capture file's bytes: read, or mapped."""

_Link = Callable[[Buffer, int, int], "tuple[int, int] | None"]
"""From a frame's place in the data to where the next header begins and its Ethernet type."""


def _ethernet(data: Buffer, at: int, end: int) -> tuple[int, int] | None:
    return _behind(data, at + _ETHERNET_HEADER, end, at + 12)


def _cooked(data: Buffer, at: int, end: int) -> tuple[int, int] | None:
    return _behind(data, at + _COOKED_HEADER, end, at + 14)


def _cooked_v2(data: Buffer, at: int, end: int) -> tuple[int, int] | None:
    return _behind(data, at + _COOKED_V2_HEADER, end, at)


def _behind(data: Buffer, at: int, end: int, type_at: int) -> tuple[int, int] | None:
    """Step over 802.1Q and 802.1ad tags behind a link header whose type stands at `type_at`."""
    if at > end:
        return None
    ethertype: int = _read_type(data, type_at)[0]
    while ethertype in VLAN_TAGS:
        if end - at < _VLAN_HEADER:
            return None
        ethertype = _read_type(data, at + 2)[0]
        at += _VLAN_HEADER
    return at, ethertype


def _raw(data: Buffer, at: int, end: int) -> tuple[int, int] | None:
    return (at, _ETHERTYPE_OF_VERSION.get(data[at] >> 4, 0)) if at < end else None


def _null(data: Buffer, at: int, end: int) -> tuple[int, int] | None:
    if end - at < _NULL_HEADER:
        return None
    # The family stands in the byte order of the machine that captured, which need not be the file's.
    word = data[at : at + _NULL_HEADER]
    family = min(int.from_bytes(word, "little"), int.from_bytes(word, "big"))
    if family == _AF_INET:
        return at + _NULL_HEADER, IPV4
    return (at + _NULL_HEADER, IPV6) if family in _AF_INET6 else None


def families(ethertype: int) -> tuple[int, ...]:
    """Return the numbers for IPv4 or IPv6 that a loopback header may hold, read in either byte order."""
    numbers = {_AF_INET} if ethertype == IPV4 else _AF_INET6
    return tuple(sorted({*numbers, *(number << 24 for number in numbers)}))


LINKS: Final[dict[int, _Link]] = {
    ETHERNET: _ethernet,
    NULL: _null,
    RAW_IP: _raw,
    COOKED: _cooked,
    COOKED_V2: _cooked_v2,
}
"""How to find the IP header for each link type that the lab reads."""


_Packet = tuple[int, int, bytes, bytes, int]
"""Where TCP begins, the packet's length from its IP header on (0: not said), source and destination address, and its
identification (0: none)."""


def _ipv4(data: Buffer, ip: int, end: int) -> _Packet | None:
    if end - ip < _IPV4_HEADER:
        return None
    first, length, identification, fragment, protocol = _read_ipv4(data, ip)
    if protocol != TCP or fragment & 0x1FFF or not 0x45 <= first <= 0x4F:  # noqa: PLR2004 - version 4, 5 to 15 words
        return None
    return ip + (first & 15) * 4, length, data[ip + 12 : ip + 16], data[ip + 16 : ip + 20], identification


def _ipv6(data: Buffer, ip: int, end: int) -> _Packet | None:
    if end - ip < _IPV6_HEADER:
        return None
    first, length, header = _read_ipv6(data, ip)
    if first >> 4 != 6:  # noqa: PLR2004 - the IP version
        return None
    tcp = ip + _IPV6_HEADER if header == TCP else _past_extensions(data, ip, end, header)
    if tcp is None:
        return None
    return tcp, length + _IPV6_HEADER if length else 0, data[ip + 8 : ip + 24], data[ip + 24 : ip + 40], 0


def _past_extensions(data: Buffer, ip: int, end: int, header: int) -> int | None:
    """Return where TCP begins behind IPv6 extension headers (RFC 8200, section 4), None when it does not."""
    at = ip + _IPV6_HEADER
    while header != TCP:
        if end - at < _EXTENSION_HEADER:
            return None
        following, length, fragment = _read_extension(data, at)
        if header in _HEADERS_IN_EIGHTS:
            at += (length + 1) * 8
        elif header == _AUTHENTICATION:
            at += (length + 2) * 4
        elif header == _FRAGMENT and not fragment & 0xFFF8:
            at += _EXTENSION_HEADER
        else:
            return None
        header = following
    return at


_PACKETS: Final = {IPV4: _ipv4, IPV6: _ipv6}


class Headers(NamedTuple):
    """Where a frame's TCP header lies in the data, and what IP's header says: both addresses (4 or 16 bytes each).

    `tcp` is where it begins, `body` where the payload does, `stop` where that ends on the wire: beyond the frame's end
    when the snap length cut it. `ip_id` is IPv4's identification, 0 for IPv6.
    """

    tcp: int
    body: int
    stop: int
    src: bytes
    dst: bytes
    ip_id: int


class Decoder:
    """Reads the frames in the bytes of one capture file; an endpoint that comes again is the same object."""

    def __init__(self, linktype: int, data: Buffer) -> None:
        self._link = LINKS[linktype]
        self._data = data
        self._endpoints: dict[bytes, Endpoint] = {}

    def headers(self, at: int, end: int, on_wire: int) -> Headers | None:
        """Return where the TCP segment of the frame at `at`..`end` lies, None when there is none.

        `on_wire` is the frame's length before the snap length cut it. None stands for: another protocol, a
        fragment that is not the first, a TCP header cut short, or headers that contradict each other.
        """
        data = self._data
        found = self._link(data, at, end)
        if found is None or found[1] not in _PACKETS:
            return None
        ip, ethertype = found
        packet = _PACKETS[ethertype](data, ip, end)
        if packet is None:
            return None
        tcp, length, src, dst, ip_id = packet
        if end - tcp < TCP_HEADER:
            return None
        # A length of 0 is a packet for the network card to cut up (BIG TCP): then the frame tells it.
        stop = ip + length if length else at + on_wire
        body = tcp + (data[tcp + 12] >> 4) * 4
        if not tcp + TCP_HEADER <= body <= stop:
            return None
        return Headers(tcp, body, stop, src, dst, ip_id)

    def segment(self, at: int, end: int, on_wire: int, number: int, time_ns: int) -> Segment | None:
        """Return the TCP segment in the frame at `at`..`end`, None when there is none (see `headers`)."""
        found = self.headers(at, end, on_wire)
        if found is None:
            return None
        tcp, body, stop, source, target, ip_id = found
        data = self._data
        seq, ack, bits, window, checksum = _read_tcp(data, tcp + 4)
        src = self._endpoint(source + data[tcp : tcp + 2])
        dst = self._endpoint(target + data[tcp + 2 : tcp + 4])
        payload = data[body : min(stop, end)]
        options = data[tcp + TCP_HEADER : min(body, end)]
        flags = FLAGS_OF[bits & FLAGS - 1]
        return Segment(
            number, time_ns, src, dst, seq, ack, flags, window, payload, stop - body, options, ip_id, checksum
        )

    def _endpoint(self, key: bytes) -> Endpoint:
        known = self._endpoints.get(key)
        if known is None:
            known = self._endpoints[key] = endpoint_of(key[:-2], int.from_bytes(key[-2:], "big"))
        return known


def endpoint_of(address: bytes, port: int) -> Endpoint:
    """Return the endpoint with an address of 4 or 16 bytes."""
    return Endpoint(address_text(address), port)


def address_text(address: bytes) -> str:
    """Return an address of 4 or 16 bytes in RFC 5952's one spelling: `::ffff:192.0.2.1` for a mapped one."""
    if len(address) == _IPV4_ADDRESS:
        return str(IPv4Address(address))
    found = IPv6Address(address)
    return str(found) if found.ipv4_mapped is None else f"::ffff:{found.ipv4_mapped}"
