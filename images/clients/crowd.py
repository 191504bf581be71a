#!/usr/bin/python3
"""Open several connections at once and hold them until Ctrl-D, saying how many the server's kernel took in."""

import argparse
import selectors
import signal
import socket
import sys


def main() -> None:
    """Start `count` connects without waiting for any, then report each that is established."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("count", type=int)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    ready = selectors.DefaultSelector()
    ready.register(sys.stdin, selectors.EVENT_READ, "typed")
    held = []  # a socket that nobody holds any more is closed
    for _ in range(options.count):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        held.append(connection)
        connection.setblocking(False)
        connection.connect_ex((options.host, options.port))  # EINPROGRESS: the kernel goes on by itself
        ready.register(connection, selectors.EVENT_WRITE)  # writable: the handshake is over

    connected = 0
    while True:
        for key, _ in ready.select():
            if key.data == "typed":
                if not sys.stdin.readline():
                    return
                continue
            ready.unregister(key.fileobj)
            connected += 1
            print(f"{connected} connected", flush=True)


if __name__ == "__main__":
    main()
