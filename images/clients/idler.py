#!/usr/bin/python3
"""Open connections and say nothing on any of them: it shows what a server does while it has nothing to do."""

import argparse
import resource
import socket
import sys
import time

SETTLE = 0.05  # until the server has taken in whom it will


def main() -> int:
    """Connect `count` times, say when the rest begins and when it is over, and hold everything until Ctrl-D."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("count", type=int, nargs="?", default=3)
    arguments.add_argument("--seconds", type=float, default=0.3, help="how long the rest is")
    options = arguments.parse_args()

    # Each connection takes a descriptor; what a program gets at first is less than what it may ask for.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    try:
        # A socket that nobody holds any more is closed.
        held = [socket.create_connection((options.host, options.port)) for _ in range(options.count)]
    except OSError as error:
        print(f"cannot open {options.count} connections: {error.strerror or error}", file=sys.stderr)
        return 1
    time.sleep(SETTLE)
    print(f"{len(held)} connections, idle", flush=True)
    time.sleep(options.seconds)
    print("the rest is over", flush=True)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
