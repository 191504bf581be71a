"""Ends of connections as the kernel's tracer writes them; an end that comes again is the same object."""

from __future__ import annotations

from ipaddress import IPv6Address
from struct import Struct
from typing import Final

from lab.wire.segment import Endpoint

SOCKADDR: Final = "28s"
"""How `struct` reads a socket address with room for either kind (struct sockaddr_in6)."""

_AF_INET: Final = 2
_AF_INET6: Final = 10
_NONE: Final = 0
_MAPPED: Final = bytes(10) + b"\xff\xff"
_read_sockaddr: Final = Struct("<H2s4s16s4x").unpack_from


class Ends:
    """Makes ends, and remembers them: the shortest text of an address takes longer than all the rest."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, int], Endpoint] = {}
        self._addresses: dict[bytes, str] = {}

    def of(self, address: bytes, port: int) -> Endpoint:
        """Return the end with an address of 16 bytes; a mapped one is an IPv4 address."""
        key = (address, port)
        known = self._known.get(key)
        if known is None:
            text = self._addresses.get(address)
            if text is None:
                whole = IPv6Address(address)
                text = self._addresses[address] = str(whole.ipv4_mapped or whole)
            known = self._known[key] = Endpoint(text, port)
        return known

    def of_sockaddr(self, raw: bytes) -> Endpoint | None:
        """Return the end in a socket address, 0.0.0.0:0 where none was written; None for a family of neither kind."""
        family, port, ipv4, ipv6 = _read_sockaddr(raw, 0)
        if family in {_AF_INET, _NONE}:
            return self.of(_MAPPED + ipv4, int.from_bytes(port, "big"))
        return self.of(ipv6, int.from_bytes(port, "big")) if family == _AF_INET6 else None
