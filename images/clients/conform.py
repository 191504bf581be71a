#!/usr/bin/python3
"""Put an echo server to the test, case by case: every byte must come back, to each client, whatever the others do.

In the cases `large` and `half-close` the reader stalls: it says so and waits for Enter, so that the server's Send-Q can
be watched.
"""

import argparse
import random
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable

PATTERN = random.Random(64).randbytes(1_000_003)  # noqa: S311 - no secret; its length is no multiple of any buffer's
LONG = 131072  # of a message: no server takes it at once, and what is on its way has room without being read
BUFFER = 65536  # SO_SNDBUF and SO_RCVBUF: left alone, the kernel would let them grow as it likes


class WrongError(Exception):
    """The server did not do what an echo server must."""


class Echo:
    """Connections to the server under test."""

    def __init__(self, address: tuple[str, int], patience: float, megabytes: int) -> None:
        self.address = address
        self.patience = patience
        self.large = megabytes << 20
        self.open: list[socket.socket] = []

    def connect(self, buffer: int = 0) -> socket.socket:
        """Open a connection."""
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.open.append(connection)
        connection.settimeout(self.patience)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is sent apart leaves apart
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.connect(self.address)
        return connection

    def receive(self, connection: socket.socket, expected: bytes, piece: int = 65536) -> None:
        """Read until all these bytes have come back, at most `piece` at a time."""
        got = 0
        while got < len(expected):
            try:
                data = connection.recv(min(piece, len(expected) - got))
            except TimeoutError:
                so_far = f"{got} of {len(expected)} bytes came back"
                raise WrongError(f"{so_far}, then nothing for {self.patience:g} s") from None
            if not data:
                raise WrongError(f"{got} of {len(expected)} bytes came back, then the server closed")
            if data != expected[got : got + len(data)]:
                at = next(at for at, byte in enumerate(data) if byte != expected[got + at])
                came, due = data[at : at + 4].hex(" "), expected[got + at : got + at + 4].hex(" ")
                raise WrongError(f"{got + at} bytes came back, then {came} in place of {due}")
            got += len(data)

    def ask(self, connection: socket.socket, message: bytes) -> None:
        """Send a message and read it back."""
        connection.sendall(message)
        self.receive(connection, message)

    def end(self, connection: socket.socket) -> None:
        """Say that nothing more comes, and wait for the server's own end-of-file."""
        connection.shutdown(socket.SHUT_WR)
        self.ended(connection)

    def ended(self, connection: socket.socket) -> None:
        """Wait for the server's end-of-file."""
        try:
            if connection.recv(1):
                raise WrongError("more came back than was sent")
        except TimeoutError:
            raise WrongError(f"after our end-of-file the server does not close for {self.patience:g} s") from None
        connection.close()

    def feed(self, connection: socket.socket, count: int) -> "Feeder":
        """Begin to send so many bytes of the pattern, and wait until it is done or the server takes no more."""
        feeder = Feeder(connection, count)
        feeder.start()
        seen = -1
        while feeder.is_alive() and seen != feeder.sent:
            seen = feeder.sent
            feeder.join(0.15)
        return feeder

    def stall(self, connection: socket.socket, sent: int) -> None:
        """Read nothing until somebody says so."""
        address, port = connection.getsockname()
        print(f"stalled {address}:{port} after {sent} bytes", flush=True)
        sys.stdin.readline()

    def read_back(self, connection: socket.socket, count: int) -> None:
        """Read so many bytes of the pattern."""
        for begin in range(0, count, len(PATTERN)):
            try:
                self.receive(connection, PATTERN[: count - begin])
            except WrongError as error:
                raise WrongError(f"{error}, after {begin} others" if begin else str(error)) from None


class Feeder(threading.Thread):
    """Sends the pattern again and again, then end-of-file, while somebody else reads, or does not."""

    def __init__(self, connection: socket.socket, count: int) -> None:
        super().__init__(daemon=True)
        self.connection = connection
        self.count = count
        self.sent = 0

    def run(self) -> None:
        """Send; a connection that is lost the reader will notice, too."""
        self.connection.settimeout(None)
        try:
            while self.sent < self.count:
                begin = self.sent % len(PATTERN)
                self.sent += self.connection.send(PATTERN[begin : begin + min(BUFFER, self.count - self.sent)])
            self.connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def partial(echo: Echo) -> None:
    """A message longer than one recv() takes, read back in small pieces."""
    connection = echo.connect()
    connection.sendall(PATTERN[:LONG])
    echo.receive(connection, PATTERN[:LONG], piece=1000)
    echo.end(connection)


