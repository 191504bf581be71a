"""Run all tests in three parts, as `make test` does: what mostly waits beside the rest, then the plays, which need both cores.

Arguments go to pytest in each part. `python -m pytest tests` runs the same tests one after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lab.settings import read_settings
from tests.support import WAITS, another_lab, variables

TESTS: Final = Path(__file__).parent
WAITING: Final = (
    "asking", "channel", "conform_command", "conformance", "echo_servers", "engine_lost", "holding", "interrupts", "live",
    "recorder", "recorder_ends", "recorder_parts", "tracing",
)  # fmt: skip
"""Modules of tests/lab that leave the processors idle most of the time; they get a lab of their own."""
PLAYS: Final = ("any_order", "by_hand", "wrong_programs")
"""Modules of tests/lab that play on several labs at once (see tests/lab/manylabs.py)."""

NOTHING_CHOSEN: Final = 5
"""What pytest ends with when `-k` and the like choose none of a part."""


def main(options: Sequence[str]) -> int:
    """Run the three parts; return the first exit status that tells of a failure."""
    waiting, plays = modules(WAITING), modules(PLAYS)
    aside = os.environ | variables(another_lab(read_settings(os.environ), WAITS))
    with tempfile.TemporaryFile("w+") as said:
        beside = subprocess.Popen(pytest(options, waiting), env=aside, stdout=said, stderr=subprocess.STDOUT)
        try:
            first = subprocess.call(pytest(options, [str(TESTS), *(f"--ignore={path}" for path in (*waiting, *plays))]))
            second = beside.wait()
        finally:
            beside.wait()
            said.seek(0)
            sys.stdout.write(said.read())
            sys.stdout.flush()
    third = subprocess.call(pytest(options, plays))
    return next((status for status in (first, second, third) if status not in (0, NOTHING_CHOSEN)), 0)


def modules(names: Sequence[str]) -> list[str]:
    """Return the paths of these modules of tests/lab."""
    return [str(TESTS / "lab" / f"test_{name}.py") for name in names]


def pytest(options: Sequence[str], tests: Sequence[str]) -> list[str]:
    """Return the command that runs these tests."""
    return [sys.executable, "-m", "pytest", *options, *tests]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
