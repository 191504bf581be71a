#!/usr/bin/python3
"""Broken on purpose: it sends the operator's empty line, that is nothing; of ``images/servers/serve_operator.py``.

TCP carries bytes, not messages: sending none puts no segment on the wire. The client waits for its answer for ever.
"""

import argparse
import select
import signal
import socket
import sys

FD_SETSIZE = 1024  # a constant of the C library: no rlimit raises it


def ask(number: int, message: bytes) -> bytes:
    """Have the operator type the answer to what a client said."""
    print(f"client {number} says {message!r}", flush=True)
    while True:
        print(f"answer for client {number}> ", end="", flush=True)
        line = sys.stdin.readline()  # blocks, and everybody waits
        if not line:  # Ctrl-D
            sys.exit("the operator has left")
        return line.strip().encode()  # the mistake: it may be empty


def serve(listener: socket.socket) -> None:
    """Wait for whoever is ready, for ever."""
    numbers: dict[socket.socket, int] = {}
    count = 0
    watched = [listener]
    while True:
        ready, _, _ = select.select([*watched, *numbers], [], [])
        for connection in ready:
            if connection is listener:
                try:
                    newcomer, _ = listener.accept()
                except (BlockingIOError, ConnectionAbortedError):
                    continue  # it was ready, and is gone again
                except OSError as error:  # EMFILE: the listener stays ready, so look away until a client leaves
                    print(f"no room for a client: {error}", flush=True)
                    watched = []
                    continue
                if newcomer.fileno() < FD_SETSIZE:
                    count += 1
                    numbers[newcomer] = count
                else:  # select() would raise ValueError, and end us for everybody
                    print(f"refused a client: descriptor {newcomer.fileno()} is beyond select", flush=True)
                    newcomer.close()
                continue
            try:
                message = connection.recv(1024)
                if message:
                    connection.sendall(ask(numbers[connection], message))
            except OSError:  # a reset, or it left before its answer came: this client is lost, and only this one
                message = b""
            if not message:  # end-of-file: nobody is there to be answered
                print(f"client {numbers.pop(connection)} has left", flush=True)
                connection.close()
                watched = [listener]


def main() -> None:
    """Listen, and serve."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--backlog", type=int, default=5)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Else bind() fails while a connection of the last run is still in TIME-WAIT on this port.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error}")
    listener.listen(options.backlog)
    listener.setblocking(False)  # a client that was ready may be gone before accept()
    print(f"waiting on {options.host}:{options.port}", flush=True)
    serve(listener)


if __name__ == "__main__":
    main()
