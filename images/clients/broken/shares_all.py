#!/usr/bin/python3
"""Broken on purpose: its variable lies in shared memory, so that processes share it as threads do.

Nothing is wrong with that, if one wants it: such memory is the way out of what exercise 12 shows. Here it takes away
what is to be seen, that a forked process counts in a copy of its own.

The right one: images/clients/share_counter.py
"""

import argparse
import multiprocessing
import os
import signal
import threading

counter = multiprocessing.RawValue("i", 0)  # the mistake: the children inherit the memory itself, and no copy of it


def add() -> None:
    """Add 1, and say who did and what came of it."""
    counter.value += 1
    print(f"  process {os.getpid()}, thread {threading.get_native_id()}: counter is {counter.value}", flush=True)


def main() -> None:
    """Let each kind add, one after the other so that none disturbs another."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=4)
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    for kind, make in (("threads", threading.Thread), ("processes", multiprocessing.get_context("fork").Process)):
        counter.value = 0
        for _ in range(options.count):
            one = make(target=add)
            one.start()
            one.join()
        print(f"after {options.count} {kind} process {os.getpid()} holds counter {counter.value}", flush=True)


if __name__ == "__main__":
    main()
