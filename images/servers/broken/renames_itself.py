#!/usr/bin/python3
"""Broken on purpose: it forgets to close like forgets_close.py, and gives itself names that break the rows of `ss`.

A process may call itself any 15 bytes, and `ss` prints them as they are: here a newline, quotation marks, a terminal's
escape, and what looks like the end of the row. The rows are read all the same, and show CLOSE-WAIT.

The right one: images/servers/serve_blocking.py
"""

import argparse
import ctypes
import itertools
import signal
import socket
import sys

PR_SET_NAME = 15
NAMES = itertools.cycle((b'"\n\x1b[2J\xff(', b'",pid=1,fd=4))\n', "服务器服务".encode() + b"\xe5"))


def converse(connection: socket.socket) -> bool:
    """Answer one client until it leaves; False when it asked the whole server to end."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, next(NAMES))
    while True:
        message = connection.recv(1024)  # blocks: nobody else is served meanwhile
        if not message:
            # The mistake, which no name hides: nobody closes on this way out.
            return True
        print("received", message, flush=True)
        if message == b"exit":
            connection.close()
            return True
        if message == b"exitall":
            return False
        connection.sendall(message.upper())


def main() -> None:
    """Listen, and serve one client after the other."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    arguments.add_argument("--no-reuseaddr", action="store_true", help="bind without SO_REUSEADDR")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if not options.no_reuseaddr:
        # Else bind() fails while a connection of the last run is still in TIME-WAIT on this port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error}")
    listener.listen(options.backlog)
    print(f"waiting on {options.host}:{options.port}", flush=True)

    running = True
    while running:
        connection, _ = listener.accept()  # a second socket: the listener goes on listening
        try:
            running = converse(connection)
        except OSError as error:  # a reset, say: this client is lost, and only this one
            print("lost a client:", error, flush=True)
    listener.close()


if __name__ == "__main__":
    main()
