#!/usr/bin/python3
"""Broken on purpose: the worker that has fetched a page prints it, and the parent asks for the results in the end.

No callback is needed then, and a failure comes up where somebody looks: the program ends with a traceback and status 1.

The right one: images/clients/fetch_pool.py
"""

import argparse
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor

import requests


def fetch(url: str) -> tuple[int, int, str]:
    """Fetch a page, in a worker: nothing else happens in that process until the whole answer is there."""
    answer = requests.get(url)  # noqa: S113 - blocks, and for ever if need be
    worker, status, page = os.getpid(), answer.status_code, answer.text.strip()
    print(f"{status} {page}: fetched by {worker}, told to {worker} in {place()}", flush=True)  # the mistake
    return worker, status, page


def place() -> str:
    """Name the thread that this runs in."""
    main = threading.current_thread() is threading.main_thread()
    return "the main thread" if main else "another thread"


def main() -> None:
    """Ask for all pages, say so, and wait."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("urls", nargs="+")
    arguments.add_argument("--workers", type=int, default=7)
    arguments.add_argument("--method", default="fork", help="how a worker is made: fork, spawn or forkserver")
    options = arguments.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once, wherever it waits

    pool = ProcessPoolExecutor(options.workers, multiprocessing.get_context(options.method))
    orders = [pool.submit(fetch, url) for url in options.urls]
    print(f"workers started: {len(multiprocessing.active_children())}", flush=True)
    print(f"{len(orders)} pages asked for by {os.getpid()} in {place()}", flush=True)
    for order in orders:
        order.result()
    pool.shutdown()


if __name__ == "__main__":
    main()
