#!/usr/bin/python3
"""Broken on purpose: a client that is to stall, and reads its answers at once.

So the server's buffers never fill, and everything that goes wrong with full ones stays hidden.

The right one: images/clients/stall.py
"""

import argparse
import signal
import socket
import sys
import threading

RECEIVE_BUFFER = 16384


def feed(connection: socket.socket, count: int) -> None:
    """Send so many bytes, then end-of-file; a connection that is lost the reader will notice, too."""
    try:
        connection.sendall(b"x" * count)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def main() -> int:
    """Connect, send when told to, read when told to, and say how many bytes came back."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("count", type=int, nargs="?", default=400000)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    try:
        connection.connect((options.host, options.port))
    except (OSError, OverflowError) as error:
        print(f"cannot connect to {options.host}:{options.port}: {error.args[-1]}", file=sys.stderr)
        return 1
    address, port = connection.getsockname()[:2]
    print(f"connected from {address}:{port}\ninput>>>", flush=True)
    if not sys.stdin.readline():  # Ctrl-D
        return 0
    threading.Thread(target=feed, args=(connection, options.count), daemon=True).start()
    print(f"sending {options.count} bytes, reading nothing\ninput>>>", flush=True)

    back = 0  # the mistake: it does not wait, so there is room for every answer
    try:
        while data := connection.recv(65536):
            back += len(data)
    except OSError as error:
        print(f"connection lost: {error.strerror}", file=sys.stderr)
    print(f"{back} of {options.count} bytes came back", flush=True)
    return 0 if back == options.count else 1


if __name__ == "__main__":
    sys.exit(main())
