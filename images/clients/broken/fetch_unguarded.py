#!/usr/bin/python3
"""Broken on purpose: its first act is not behind a guard, so whoever imports this file begins it again.

A worker that was forked is a copy of its parent in the midst of its work and imports nothing: there it never shows. One
that was spawned imports the file to find fetch(), and so would start a pool of its own, whose workers would start one:
Python sees that and refuses.

The right one: images/clients/fetch_pool.py
"""

import argparse
import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor

import requests


def fetch(url: str) -> tuple[int, int, str]:
    """Fetch a page, in a worker: nothing else happens in that process until the whole answer is there."""
    answer = requests.get(url)  # noqa: S113 - blocks, and for ever if need be
    return os.getpid(), answer.status_code, answer.text.strip()


def told(future: Future[tuple[int, int, str]]) -> None:
    """Print an answer; the pool calls this when it has come."""
    worker, status, page = future.result()  # raises here what fetch() has raised there
    print(f"{status} {page}: fetched by {worker}, told to {os.getpid()} in {place()}", flush=True)


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
    for order in orders:
        order.add_done_callback(told)
    print(f"workers started: {len(multiprocessing.active_children())}", flush=True)
    print(f"{len(orders)} pages asked for by {os.getpid()} in {place()}", flush=True)
    pool.shutdown()  # waits for the workers


main()  # the mistake: an import does it, too
