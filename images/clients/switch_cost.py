#!/usr/bin/python3
"""What does a switch cost? Two hand a byte to and fro, on one processor: first two processes, then two threads.

Each byte makes the one that sent it wait and the other one run. So a round is two switches, with the read() and the
write() that bring them about. Two Python threads also hand each other the interpreter's lock (GIL) each time, which
processes need not: that makes theirs dearer than the kernel's switch alone would be, and the ratio smaller.
"""

import argparse
import os
import signal
import statistics
import threading
import time
from collections.abc import Callable

Wait = Callable[[], object]


def answer(asked: int, reply: int, rounds: int) -> None:
    """Hand each byte back."""
    for _ in range(rounds):
        os.write(reply, os.read(asked, 1))


def in_thread(asked: int, reply: int, rounds: int) -> Wait:
    """Have a thread answer; what is returned waits for its end."""
    thread = threading.Thread(target=answer, args=(asked, reply, rounds))
    thread.start()
    return thread.join


def in_process(asked: int, reply: int, rounds: int) -> Wait:
    """Have a process answer; what is returned waits for its end."""
    pid = os.fork()
    if pid == 0:
        answer(asked, reply, rounds)
        os._exit(0)
    return lambda: os.waitpid(pid, 0)


def switch_us(begin: Callable[[int, int, int], Wait], rounds: int) -> float:
    """Return how long a switch takes, in microseconds."""
    (asked, ask), (answered, reply) = os.pipe(), os.pipe()
    end = begin(asked, reply, rounds + 1)
    os.write(ask, b"x")
    os.read(answered, 1)  # the first round is not counted: the other one has only just begun
    begun = time.perf_counter()
    for _ in range(rounds):
        os.write(ask, b"x")
        os.read(answered, 1)
    took = time.perf_counter() - begun
    end()
    for descriptor in (asked, ask, answered, reply):
        os.close(descriptor)
    return took / rounds / 2 * 1e6


def main() -> None:
    """Measure both by turns, so that whatever else the machine does disturbs both, and compare."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=1000)
    arguments.add_argument("--times", type=int, default=15)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits
    if min(options.rounds, options.times) < 1:
        arguments.error("it takes one round at least, once at least")

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rounds = options.rounds
    pairs = [(switch_us(in_process, rounds), switch_us(in_thread, rounds)) for _ in range(options.times)]
    for kind, measured in zip(("processes", "threads"), zip(*pairs, strict=True), strict=True):
        print(f"between {kind}: {statistics.median(measured):.1f} us ({min(measured):.1f} to {max(measured):.1f})")
    ratios = sorted(process / thread for process, thread in pairs)
    print(f"a switch between processes takes {statistics.median(ratios):.2f} times as long as one between threads")
    print(f"measured {options.times} times: {ratios[0]:.2f} to {ratios[-1]:.2f}", flush=True)


if __name__ == "__main__":
    main()
