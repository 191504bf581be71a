#!/usr/bin/python3
"""Open a connection, say `exit`, close when the server has closed; again and again, one after the other."""

import argparse
import signal
import socket
import sys
import time


def main() -> int:
    """Make `count` connections in turn."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("count", type=int, nargs="?", default=20)
    arguments.add_argument("--per-second", type=float, help="begin at most so many in a second")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    begun = time.monotonic()
    for number in range(options.count):
        if options.per_second:
            time.sleep(max(0, begun + number / options.per_second - time.monotonic()))
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
                connection.connect((options.host, options.port))
                connection.sendall(b"exit")
                while connection.recv(1024):
                    pass
        except (OSError, OverflowError) as error:
            print(f"connection {number + 1} lost: {error.args[-1]}", file=sys.stderr)
            return 1
    print(f"{options.count} connections", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
