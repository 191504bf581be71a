"""Endpoints as integers: a whole column of them is compared and sorted as fast as a column of numbers."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lab.wire.packet import endpoint_of
from lab.wire.segment import Endpoint

_IPV6: Final = 1 << 47
"""In an integer without its port: what remains is not an address but the number of one."""
_PORT_BITS: Final = 16
_PORT: Final = (1 << _PORT_BITS) - 1
_IPV4_LENGTH: Final = 4
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)


class Addresses:
    """The IPv6 addresses of a capture, numbered as they come; those of IPv4 are numbers by themselves."""

    def __init__(self) -> None:
        self._number: dict[bytes, int] = {}
        self._addresses: list[bytes] = []
        self._made: dict[int, Endpoint] = {}

    def value(self, address: bytes, port: int) -> int:
        """Return the integer of an endpoint."""
        number = int.from_bytes(address, "big") if len(address) == _IPV4_LENGTH else self._numbered(address) | _IPV6
        return number << _PORT_BITS | port

    def values(self, addresses: NDArray[Any], ports: NDArray[Any]) -> NDArray[np.uint64]:
        """Return the integers of endpoints.

        Addresses are one number each for IPv4, and for IPv6 two of 64 bits each, as the header's bytes lie in memory.
        """
        numbers = addresses if addresses.ndim == 1 else self._all_numbered(addresses)
        found: NDArray[np.uint64] = numbers.astype(np.uint64) << np.uint64(_PORT_BITS)
        found |= ports
        return found

    def endpoint(self, value: int) -> Endpoint:
        """Return the endpoint of an integer, the same object each time."""
        known = self._made.get(value)
        if known is None:
            number, port = value >> _PORT_BITS, value & _PORT
            address = self._addresses[number ^ _IPV6] if number & _IPV6 else number.to_bytes(_IPV4_LENGTH, "big")
            known = self._made[value] = endpoint_of(address, port)
        return known

    def integer(self, end: Endpoint) -> int:
        """Return the integer of an endpoint."""
        return self.value(ip_address(end.address).packed, end.port)

    def adopted(self, values: NDArray[np.uint64], other: Addresses) -> NDArray[np.uint64]:
        """Return the integers that the endpoints with these in `other` have here."""
        ipv6 = np.flatnonzero(values >> np.uint64(_PORT_BITS) & np.uint64(_IPV6))
        if not len(ipv6):
            return values
        found = values.copy()
        known, which = np.unique(values[ipv6], return_inverse=True)
        found[ipv6] = np.array([self.integer(other.endpoint(each)) for each in known.tolist()], np.uint64)[which]
        return found

    def _numbered(self, address: bytes) -> int:
        number = self._number.setdefault(address, len(self._addresses))
        if number == len(self._addresses):
            self._addresses.append(address)
        return number

    def _all_numbered(self, addresses: NDArray[Any]) -> NDArray[np.uint64]:
        """Return the numbers of IPv6 addresses: each distinct one is looked up once."""
        high, low = addresses[:, 0], addresses[:, 1]
        _, first, which = np.unique(high * _MIX ^ low, return_index=True, return_inverse=True)
        if not ((high[first][which] == high) & (low[first][which] == low)).all():
            # Two addresses share a hash: sorting them whole takes longer and is always right.
            _, first, which = np.unique(addresses, axis=0, return_index=True, return_inverse=True)
        numbers = [self._numbered(addresses[place].tobytes()) | _IPV6 for place in first.tolist()]
        return np.array(numbers, np.uint64)[which]
