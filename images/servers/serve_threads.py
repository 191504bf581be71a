#!/usr/bin/python3
"""Threads: blocking IO, a thread for each client. Echoes bytes unchanged.

The scheduler does the waiting for many; each client costs a stack and a kernel thread, and they share all data.
"""

import argparse
import signal
import socket
import sys
import threading
import time

PIECE = 4096  # what one recv() takes: a longer message comes in pieces, perhaps within a character


def converse(connection: socket.socket) -> None:
    """Echo to one client until it has sent end-of-file; whoever waits here keeps nobody else waiting."""
    with connection:
        try:
            while data := connection.recv(PIECE):
                connection.sendall(data)  # blocks while the client does not read: then no more is read from it
        except OSError as error:  # its connection is lost, and nobody else's
            print(f"lost a client: {error}", flush=True)


def serve_all(listener: socket.socket) -> None:
    """Wait for clients, for ever."""
    while True:
        try:
            connection, _ = listener.accept()
            threading.Thread(target=converse, args=(connection,), daemon=True).start()  # daemon: ends with us
        except ConnectionAbortedError:
            continue  # it was ready, and is gone again
        except (OSError, RuntimeError) as error:  # EMFILE, or no more threads: nothing tells when there is room
            print(f"no room for a client: {error}", flush=True)
            time.sleep(0.1)


def main() -> None:
    """Listen, and serve."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    arguments.add_argument("--send-buffer", type=int, help="SO_SNDBUF of each connection, bytes")
    arguments.add_argument("--recv-buffer", type=int, help="SO_RCVBUF of each connection, bytes")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for name, size in ((socket.SO_SNDBUF, options.send_buffer), (socket.SO_RCVBUF, options.recv_buffer)):
        if size:
            listener.setsockopt(socket.SOL_SOCKET, name, size)  # accepted sockets inherit it
    try:
        listener.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error}")
    listener.listen(options.backlog)
    print(f"waiting on {options.host}:{options.port}", flush=True)
    serve_all(listener)


if __name__ == "__main__":
    main()
