#!/usr/bin/python3
"""Broken on purpose: it waits until the client closes before it does so itself.

Its answer has no length, so the client waits for the server's close. Both wait, and neither gives in.

The right one: images/servers/serve_hello.py
"""

import argparse
import signal
import socket
import sys
import time


def answer(connection: socket.socket, pause: float) -> None:
    """Read once, answer once."""
    time.sleep(pause)  # what the client sends meanwhile waits in the kernel
    request = connection.recv(1024)
    print(f"received {len(request)} bytes", flush=True)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    connection.sendall(b"Hello World")
    connection.recv(1024)  # the mistake: the client will not close first


def main() -> None:
    """Listen, and answer one client after the other."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=2)
    arguments.add_argument("--no-reuseaddr", action="store_true", help="bind without SO_REUSEADDR")
    arguments.add_argument("--sleep", type=float, default=0, help="seconds to wait before reading")
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
        connection, _ = listener.accept()
        try:
            with connection:
                answer(connection, options.sleep)
            print("closed", flush=True)
        except OSError as error:  # it has left, say: this client is lost, and only this one
            print("lost a client:", error, flush=True)


if __name__ == "__main__":
    main()
