#!/usr/bin/python3
"""Add 1 to the same variable in four threads, then in four processes, and look what it holds in the end."""

import multiprocessing
import os
import threading

counter = 0


def add() -> None:
    """Add 1, and say who did and what came of it."""
    global counter  # noqa: PLW0603 - that is the question
    counter += 1
    print(f"  process {os.getpid()}, thread {threading.get_native_id()}: counter is {counter}", flush=True)


def main() -> None:
    """Let four of each kind add, one after the other so that none disturbs another."""
    global counter  # noqa: PLW0603
    for kind, make in (("threads", threading.Thread), ("processes", multiprocessing.get_context("fork").Process)):
        counter = 0
        for _ in range(4):
            one = make(target=add)
            one.start()
            one.join()
        print(f"after 4 {kind} process {os.getpid()} holds counter {counter}", flush=True)


if __name__ == "__main__":
    main()
