#!/usr/bin/python3
"""Add 1 to the same variable in some threads, then in as many processes, and look what it holds in the end."""

import argparse
import multiprocessing
import os
import signal
import threading

counter = 0


def add() -> None:
    """Add 1, and say who did and what came of it."""
    global counter  # noqa: PLW0603 - that is the question
    counter += 1
    print(f"  process {os.getpid()}, thread {threading.get_native_id()}: counter is {counter}", flush=True)


def main() -> None:
    """Let each kind add, one after the other so that none disturbs another."""
    global counter  # noqa: PLW0603
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=4)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    for kind, make in (("threads", threading.Thread), ("processes", multiprocessing.get_context("fork").Process)):
        counter = 0
        for _ in range(options.count):
            one = make(target=add)
            one.start()
            one.join()
        print(f"after {options.count} {kind} process {os.getpid()} holds counter {counter}", flush=True)


if __name__ == "__main__":
    main()
