#!/usr/bin/python3
"""Three clients at once: each sends a request, thinks when the answer has come, and sends the next one."""

import argparse
import selectors
import signal
import socket
import sys
import time

THINK = 0.002  # between an answer and the next request: a server that has answered all has time to wait
PATIENCE = 0.05  # so long nobody is answered: then who has all its answers makes room for the others


class Client:
    """One of the three: its connection, and how far it has got."""

    def __init__(self, name: str, connection: socket.socket) -> None:
        self.name = name
        self.connection = connection
        self.answers = 0
        self.missing = 0
        self.due = 0.0  # when it will have thought

    def ask(self) -> None:
        """Send the next request."""
        request = f"{self.name}{self.answers + 1:03}".encode()
        self.connection.sendall(request)
        self.missing = len(request)

    def read(self) -> bool:
        """Read what has come of an answer; False when the server has closed."""
        piece = self.connection.recv(self.missing)
        self.missing -= len(piece)
        self.answers += not self.missing
        return bool(piece)


class Trio:
    """All three, in one thread."""

    def __init__(self, host: str, port: int, requests: int) -> None:
        self.requests = requests
        self.ready = selectors.DefaultSelector()
        self.clients = [self.connect(name, host, port) for name in "abc"]
        self.thinking: list[Client] = []
        self.done: list[Client] = []

    def connect(self, name: str, host: str, port: int) -> Client:
        """Connect one client, and say from which port."""
        client = Client(name, socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        client.connection.connect((host, port))
        address, own = client.connection.getsockname()[:2]
        print(f"{name} connected from {address}:{own}", flush=True)
        self.ready.register(client.connection, selectors.EVENT_READ, client)
        return client

    def talk(self) -> None:
        """Let them talk until each has its answers."""
        for client in self.clients:
            client.ask()
        while len(self.done) < len(self.clients):
            events = self.ready.select(self.until_next())
            if not events and not self.thinking and any(not client.answers for client in self.clients):
                # The server serves one client at a time: who is done must go, or nobody else is ever served.
                for client in self.done:
                    client.connection.close()
            for client in [client for client in self.thinking if client.due <= time.monotonic()]:
                self.thinking.remove(client)
                client.ask()
            for key, _ in events:
                self.read(key.data)

    def until_next(self) -> float:
        """Return how long (s) there is nothing to ask."""
        if not self.thinking:
            return PATIENCE
        return max(0.0, min(client.due for client in self.thinking) - time.monotonic())

    def read(self, client: Client) -> None:
        """Read for a client; with its answer it begins to think, or has done."""
        if not client.read():
            sys.exit(f"{client.name}: the server closed the connection")
        if client.missing:
            return
        if client.answers < self.requests:
            client.due = time.monotonic() + THINK
            self.thinking.append(client)
        else:
            self.ready.unregister(client.connection)
            self.done.append(client)


def main() -> None:
    """Let three clients talk; hold those that need not leave until Ctrl-D."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("requests", type=int, nargs="?", default=15)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    try:
        trio = Trio(options.host, options.port, options.requests)  # a socket that nobody holds any more is closed
        trio.talk()
    except (OSError, OverflowError) as error:
        sys.exit(f"connection lost: {error.args[-1]}")
    print(f"all answered, {options.requests} requests each", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
