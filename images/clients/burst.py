#!/usr/bin/python3
"""Type a number, and so many bytes leave at once. `count` says how many have come back; Ctrl-D closes."""

import argparse
import selectors
import signal
import socket
import sys

MOST = 50000  # on their way at a time: so many find room in the buffers, so that we never wait for the server here


def main() -> int:
    """Connect, and send and count until one side closes."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    try:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.connect((options.host, options.port))
    except (OSError, OverflowError) as error:
        print(f"cannot connect to {options.host}:{options.port}: {error.args[-1]}", file=sys.stderr)
        return 1
    address, port = connection.getsockname()[:2]
    print(f"connected from {address}:{port}\ninput>>>", flush=True)
    ready = selectors.DefaultSelector()
    ready.register(sys.stdin, selectors.EVENT_READ)
    ready.register(connection, selectors.EVENT_READ)

    sent = back = 0
    while True:
        for key, _ in ready.select():
            if key.fileobj is connection:
                try:
                    data = connection.recv(65536)
                except OSError as error:
                    print(f"connection lost: {error.strerror}", file=sys.stderr)
                    return 1
                if not data:
                    print("the server closed the connection", flush=True)
                    return 0
                back += len(data)
                if back == sent:
                    print(f"all {sent} bytes came back", flush=True)
                continue
            line = sys.stdin.readline()
            if not line:  # Ctrl-D
                print("bye", flush=True)
                return 0
            count = int(line) if line.strip().isdecimal() else 0
            if 0 < count <= MOST - (sent - back):
                connection.sendall(b"x" * count)
                sent += count
            else:
                print(f"{back} of {sent} bytes came back", flush=True)
            print("input>>>", flush=True)


if __name__ == "__main__":
    sys.exit(main())
