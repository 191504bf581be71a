"""Play every exercise many times while every processor is busy, and count the verdicts.

    python -m tests.load 50                        # all exercises, four busy loops
    python -m tests.load 50 --only 5 6 --loops 8
    python -m tests.load 5 --wrong                 # the wrong programs: none may pass

Each play is a `lab run N --json` of its own, in the lab that the environment names. The folder of each play that did not
end as it should is kept in runs/load, and what it said is printed. Round by round every exercise is played once, so that
the table says something whenever it is broken off.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lab.loading import load_exercise
from lab.settings import ROOT, read_settings
from lab.shelf import exercise_folders
from tests.again import busy, say
from tests.wrong.base import wrong_of

LOOPS: Final = 4
VERDICTS: Final[Mapping[int, str]] = {0: "pass", 1: "fail", 4: "inconclusive", 3: "cannot"}
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Play:
    """One play: of which exercise, with whom in whose place, and how long it waits for what should come at once."""

    number: int
    stand_ins: str = ""
    patience: float | None = None

    @property
    def name(self) -> str:
        return " ".join(filter(None, (str(self.number), self.stand_ins)))

    @property
    def wanted(self) -> str:
        return "fail" if self.stand_ins else "pass"


@dataclass(slots=True)
class Counts:
    """How often each verdict came, by play, and how long the plays took."""

    verdicts: dict[Play, Counter[str]] = field(default_factory=dict)
    seconds: dict[Play, float] = field(default_factory=dict)

    def add(self, play: Play, verdict: str, seconds: float) -> None:
        self.verdicts.setdefault(play, Counter())[verdict] += 1
        self.seconds[play] = self.seconds.get(play, 0) + seconds

    def lines(self) -> Iterator[str]:
        heads = [*VERDICTS.values(), OTHER]
        width = max((len(play.name) for play in self.verdicts), default=0)
        yield " ".join(("exercise".ljust(width), *(f"{head:>12}" for head in heads), "   mean s"))
        for play, counts in self.verdicts.items():
            mean = self.seconds[play] / counts.total()
            yield " ".join((play.name.ljust(width), *(f"{counts[head]:>12}" for head in heads), f"{mean:>9.1f}"))

    def wrong(self) -> bool:
        """Whether a right program failed, or a wrong one passed."""
        unwanted = ((play, "pass" if play.stand_ins else "fail") for play in self.verdicts)
        return any(self.verdicts[play][verdict] for play, verdict in unwanted)


def main(arguments: Sequence[str]) -> int:
    """Play, print the table; return 1 when a right program failed or a wrong one passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", type=int)
    parser.add_argument("--loops", type=int, default=LOOPS, help=f"how many loops keep the processors busy ({LOOPS})")
    parser.add_argument("--only", type=int, nargs="+", choices=exercise_folders(), default=list(exercise_folders()))
    parser.add_argument("--wrong", action="store_true", help="play the wrong programs of tests/wrong")
    options = parser.parse_args(arguments)
    plays = [play for number in ordered(options.only) for play in plays_of(number, wrong=options.wrong)]
    runs = read_settings(os.environ).runs / "load"
    counts = Counts()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # broken off, it still prints its table
    try:
        with busy(options.loops):
            for round_ in range(1, options.times + 1):
                for play in plays:
                    counts.add(play, *played(play, runs, round_))
                say(f"{round_} of {options.times}")
    finally:
        say("\n".join(counts.lines()))
    return int(counts.wrong())


def ordered(numbers: Sequence[int]) -> list[int]:
    """Return the exercises in the order in which the fewest hosts are made anew: those that need the same together."""

    def needs(number: int) -> tuple[int, str, int, int]:
        lab = load_exercise(number).lab
        special = {"server": lab.server, "client": lab.client, **lab.others}
        asked = sorted((host, sorted(map(str, sysctls.items()))) for host, sysctls in special.items() if sysctls)
        return len(asked), str(asked), len(lab.hosts), number

    return sorted(numbers, key=needs)


def plays_of(number: int, *, wrong: bool) -> list[Play]:
    if not wrong:
        return [Play(number)]
    return [Play(number, key, each.patience) for key, each in wrong_of(number).items()]


def played(play: Play, runs: Path, round_: int) -> tuple[str, float]:
    """Play once; return the verdict and the seconds. What ended otherwise than it should is told and kept."""
    stand_ins = [word for pair in filter(None, play.stand_ins.split(",")) for word in ("--stand-in", pair)]
    asked = {} if play.patience is None else {"LAB_PATIENCE": str(play.patience)}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "lab.cli", "run", str(play.number), "--json", *stand_ins],
        cwd=ROOT,
        env=os.environ | {"LAB_RUNS": str(runs), "ASK": "0", "LAB_LANG": "en"} | asked,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    seconds = time.monotonic() - begun
    verdict = VERDICTS.get(done.returncode, OTHER)
    latest = runs / f"ex{play.number:02}" / "latest"
    folder = latest.resolve() if latest.is_symlink() else None
    if verdict == play.wanted:
        if folder:
            shutil.rmtree(folder)
    else:
        say(f"round {round_}, exercise {play.name}: {verdict} after {seconds:.1f} s, kept in {folder}")
        say("\n".join(f"  {line}" for line in told(done.stdout, done.stderr)))
    latest.unlink(missing_ok=True)
    return verdict, seconds


def told(stdout: str, stderr: str) -> Iterator[str]:
    """Yield what did not hold, and what was complained of."""
    try:
        results: list[dict[str, Any]] = json.loads(stdout)["results"] if stdout else []
    except (ValueError, KeyError):
        results = []
        yield from stdout.splitlines()
    for result in results:
        if result["verdict"] not in ("pass", VERDICTS[3]):
            yield f"{result['id']}: {result['verdict']}: {result['observed']}"
    yield from stderr.splitlines()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
