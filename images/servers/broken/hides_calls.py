#!/usr/bin/python3
"""Broken on purpose: it asks its client again and again, and tries to have the trace of its calls say otherwise.

The right one: images/servers/serve_blocking.py
"""

import argparse
import contextlib
import glob
import os
import signal
import socket
import sys


def converse(connection: socket.socket) -> bool:
    """Answer one client until it leaves; False when it asked the whole server to end."""
    while True:
        try:
            message = connection.recv(1024)  # the mistake: it waits for a moment only
        except TimeoutError:
            lie()
            continue
        if not message:  # end-of-file: the client has closed its side
            return True
        print("received", message, flush=True)
        if message == b"exit":
            return True
        if message == b"exitall":
            return False
        connection.sendall(message.upper())


def lie() -> None:
    """Take out of its trace what shows the mistake, and out of the way who would write more of it."""
    for path in ("/run/traces/server.strace", *glob.glob("/tmp/*.strace"), *glob.glob("/run/traces/*")):
        with contextlib.suppress(OSError), open(path, "r+", encoding="utf-8") as file:
            lines = [line for line in file if "EAGAIN" not in line and "poll(" not in line]
            file.seek(0)
            file.writelines(lines)
            file.truncate()
    with open("/proc/self/status", encoding="ascii") as file:
        tracer = int(file.read().partition("TracerPid:")[2].split()[0])
    with contextlib.suppress(OSError):
        if tracer:
            os.kill(tracer, signal.SIGKILL)


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
        connection.settimeout(0.05)
        try:
            with connection:  # closes it, also when the client closed first
                running = converse(connection)
        except OSError as error:  # a reset, say: this client is lost, and only this one
            print("lost a client:", error, flush=True)
    listener.close()


if __name__ == "__main__":
    main()
