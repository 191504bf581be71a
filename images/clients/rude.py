#!/usr/bin/python3
"""A client that behaves badly once Enter is pressed: `reset` its connection, send `half` a character, or `leave`."""

import argparse
import signal
import socket
import struct
import sys

REQUEST = b"GET / HTTP/1.1\r\nHost: server\r\n\r\n"


def reset(connection: socket.socket) -> None:
    """Throw the connection away: with SO_LINGER at 0 seconds close() sends a reset (R) in place of a FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half(connection: socket.socket) -> None:
    """Send a character of three bytes in two parts: what one recv() returns need not be whole."""
    letter = "中".encode()
    for part in (letter[:2], letter[2:]):
        connection.sendall(part)
        answer = connection.recv(1024)
        if not answer:
            print("the server closed the connection", flush=True)
            return
        print(f"sent {part!r}, got {answer!r}", flush=True)


def leave(connection: socket.socket) -> None:
    """Ask, and be gone before the answer comes."""
    connection.sendall(REQUEST)


def main() -> int:
    """Connect, wait for Enter or Ctrl-D, behave badly, close."""
    manners = {"reset": reset, "half": half, "leave": leave}
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("manner", choices=manners)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.connect((options.host, options.port))
            address, port = connection.getsockname()[:2]
            print(f"connected from {address}:{port}; Enter: {options.manner}", flush=True)
            sys.stdin.readline()
            manners[options.manner](connection)
    except (OSError, OverflowError) as error:
        print(f"connection lost: {error.args[-1]}", file=sys.stderr)
        return 1
    print("gone", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
