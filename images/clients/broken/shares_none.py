#!/usr/bin/python3
"""Broken on purpose: its variable is one of threading.local(), so that each thread has its own.

The four threads count to 1 each, as the four processes do, and the main thread's variable stays 0.

The right one: images/clients/share_counter.py
"""

import argparse
import multiprocessing
import os
import signal
import threading

own = threading.local()  # the mistake: whoever is not the main thread finds nothing here, and begins at 0


def add() -> None:
    """Add 1, and say who did and what came of it."""
    own.counter = getattr(own, "counter", 0) + 1
    print(f"  process {os.getpid()}, thread {threading.get_native_id()}: counter is {own.counter}", flush=True)


def main() -> None:
    """Let each kind add, one after the other so that none disturbs another."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=4)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    for kind, make in (("threads", threading.Thread), ("processes", multiprocessing.get_context("fork").Process)):
        own.counter = 0
        for _ in range(options.count):
            one = make(target=add)
            one.start()
            one.join()
        print(f"after {options.count} {kind} process {os.getpid()} holds counter {own.counter}", flush=True)


if __name__ == "__main__":
    main()
