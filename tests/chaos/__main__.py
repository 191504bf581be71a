"""Kill, stop and interrupt everything that `make` and `lab` do, at random moments, and look at what is left each time.

    python -m tests.chaos 500 [--seed 7] [--only 123]

The seed decides every moment; it is printed, and `--only` repeats one round of it. The exit status is 1 when something
did not hold. `make chaos` runs it.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lab.settings import read_settings
from tests.chaos.campaign import Campaign, Outcome
from tests.chaos.strokes import STROKES, SUBJECTS


def main(arguments: Sequence[str]) -> int:
    """Run the campaign and print its table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", type=int, nargs="?", default=500)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--only", type=int, metavar="ROUND", help="that round alone")
    options = parser.parse_args(arguments)
    rounds = range(1, options.kills + 1) if options.only is None else [options.only]
    say(f"{len(rounds)} kills, seed {options.seed}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both labs are taken down at its end
    outcomes: list[Outcome] = []
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as runs,
        Campaign(read_settings(os.environ), Path(runs), options.seed) as campaign,
    ):
        try:
            for number in rounds:
                outcomes.append(campaign.round(number))
                say(line_of(outcomes[-1]))
        except KeyboardInterrupt:
            say("interrupted")
    say("\n".join(["", *table(outcomes)]))
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    busy = sum(bool(outcome.busy and not outcome.wrong) for outcome in outcomes)
    minutes = (time.monotonic() - begun) / 60
    say(f"{len(outcomes)} kills in {minutes:.0f} min, seed {options.seed}: {len(wrong)} failed")
    if busy:
        say(f"after {busy} of them the machine was too busy to decide the next play; the rest held")
    return int(bool(wrong) or not outcomes)


def line_of(outcome: Outcome) -> str:
    """Return a round in one line, and what did not hold in further ones."""
    begin = f"{outcome.number:>4}  {outcome.subject.name:<11} {outcome.stroke!s:<16} after {outcome.moment:5.2f} s"
    return "\n".join(
        [
            f"{begin}  ended: {outcome.ended}",
            *(f"      WRONG {each}" for each in outcome.wrong),
            *(f"      busy: {each}" for each in outcome.busy),
        ]
    )


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Return how many kills of each kind hit which command, `!` and how many failed behind; and how the commands ended."""
    names = [subject.name for subject in SUBJECTS]
    made = Counter((str(outcome.stroke), outcome.subject.name) for outcome in outcomes)
    failed = Counter((str(outcome.stroke), outcome.subject.name) for outcome in outcomes if outcome.wrong)
    lines = [" " * 22 + "".join(f"{name:>12}" for name in (*names, "all"))]
    for kind in (*map(str, STROKES), "all"):
        cells = []
        for name in (*names, "all"):
            counts = [
                sum(count for (one, other), count in kept.items() if kind in (one, "all") and name in (other, "all"))
                for kept in (made, failed)
            ]
            cells.append(f"{counts[0] or '·'}{f' !{counts[1]}' if counts[1] else ''}")
        lines.append(f"{kind:<22}" + "".join(f"{cell:>12}" for cell in cells))
    lines += ["", f"{'':<22}how the command that was hit ended"]
    for kind in map(str, STROKES):
        ways = Counter(outcome.ended for outcome in outcomes if str(outcome.stroke) == kind)
        lines.append(f"{kind:<22}" + " · ".join(f"{way} {count}×" for way, count in sorted(ways.items())))
    return lines


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
