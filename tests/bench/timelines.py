"""Building the timeline of a hundred to a hundred thousand connections: seconds and peak memory, a process for each."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from lab.recording.store import load, save
from lab.settings import ROOT
from tests.bench.load import kept
from tests.bench.multiply import multiplied
from tests.bench.numbers import Plain, Row
from tests.bench.world import BrokenError, World

RECORDED: Final = (100, 1_000, 10_000)
TIMES: Final = 10
"""How often the largest recording is laid behind itself for the last figure."""
_ROUNDS: Final = 4

_BUILD: Final = """
import json, re, sys, time
from pathlib import Path
from lab.recording.store import load
from lab.timeline.build import build_timeline
begun = time.perf_counter()
timeline = build_timeline(load(Path(sys.argv[1])))
seconds = time.perf_counter() - begun
peak = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
print(json.dumps({"seconds": seconds, "peak": peak, "connections": len(timeline.talks)}))
"""
"""VmHWM is this process's own; ru_maxrss may be what its parent held when it was forked."""


class Built(NamedTuple):
    """What it took to build one: seconds, bytes at the most; and how many connections are in it."""

    seconds: float
    peak: int
    connections: int


def timeline(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """The evidence of a run read and put together. The largest is built once: it takes minutes on a small machine."""
    found: dict[int, list[Built]] = {count: [] for count in RECORDED}
    for number in itertools.islice(rounds, _ROUNDS):
        for count in RECORDED:
            built = build(world, kept(world, count))
            if number:
                found[count].append(built)
    most = max(RECORDED)
    if found[most]:
        found[most * TIMES] = [_build_many(world, most)]
    return [
        Plain(f"timeline-{count}", tuple(each.seconds for each in some), peaks=tuple(each.peak for each in some))
        for count, some in found.items()
    ]


def _build_many(world: World, count: int) -> Built:
    folder = world.runs / f"connections-{count * TIMES}"
    save(multiplied(load(kept(world, count)), TIMES), folder)
    return build(world, folder)


def build(world: World, folder: Path) -> Built:
    """Build the timeline of a run's folder in a process of its own; BrokenError when that fails."""
    process = subprocess.Popen(
        [sys.executable, "-c", _BUILD, str(folder)],
        cwd=ROOT,
        env=world.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with contextlib.ExitStack() as ending:
        ending.callback(process.kill)
        said, words = process.communicate()
    if process.returncode:
        raise BrokenError("build_timeline", words.decode("utf-8", "replace").strip().rpartition("\n")[2])
    return Built(**json.loads(said))
