#!/usr/bin/python3
"""Broken on purpose: at end-of-file it leaves the inner loop but forgets to close the connection.

The kernel cannot end CLOSE-WAIT by itself: the socket stays there until this program closes it, here by accident, when
the next accept() rebinds the name.
"""

import argparse
import socket
import sys


def main() -> None:
    """Listen, and serve one client after the other, keeping a dead one's socket."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    arguments.add_argument("--no-reuseaddr", action="store_true")
    options = arguments.parse_args()

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if not options.no_reuseaddr:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except OSError as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error}")
    listener.listen(options.backlog)
    print(f"waiting on {options.host}:{options.port}", flush=True)

    while True:
        connection, _ = listener.accept()
        while True:
            message = connection.recv(1024)
            if not message:
                break  # the mistake: no close() on this way out
            print("received", message, flush=True)
            if message == b"exit":
                connection.close()
                break
            if message == b"exitall":
                return
            connection.sendall(message.upper())


if __name__ == "__main__":
    main()