def split(echo: Echo) -> None:
    """A message that comes in many segments, with answers in between."""
    connection = echo.connect()
    echo.ask(connection, b"one li")
    for byte in b"ne, and one byte at a time\n":
        connection.sendall(bytes([byte]))
    echo.receive(connection, b"ne, and one byte at a time\n")
    echo.end(connection)


def utf8(echo: Echo) -> None:
    """A character of three bytes that comes in two parts."""
    connection = echo.connect()
    text = "水平触发，边缘触发".encode()
    echo.ask(connection, text[:1])
    echo.ask(connection, text[1:11])
    echo.ask(connection, text[11:])
    echo.end(connection)


def large(echo: Echo) -> None:
    """Many megabytes, to a reader that first stalls until nothing moves any more."""
    connection = echo.connect(BUFFER)
    feeder = echo.feed(connection, echo.large)
    echo.stall(connection, feeder.sent)
    connection.settimeout(echo.patience)
    echo.read_back(connection, echo.large)
    echo.ended(connection)


def half_close(echo: Echo) -> None:
    """End-of-file from a client that has read nothing yet, and to which the server still owes more than was sent."""
    connection = echo.connect(4096)
    connection.sendall(PATTERN[:LONG])
    connection.shutdown(socket.SHUT_WR)
    echo.stall(connection, LONG)  # without it a quick reader would have all before the server hears of the end
    echo.receive(connection, PATTERN[:LONG])
    echo.ended(connection)


def reset(echo: Echo) -> None:
    """A client that resets its connection; one that was there before, and one that comes later."""
    before, victim = echo.connect(), echo.connect()
    echo.ask(before, b"I was here before")
    echo.ask(victim, b"I shall be gone")
    victim.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() sends R
    victim.close()
    echo.ask(before, b"and I am still here")
    echo.ask(echo.connect(), b"I came later")
    echo.ask(before, b"all is well")


def stalled(echo: Echo) -> None:
    """A client that sends and does not read, beside two that go on talking."""
    active = [echo.connect(), echo.connect()]
    lazy = echo.connect(BUFFER)
    feeder = echo.feed(lazy, 4 << 20)
    for number in range(20):
        for connection in active:
            echo.ask(connection, b"round %d" % number)
    lazy.settimeout(echo.patience)
    echo.read_back(lazy, feeder.count)


def many(echo: Echo) -> None:
    """200 clients at the same time."""
    connections = [echo.connect() for _ in range(200)]
    for number, connection in enumerate(connections):
        connection.sendall(b"I am client %d" % number)
    for number, connection in enumerate(connections):
        echo.receive(connection, b"I am client %d" % number)


def leaves(echo: Echo) -> None:
    """Clients that leave while others stay: some politely, some with answers unread."""
    stays = [echo.connect(), echo.connect()]
    for number in range(10):
        leaver = echo.connect()
        echo.ask(leaver, b"goodbye %d" % number)
        echo.end(leaver)
        hasty = echo.connect()
        for _ in range(10):
            hasty.sendall(PATTERN[:1000])
        hasty.close()
        for connection in stays:
            echo.ask(connection, b"still here %d" % number)


CASES: dict[str, Callable[[Echo], None]] = {
    case.__name__.replace("_", "-"): case
    for case in (partial, split, utf8, large, half_close, reset, stalled, many, leaves)
}


def main() -> int:
    """Try the cases named, or all; say of each whether the server passed, and why not."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    arguments.add_argument("--patience", type=float, default=3.0, help="seconds to wait for what should come at once")
    arguments.add_argument("--stop", action="store_true", help="stop at the first failure")
    arguments.add_argument("--megabytes", type=int, default=64, help="how much `large` sends")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits
    for name in options.cases:
        if name not in CASES:
            arguments.error(f"no such case: {name}; there are {', '.join(CASES)}")

    status = 0
    for name in options.cases or CASES:
        echo = Echo((options.host, options.port), options.patience, options.megabytes)
        try:
            CASES[name](echo)
        except (WrongError, OSError, OverflowError) as error:
            status = 1
            print(f"fail {name}: {error}", flush=True)
            if options.stop:
                break
        else:
            print(f"pass {name}", flush=True)
        finally:
            for connection in echo.open:
                connection.close()
    return status


if __name__ == "__main__":
    sys.exit(main())
