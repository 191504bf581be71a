#!/usr/bin/python3
"""Ask and time: says how late the first answer on a connection is, and how late the others are.

--pause is the server's own (s), as a measure: an answer that takes one pause long has waited for the whole of it.
"""

import argparse
import signal
import socket
import statistics
import sys
import time

SETTLE = 0.02  # asked faster than that, a server may find the next request before it goes to sleep


def measure(options: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Make connections in turn, ask on each so many times; return how long (s) first answers took, and the others."""
    first: list[float] = []
    others: list[float] = []
    for _ in range(options.connections):
        begun = time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.connect((options.host, options.port))
            print(f"connected after {1000 * (time.monotonic() - begun):.1f} ms", flush=True)
            for number in range(options.requests):
                if number:
                    time.sleep(SETTLE)
                begun = time.monotonic()
                connection.sendall(b"what time is it?")
                if not connection.recv(1024):
                    sys.exit("the server closed the connection")
                took = time.monotonic() - begun
                print(f"answer {number + 1} after {1000 * took:.1f} ms", flush=True)
                (others if number else first).append(took)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1024)  # end-of-file: the server is done with this one
        time.sleep(SETTLE)
    return first, others


def main() -> None:
    """Measure, and say what is usual."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("host")
    arguments.add_argument("port", type=int)
    arguments.add_argument("connections", type=int, nargs="?", default=3)
    arguments.add_argument("requests", type=int, nargs="?", default=3)
    arguments.add_argument("--pause", type=float, default=1.0)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    try:
        first, others = measure(options)
    except (OSError, OverflowError) as error:
        sys.exit(f"connection lost: {error.args[-1]}")
    for which, times in (("first answers", first), ("others", others)):
        if times:
            print(f"the {which}, mostly: {statistics.median(times) / options.pause:.2f} of a pause", flush=True)


if __name__ == "__main__":
    main()
