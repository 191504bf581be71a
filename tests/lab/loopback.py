"""A host of its own for tests of the kernel: a network namespace with nothing but a loopback, and both ends of its TCP."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from lab.kernel.rows import SocketRow
from lab.kernel.sockets import parse_ss
from lab.text.catalog import LANGUAGES
from lab.text.glossary import load_glossary
from lab.wire.packet import ETHERNET, Decoder
from lab.wire.segment import Segment
from lab.wire.state import State
from tests.lab.namespaces import Namespace, namespace
from tests.support import eventually, run

ADDRESS: Final = "127.0.0.1"
SECONDS: Final = 20.0
"""How long a call may block: what these tests wait for comes within a few."""
SERVER: Final = (ADDRESS, 8000)
_ETH_P_ALL: Final = 0x0003
_SO_TIMESTAMPNS: Final = 35
_SO_DETACH_FILTER: Final = 27
_SO_ATTACH_FILTER: Final = 26
_DROP: Final = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
"""A program of the classic packet filter with one instruction, `ret 0`: nothing gets through."""
_LONGEST: Final = 256
_AT_ONCE: Final = struct.pack("ii", 1, 0)
Told = bytes | str
"""What a call returned, or the name of its error."""


class Counts(NamedTuple):
    """What TCP_INFO says of resends: time-outs in a row, and all resends."""

    timeouts: int
    resends: int


class Host:
    """One host; its connections go from 127.0.0.1 to 127.0.0.1."""

    def __init__(self, inside: Namespace) -> None:
        self._inside = inside
        self._open: list[socket.socket] = []

    def tcp(self) -> socket.socket:
        """Return a TCP socket; the test need not close it."""
        made = self._inside.inside(socket.socket)
        made.settimeout(SECONDS)
        self._open.append(made)
        return made

    def listener(self, port: int = SERVER[1], *, backlog: int = 5, reuse: bool = False) -> socket.socket:
        """Return a socket that listens, with SO_REUSEADDR or without."""
        made = self.tcp()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        made.bind((ADDRESS, port))
        made.listen(backlog)
        return made

    def dial(self, to: int = SERVER[1], port: int = 0, *, reuse: bool = True) -> socket.socket:
        """Return a client that is connected, with SO_REUSEADDR or without, from this port unless it is 0."""
        client = self.tcp()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        if port:
            client.bind((ADDRESS, port))
        client.connect((ADDRESS, to))
        return client

    def pair(
        self, listener: socket.socket, port: int = 0, *, reuse: bool = True
    ) -> tuple[socket.socket, socket.socket]:
        """Return both ends of a connection, the client's first."""
        client = self.dial(listener.getsockname()[1], port, reuse=reuse)
        server, _ = listener.accept()
        server.settimeout(SECONDS)
        self._open.append(server)
        return client, server

    def ss(self, *arguments: str) -> str:
        """Return what `ss` prints here."""
        return run("nsenter", f"--net=/proc/{self._inside.pid}/ns/net", "ss", *arguments)

    def rows(self, *filters: str) -> tuple[SocketRow, ...]:
        """Return the rows of `ss -tano` that the filters let through."""
        return parse_ss(self.ss("-Htano", *filters))

    def row(self, end: socket.socket) -> SocketRow:
        """Return the row of one end of a connection."""
        (row,) = self.rows(f"sport = :{end.getsockname()[1]}")
        return row

    def reaches(self, state: State, *filters: str) -> SocketRow:
        """Wait until the one socket that the filters let through is in this state; return its row."""
        rows = eventually(lambda: [row for row in self.rows(*filters) if row.state is state])
        assert len(rows) == 1, f"no {state.value}: {self.rows(*filters)}"
        return rows[0]

    def sysctl(self, name: str, value: int) -> bool:
        """Set one of /proc/sys/net/ipv4; False where this kernel has none of that name."""
        place = Path("/proc/sys/net/ipv4") / name

        def write() -> bool:
            if not place.exists():
                return False
            place.write_text(str(value))
            return True

        return self._inside.inside(write)

    def least_rto(self, seconds: float) -> None:
        """Let the kernel wait at least so long for an acknowledgement, instead of 200 ms: there is more time to look."""
        self.ip(f"route change local {ADDRESS} dev lo table local rto_min {round(seconds * 1000)}ms")

    def ip(self, arguments: str) -> str:
        """Run `ip` here."""
        return self._inside.ip(*arguments.split())

    def count(self, name: str) -> int:
        """Return one of the kernel's counters, `TcpExtTCPLossProbes` say."""
        text = Path(f"/proc/{self._inside.pid}/net/netstat").read_text()
        names, values = re.findall(r"^TcpExt: (.*)$", text, re.MULTILINE)
        return int(dict(zip(names.split(), values.split(), strict=True))[name.removeprefix("TcpExt")])

    def wire(self) -> Wire:
        """Return what hears every frame from now on."""
        wire = self._inside.inside(Wire)
        self._open.append(wire.socket)
        return wire

    def close(self) -> None:
        """Close all sockets."""
        for each in self._open:
            each.close()


