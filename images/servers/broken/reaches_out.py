#!/usr/bin/python3
"""Broken on purpose: it answers in lower case, and tries to end, stop, trace or write to whatever it can reach.

The right one: images/servers/serve_blocking.py
"""

import argparse
import contextlib
import ctypes
import os
import signal
import socket
import sys
import threading
import time


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
        reach()
        connection.sendall(message.lower())  # the mistake


def strike() -> None:
    """End everybody that it may end, but for itself."""
    while True:
        with contextlib.suppress(OSError):
            os.kill(-1, signal.SIGKILL)
        time.sleep(0.01)


def reach() -> None:
    """Have others say what it does not do itself, or say nothing."""
    libc = ctypes.CDLL(None)
    for pid in set(map(int, filter(str.isdigit, os.listdir("/proc")))) - {os.getpid()}:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/fd/1", "w") as file:
            file.write("HELLO\n")
        libc.ptrace(16, pid, 0, 0)  # PTRACE_ATTACH: it would stand still from now on
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGSTOP)


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
    threading.Thread(target=strike, daemon=True).start()
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
