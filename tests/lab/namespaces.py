"""Network namespaces for tests, gone with the test that made them, and a tap that hears every frame."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from tests.support import run

T = TypeVar("T")
_CLONE_NEWNET: Final = 0x40000000
_ETH_P_ALL: Final = 0x0003
_ARP: Final = 0x0806
_IPV4: Final = 0x0800
_SO_RCVBUFFORCE: Final = 33
_SOL_PACKET: Final = 263
_PACKET_STATISTICS: Final = 6
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network namespace held by a process that ends with its stdin: with the test, even by kill -9."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout
        assert self._holder.stdout.readline() == b"ready\n", "unshare --net"
        self.pid = self._holder.pid

    def ip(self, *arguments: str) -> str:
        """Run `ip` inside."""
        return run("nsenter", f"--net=/proc/{self.pid}/ns/net", "ip", *arguments)

    def inside(self, make: Callable[[], T]) -> T:
        """Call `make` inside, in a thread of its own: a socket made there stays there, whoever uses it."""
        made: list[T] = []

        def enter() -> None:
            with open(f"/proc/{self.pid}/ns/net", "rb") as file:  # noqa: PTH123 - a descriptor is all that is wanted
                if _LIBC.setns(file.fileno(), _CLONE_NEWNET) == 0:
                    made.append(make())

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert made, "setns"
        return made[0]

    def close(self) -> None:
        """End the holder; its interfaces go, and so do their other ends with all addresses and routes."""
        self._holder.communicate()


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """Yield a new network namespace."""
    made = Namespace()
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True, slots=True)
class Frame:
    """An Ethernet frame as heard: on which link, from and to which hardware and IPv4 (or ARP) addresses."""

    link: str
    source: str
    target: str
    what: str
    sender: str
    receiver: str


class Tap:
    """Hears every frame on one link, or on all links of the namespace where it was made."""

    def __init__(self, link: str | None = None) -> None:
        # With no protocol it hears nothing yet: on one link only from bind() on.
        protocol = 0 if link else socket.htons(_ETH_P_ALL)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, protocol)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
        if link:
            self._socket.bind((link, _ETH_P_ALL))
        self._socket.settimeout(0)

    def heard(self) -> list[Frame]:
        """Return what was heard since the last call; a frame that was lost is a failure of the test."""
        frames = []
        with contextlib.suppress(BlockingIOError):
            while True:
                data, address = self._socket.recvfrom(128)
                frames.append(_frame(data, address))
        lost = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))[1]
        assert lost == 0, f"the tap lost {lost} frames"
        return frames

    def close(self) -> None:
        """Stop hearing."""
        self._socket.close()


@contextlib.contextmanager
def tap(link: str | None = None, at: Namespace | None = None) -> Iterator[Tap]:
    """Yield a tap, in the machine's own namespace or in another."""
    made = at.inside(lambda: Tap(link)) if at else Tap(link)
    try:
        yield made
    finally:
        made.close()


def _frame(data: bytes, address: Any) -> Frame:
    kind = int.from_bytes(data[12:14])
    begin = {_ARP: (28, 38), _IPV4: (26, 30)}.get(kind)
    sender, receiver = (socket.inet_ntoa(data[at : at + 4]) for at in begin) if begin else ("", "")
    return Frame(
        link=str(address[0]),
        source=data[6:12].hex(":"),
        target=data[:6].hex(":"),
        what={_ARP: "ARP", _IPV4: "IPv4"}.get(kind, f"{kind:#06x}"),
        sender=sender,
        receiver=receiver,
    )
