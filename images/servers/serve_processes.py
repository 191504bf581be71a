#!/usr/bin/python3
"""Processes: blocking IO, some workers forked in advance. Echoes bytes unchanged.

Each worker serves one client at a time, so only as many are served as there are workers; they share no data.
"""

import argparse
import os
import signal
import socket
import sys

PIECE = 4096  # what one recv() takes: a longer message comes in pieces, perhaps within a character
AWAITED = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)


def converse(connection: socket.socket) -> None:
    """Echo to one client until it has sent end-of-file; this worker serves nobody else meanwhile."""
    with connection:
        try:
            while data := connection.recv(PIECE):
                connection.sendall(data)  # blocks while the client does not read: then no more is read from it
        except OSError as error:  # its connection is lost, and nobody else's
            print(f"lost a client: {error}", flush=True)


def work(listener: socket.socket) -> None:
    """Wait for clients, for ever: of all workers that wait here, the kernel wakes one for each client."""
    while True:
        try:
            connection, _ = listener.accept()
        except ConnectionAbortedError:
            continue  # it was ready, and is gone again
        converse(connection)


def serve_all(listener: socket.socket, count: int) -> None:
    """Keep so many workers at work, until a signal comes."""
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)  # none is lost: what comes before sigwait() waits for it
    workers: set[int] = set()
    while True:
        while len(workers) < count:
            worker = os.fork()
            if not worker:
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, AWAITED)
                work(listener)
            workers.add(worker)
        if signal.sigwait(AWAITED) != signal.SIGCHLD:
            for worker in workers:
                os.kill(worker, signal.SIGTERM)
            sys.exit()
        # One has died, and its client is lost: the next gets a new worker.
        workers = {worker for worker in workers if os.waitpid(worker, os.WNOHANG) == (0, 0)}


def main() -> None:
    """Listen, and serve."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    arguments.add_argument("--send-buffer", type=int, help="SO_SNDBUF of each connection, bytes")
    arguments.add_argument("--recv-buffer", type=int, help="SO_RCVBUF of each connection, bytes")
    arguments.add_argument("--workers", type=int, default=4)
    options = arguments.parse_args()

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
    serve_all(listener, options.workers)


if __name__ == "__main__":
    main()
