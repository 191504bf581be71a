#!/usr/bin/python3
"""Broken on purpose: it starts a process that strace cannot follow, so that nobody knows what it calls there.

The right one: images/servers/serve_blocking.py
"""

import argparse
import ctypes
import os
import signal
import socket
import sys


def converse(connection: socket.socket) -> bool:
    """Answer one client until it leaves; False when it asked the whole server to end."""
    while True:
        message = connection.recv(1024)  # blocks: nobody else is served meanwhile
        if not message:  # end-of-file: the client has closed its side
            return True
        print("received", message, flush=True)
        if message == b"exit":
            return True
        if message == b"exitall":
            return False
        connection.sendall(message.upper())


def slip_away() -> None:
    """Start a process by clone(2), for whose number each machine has its own."""
    clone = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    if not ctypes.CDLL(None).syscall(clone, 0x800000 | signal.SIGCHLD, 0, 0, 0, 0):  # the mistake: CLONE_UNTRACED
        os._exit(0)
    os.wait()


def main() -> None:
    """Listen, and serve one client after the other."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    arguments.add_argument("--no-reuseaddr", action="store_true", help="bind without SO_REUSEADDR")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    slip_away()
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
            with connection:  # closes it, also when the client closed first
                running = converse(connection)
        except OSError as error:  # a reset, say: this client is lost, and only this one
            print("lost a client:", error, flush=True)
    listener.close()


if __name__ == "__main__":
    main()
