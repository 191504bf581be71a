#!/usr/bin/python3
"""A small web site: one page, one visitor at a time, with the host's own name on it.

It says how long the page is and that it closes, so that a visitor can tell a whole page from one cut short.
"""

import argparse
import signal
import socket
import sys


def converse(connection: socket.socket) -> None:
    """Read one request to its empty line and answer it."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(1024)
        if not piece:  # a browser opens connections that it may never use
            return
        head += piece
    print("asked for", head.split(b"\r\n")[0].decode("latin-1"), flush=True)
    page = f"Hello from {socket.gethostname()}\n".encode()
    connection.sendall(
        b"HTTP/1.1 200 OK\r\n"
        b"Content-Type: text/plain\r\n"
        b"Content-Length: %d\r\n"
        b"Connection: close\r\n"
        b"\r\n" % len(page) + page
    )


def main() -> None:
    """Listen, and serve one visitor after the other."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error}")
    listener.listen(options.backlog)
    print(f"waiting on {options.host}:{options.port}", flush=True)

    while True:
        connection, _ = listener.accept()
        try:
            with connection:
                converse(connection)
        except OSError as error:  # a reset, say: this visitor is lost, and only this one
            print("lost a visitor:", error, flush=True)


if __name__ == "__main__":
    main()
