#!/usr/bin/python3
"""What do silent sockets cost? One socket has something to say, beside ever more that have not.

Asks poll() and epoll_wait() by turns, takes the shortest time of each, and says how many times as long it has become.
"""

import argparse
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable

SPARE = 64  # descriptors for ourselves


def shortest_us(ask: Callable[[], object], calls: int) -> float:
    """Return the shortest time of a call, in microseconds: whatever disturbs a call makes it longer, never shorter."""
    shortest = float("inf")
    for _ in range(calls):
        begun = time.perf_counter()
        ask()
        shortest = min(shortest, time.perf_counter() - begun)
    return 1e6 * shortest


def main() -> int:
    """Measure with few and with many silent sockets, and compare."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("few", type=int, nargs="?", default=10)
    arguments.add_argument("many", type=int, nargs="?", default=2000)
    arguments.add_argument("--calls", type=int, default=50)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < options.many + SPARE:
        print(f"only {most} descriptors are allowed here", file=sys.stderr)
        return 1

    poll, epoll = select.poll(), select.epoll()
    talking, other = socket.socketpair()
    other.send(b"x")  # never read: it stays ready
    sockets = [talking]
    times: dict[str, list[float]] = {"poll": [], "epoll": []}
    for count in (options.few, options.many):
        sockets += [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count + 1 - len(sockets))]
        for each in sockets:
            poll.register(each, select.POLLIN)
        for each in sockets if count == options.few else sockets[options.few + 1 :]:
            epoll.register(each, select.EPOLLIN)
        for name, ask in (("poll", poll.poll), ("epoll", epoll.poll)):
            times[name].append(shortest_us(ask, options.calls))
            print(f"{name} with {count} silent sockets: {times[name][-1]:.1f} us", flush=True)
    for name, (few, many) in times.items():
        print(f"{name}: {many / few:.1f} times as long", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
