"""Run tests many times, on a quiet machine or with every processor kept busy: what must never flake is proved so.

    python -m tests.again 20 --busy tests/lab/test_any_order.py

What follows the number and `--busy` goes to pytest. Each failure is printed at once; the last line counts them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from typing import Final

_ROUND: Final = 100_000


def main(arguments: Sequence[str]) -> int:
    """Run them; return the exit status: 0 when they passed every time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", type=int)
    parser.add_argument("--busy", action="store_true", help="keep every processor busy meanwhile")
    options, tests = parser.parse_known_args(arguments)
    passed = 0
    with busy(os.cpu_count() or 1) if options.busy else contextlib.nullcontext():
        for number in range(1, options.times + 1):
            begun = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-rf", *tests], check=False, capture_output=True, text=True
            )
            passed += done.returncode == 0
            if done.returncode:
                say(done.stdout + done.stderr)
            last = (done.stdout.splitlines() or ["nothing"])[-1]
            say(f"{number} of {options.times}, {time.monotonic() - begun:.0f} s: {last}")
    say(f"passed {passed} of {options.times} times{', every processor busy' if options.busy else ''}")
    return int(passed != options.times)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep so many processors busy; the processes that do it end with this one, however it ends."""
    spinning = [get_context("fork").Process(target=spin, args=(os.getpid(),), daemon=True) for _ in range(count)]
    for process in spinning:
        process.start()
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.join()


def spin(parent: int) -> None:
    """Use a processor as long as the parent lives."""
    while os.getppid() == parent:
        for _ in range(_ROUND):
            pass


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
