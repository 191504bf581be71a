"""Run all tests as `make test` does: parts side by side, each in a lab of its own, then the plays, which need both cores.

Arguments go to pytest in each part. `python -m pytest tests` runs the same tests one after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from lab.settings import read_settings
from tests.support import WAITS, another_lab, variables

TESTS: Final = Path(__file__).parent
AT_ONCE: Final = 4
"""How many parts run side by side: most of them wait most of the time."""
BESIDE: Final = (
    ("lab/test_one_engine.py",),
    ("lab/test_owners.py",),
    ("lab/test_live.py",),
    ("lab/test_faults.py",),
    ("lab/test_interrupts.py",),
    ("lab/test_chaos.py", "lab/test_kernel_times.py"),
    (
        "unit/checking",
        "unit/judge",
        "unit/kernel",
        "unit/live",
        "unit/recording",
        "unit/report",
        "unit/timeline",
        "unit/wire",
    ),
    ("setup", "unit/test_encodings.py"),
    ("lab/test_other_engines.py", "lab/test_conform_command.py"),
    ("lab/test_recorder.py", "lab/test_recorder_parts.py"),
    ("lab/test_recorder_ends.py", "lab/test_recorder_names.py", "lab/test_recorder_whose.py"),
    ("lab/test_programs_errors.py", "lab/test_echo_servers.py"),
    ("page",),
    ("lab/test_conformance.py", "lab/test_ctrl_c.py"),
    ("lab/test_held_up.py", "lab/test_channel.py"),
    ("lab/test_asking.py", "lab/test_engine_lost.py", "lab/test_holding.py", "lab/test_tracing.py"),
    ("lab/test_doctor_and_watch.py", "lab/test_kernel_ends.py", "lab/test_operator.py", "lab/test_turn.py"),
)
"""Parts beside the rest, the longest first; each has a lab of its own."""
PLAYS: Final = ("any_order", "by_hand", "wrong_programs")
"""Modules of tests/lab that play on several labs at once (see tests/lab/manylabs.py)."""

NOTHING_CHOSEN: Final = 5
"""What pytest ends with when `-k` and the like choose none of a part."""


def main(options: Sequence[str]) -> int:
    """Run all parts; return the first exit status that says of a failure."""
    plays = [str(TESTS / "lab" / f"test_{name}.py") for name in PLAYS]
    parts = [[str(TESTS / place) for place in part] for part in BESIDE]
    apart = [f"--ignore={path}" for part in (plays, *parts) for path in part]
    settings = read_settings(os.environ)
    labs = [variables(another_lab(settings, f"{WAITS}{number}")) for number, _ in enumerate(parts)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # What no part names is the longest, and has the lab that the environment names.
        running = [pool.submit(run_part, options, [str(TESTS), *apart], {})]
        running += [pool.submit(run_part, options, part, lab) for part, lab in zip(parts, labs, strict=True)]
        try:
            statuses = [part.result() for part in running]
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    statuses.append(subprocess.call(pytest(options, plays)))
    return next((status for status in statuses if status not in (0, NOTHING_CHOSEN)), 0)


def run_part(options: Sequence[str], part: Sequence[str], lab: Mapping[str, str]) -> int:
    """Run a part of the tests; print what it said once it has ended, so that no two mix; return its exit status."""
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        status = subprocess.call(pytest(options, part), env=os.environ | lab, stdout=said, stderr=subprocess.STDOUT)
        said.seek(0)
        names = " ".join(Path(place).stem for place in part if not place.startswith("--"))
        sys.stdout.write(f"{said.read()}({time.monotonic() - begun:.0f} s: {names})\n\n")
        sys.stdout.flush()
    return status


def pytest(options: Sequence[str], tests: Sequence[str]) -> list[str]:
    """Return the command that runs these tests."""
    return [sys.executable, "-m", "pytest", *options, *tests]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
