#!/usr/bin/python3
"""Open connections and say nothing on any of them: it shows what a server does while it has nothing to do."""

import argparse
import resource
import signal
import socket
import sys
import time


def main() -> int:
    """Connect `count` times; rest at each line that is typed, and say when it is over; hold everything until Ctrl-D."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("count", type=int, nargs="?", default=3)
    arguments.add_argument("--seconds", type=float, default=0.3, help="how long a rest is")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    # Each connection takes a descriptor; what a program gets at first is less than what it may ask for.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    held: list[socket.socket] = []  # a socket that nobody holds any more is closed
    try:
        for _ in range(options.count):
            held.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            held[-1].connect((options.host, options.port))
    except (OSError, OverflowError) as error:
        print(f"cannot open {options.count} connections: {error.args[-1]}", file=sys.stderr)
        return 1
    print(f"{len(held)} connections, idle", flush=True)
    while sys.stdin.readline():
        time.sleep(options.seconds)
        print("the rest is over", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
