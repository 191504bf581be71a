"""Compare what two builds make of the same saved runs: verdicts, observations, pages, pictures, packets.

    python -m tests.compare_builds [--keep FOLDER] OTHER_TREE RUN…

The other tree is a checkout of another commit. Each build, in a process of its own, judges and shows every run in many
forms; what differs is printed as a diff. The exit status is 1 when anything does. What the other build makes of these
runs is kept in the folder, and not made again when it is there.
"""

from __future__ import annotations

import argparse
import difflib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

TREE: Final = Path(__file__).parents[1]
_MOST: Final = 12
"""Lines of a diff that are printed."""
_CLOSEST: Final = 160

MAKE: Final = r"""
import contextlib, io, os, sys
from pathlib import Path

from lab.cli import main

where, *runs = sys.argv[1:]
FORMS = {
    "verdict.json": ("judge", "RUN", "--json"),
    "page.txt": ("judge", "RUN"),
    "report.html": ("report", "RUN", "--html", "FILE"),
    "timeline.txt": ("report", "RUN", "--timeline"),
    "packets.pcapng": ("report", "RUN", "--pcapng", "FILE"),
}
for number, run in enumerate(runs):
    for language, forms in {"en": tuple(FORMS), "zh-CN": ("page.txt", "report.html")}.items():
        os.environ["LAB_LANG"] = language
        for form in forms:
            file = Path(where, f"{number:03}.{language}.{form}")
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    code = main([{"FILE": str(file), "RUN": run}.get(each, each) for each in FORMS[form]])
                except SystemExit as ended:
                    code = ended.code
            if not file.exists():
                file.write_text(f"exit code {code}\\n{out.getvalue()}{err.getvalue()}", encoding="utf-8")
"""


def main(arguments: Sequence[str]) -> int:
    """Compare; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("tree", type=Path)
    parser.add_argument("runs", nargs="+")
    options = parser.parse_args(arguments)
    found = 0
    with tempfile.TemporaryDirectory() as folder:
        kept = options.keep or Path(folder, "old")
        old = kept if kept.exists() else made(options.tree.resolve(), kept, options.runs)
        new = made(TREE, Path(folder, "new"), options.runs)
        names = sorted({path.name for each in (old, new) for path in each.iterdir()})
        for name in names:
            pair = old / name, new / name
            if all(path.exists() for path in pair) and pair[0].read_bytes() == pair[1].read_bytes():
                continue
            found += 1
            say(f"{options.runs[int(name[:3])]}: {name}")
            for line in difference(*pair):
                say(f"    {line}")
    say(f"{len(options.runs)} runs, {len(names)} forms, {found} differ")
    return int(found > 0)


def made(tree: Path, folder: Path, runs: Sequence[str]) -> Path:
    """Have a build make all forms of the runs, into a folder; return it."""
    folder.mkdir()
    there = [str(Path(run).resolve()) for run in runs]
    environment = {**os.environ, "PYTHONPATH": str(tree), "NO_COLOR": "1", "COLUMNS": "100", "ASK": "0"}
    # In a folder that is neither's: a page names the run as one would type it from there.
    subprocess.run(
        [sys.executable, "-c", MAKE, str(folder), *there], check=True, cwd=tempfile.gettempdir(), env=environment
    )
    return folder


def difference(old: Path, new: Path) -> Iterator[str]:
    """Yield the first lines of what differs."""
    one, other = (
        path.read_bytes().decode(errors="replace").splitlines() if path.exists() else [] for path in (old, new)
    )
    lines = difflib.unified_diff(one, other, "old", "new", lineterm="", n=0)
    for count, line in enumerate(lines):
        if count == _MOST:
            yield "…"
            return
        yield line[:_CLOSEST]


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
