"""Run all tests in parts, as `make test` does: what mostly waits beside the rest, then the plays, which need both cores.

Arguments go to pytest in each part. `python -m pytest tests` runs the same tests one after the other.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from lab.settings import read_settings
from tests.support import WAITS, another_lab, variables

TESTS: Final = Path(__file__).parent
BESIDE: Final = (
    (
        "lab/test_asking.py", "lab/test_channel.py", "lab/test_chaos.py", "lab/test_conform_command.py",
        "lab/test_conformance.py", "lab/test_ctrl_c.py", "lab/test_echo_servers.py", "lab/test_engine_lost.py",
        "lab/test_holding.py", "lab/test_interrupts.py", "lab/test_kernel_ends.py", "lab/test_kernel_times.py",
        "lab/test_one_engine.py", "lab/test_operator.py", "lab/test_other_engines.py", "lab/test_programs_errors.py", "lab/test_tracing.py", "lab/test_turn.py",
    ),
    (
        "lab/test_live.py", "lab/test_recorder.py", "lab/test_recorder_ends.py", "lab/test_recorder_parts.py",
        "lab/test_recorder_whose.py", "page",
    ),
)  # fmt: skip
"""Tests that leave the processors idle most of the time, in parts that run beside the rest; each has a lab of its own."""
PLAYS: Final = ("any_order", "by_hand", "wrong_programs")
"""Modules of tests/lab that play on several labs at once (see tests/lab/manylabs.py)."""

NOTHING_CHOSEN: Final = 5
"""What pytest ends with when `-k` and the like choose none of a part."""


def main(options: Sequence[str]) -> int:
    """Run all parts; return the first exit status that tells of a failure."""
    plays = [str(TESTS / "lab" / f"test_{name}.py") for name in PLAYS]
    parts = [[str(TESTS / place) for place in part] for part in BESIDE]
    apart = [f"--ignore={path}" for part in (plays, *parts) for path in part]
    with contextlib.ExitStack() as running:
        beside = [running.enter_context(aside(options, part, number)) for number, part in enumerate(parts)]
        statuses = [subprocess.call(pytest(options, [str(TESTS), *apart]))]
        statuses += [process.wait() for process in beside]
    statuses.append(subprocess.call(pytest(options, plays)))
    return next((status for status in statuses if status not in (0, NOTHING_CHOSEN)), 0)


@contextlib.contextmanager
def aside(options: Sequence[str], part: Sequence[str], number: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a part of the tests in a lab of its own; leaving waits for its end and tells what it said."""
    lab = another_lab(read_settings(os.environ), f"{WAITS}{number}")
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            pytest(options, part), env=os.environ | variables(lab), stdout=said, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.wait()
            said.seek(0)
            sys.stdout.write(said.read())
            sys.stdout.flush()


def pytest(options: Sequence[str], tests: Sequence[str]) -> list[str]:
    """Return the command that runs these tests."""
    return [sys.executable, "-m", "pytest", *options, *tests]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