class Wire:
    """Every segment on the loopback, with the kernel's own time for it."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.settimeout(0)
        self._heard: list[Segment] = []
        assert eventually(self._stamps, pause=0.001)

    def _stamps(self) -> bool:
        """Tell whether frames are stamped when they come: the kernel begins with that a little after it is asked to."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", (ADDRESS, 9))
        sent_ns = time.time_ns()
        return all(time_ns <= sent_ns for _, time_ns in self._frames())

    def _frames(self) -> Iterator[tuple[bytes, int]]:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, extra, _, address = self.socket.recvmsg(_LONGEST, _LONGEST)
                if address[2] != socket.PACKET_OUTGOING:  # each frame of a loopback is seen twice
                    seconds, rest = struct.unpack("qq", extra[0][2])
                    yield data, seconds * 10**9 + rest

    def heard(self) -> list[Segment]:
        """Return all segments since the beginning."""
        for data, time_ns in self._frames():
            segment = Decoder(ETHERNET, data).segment(0, len(data), len(data), 1, time_ns)
            self._heard += [segment] if segment else []
        return self._heard

    def sent(self, end: socket.socket, fits: Callable[[Segment], bool] = lambda _: True) -> list[Segment]:
        """Return the segments of a kind that came from an end's port."""
        port = end.getsockname()[1]
        return [each for each in self.heard() if each.src.port == port and fits(each)]


@contextlib.contextmanager
def one_host() -> Iterator[Host]:
    """Yield a host, gone afterwards."""
    with namespace() as inside:
        host = Host(inside)
        try:
            yield host
        finally:
            host.close()


def deaf(end: socket.socket, *, on: bool = True) -> None:
    """Drop all that comes to this socket before TCP sees it, as if it were lost, or no longer."""
    if on:
        end.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(_DROP)))
    else:
        end.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


def reset(end: socket.socket) -> None:
    """Close with SO_LINGER at 0 seconds: a RST is sent."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    end.close()


def told(call: Callable[[], Told | int]) -> Told | int:
    """Return what a call returns, or the name of the error with which it fails."""
    try:
        return call()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, repr(error))


def reads(end: socket.socket, times: int) -> list[Told | int]:
    """Return what so many calls of recv() return or fail with."""
    return [told(lambda: end.recv(4096)) for _ in range(times)]


def counts(end: socket.socket) -> Counts:
    """Return what TCP_INFO says of resends: struct tcp_info in include/uapi/linux/tcp.h."""
    info = _info(end)
    return Counts(info[2], int(struct.unpack_from("I", info, 100)[0]))


def settle(end: socket.socket) -> None:
    """Wait until all that an end has sent is acknowledged: a delayed ACK may be under way."""
    assert eventually(lambda: struct.unpack_from("I", _info(end), 24) == (0,), pause=0.001)


def _info(end: socket.socket) -> bytes:
    return end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)


def explains(key: str, *words: str) -> None:
    """Fail unless the glossary says of `key` what a test has just seen, by these words, in every language."""
    texts = {language: load_glossary(language).terms[key].text for language in LANGUAGES}
    lacking = [f"{language}: {word}" for language, text in texts.items() for word in words if word not in text]
    assert not lacking, f"`lab explain {key}` lacks {lacking}"
