#!/usr/bin/python3
"""Broken on purpose: it listens, but never calls accept().

The kernel finishes the handshakes all the same: clients see ESTAB, so does the server's `ss`, but no process holds
the row, the connection waits in the accept queue (Recv-Q of the LISTEN row), and what the client sends is never read.

The right one: images/servers/serve_blocking.py
"""

import argparse
import signal
import socket
import sys


def main() -> None:
    """Listen, and serve nobody."""
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

    while True:
        signal.pause()  # the mistake: nobody takes the connections out of the queue


if __name__ == "__main__":
    main()
