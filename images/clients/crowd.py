#!/usr/bin/python3
"""Open several connections at once and hold them until Ctrl-D, saying how many the server's kernel took in."""

import argparse
import contextlib
import os
import selectors
import signal
import socket
import sys


def main() -> int:
    """Start `count` connects without waiting for any, then report each that is established and the first that fails."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("count", type=int)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    ready = selectors.DefaultSelector()
    ready.register(sys.stdin, selectors.EVENT_READ)
    held = []  # a socket that nobody holds any more is closed
    try:
        for _ in range(options.count):
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            held.append(connection)
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):  # EINPROGRESS: the kernel goes on by itself
                connection.connect((options.host, options.port))
            ready.register(connection, selectors.EVENT_WRITE, connection)  # writable: the handshake is over, or failed
    except (OSError, OverflowError) as error:
        print(f"cannot connect to {options.host}:{options.port}: {error.args[-1]}", file=sys.stderr)
        return 1

    connected = failed = 0
    while True:
        for key, _ in ready.select():
            if not key.data:
                if not sys.stdin.readline():
                    return int(failed > 0)
                continue
            ready.unregister(key.fileobj)
            error_number = key.data.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not error_number:
                connected += 1
                print(f"{connected} connected", flush=True)
                continue
            failed += 1
            if failed == 1:
                reason = os.strerror(error_number)
                print(f"cannot connect to {options.host}:{options.port}: {reason}", file=sys.stderr)
            if failed == options.count:  # nobody is left to be held
                return 1


if __name__ == "__main__":
    sys.exit(main())
