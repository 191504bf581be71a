"""Building the timeline of a hundred to a hundred thousand connections, a process for each; and against one by one."""

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
from tests.bench.numbers import Comparison, Goal, Plain, Row
from tests.bench.world import BrokenError, World

RECORDED: Final = (100, 1_000, 10_000)
TIMES: Final = 10
"""How often the largest recording is laid behind itself for the last figure."""
_ROUNDS: Final = 4
_FASTER: Final = 12

_BUILD: Final = """
import json, re, sys, time
from pathlib import Path
import lab.kernel.reading
import lab.wire.reading
from lab.recording.store import load
from lab.timeline.build import build_timeline
if sys.argv[2] == "one-by-one":
    lab.kernel.reading._LARGE = lab.wire.reading._MANY = 1 << 62
begun = time.perf_counter()
run = load(Path(sys.argv[1]))
timeline = build_timeline(run.recording, run.play)
seconds = time.perf_counter() - begun
processor = time.process_time()
peak = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
print(json.dumps({"seconds": seconds, "processor": processor, "peak": peak, "connections": len(timeline.talks)}))
"""
"""VmHWM is this process's own; ru_maxrss may be what its parent held when it was forked."""


class Built(NamedTuple):
    """What it took to build one: seconds by the clock, those of the processor for the whole process, bytes at the most.

    `connections` are how many are in it.
    """

    seconds: float
    processor: float
    peak: int
    connections: int


def timeline(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """The evidence of a run read and put together; ten thousand connections also one by one, which is the exact way.

    The largest is built once.
    """
    found: dict[int, list[Built]] = {count: [] for count in RECORDED}
    exact: list[Built] = []
    for number in itertools.islice(rounds, _ROUNDS):
        for count in RECORDED:
            built = build(world, kept(world, count))
            if number:
                found[count].append(built)
        built = build(world, kept(world, max(RECORDED)), "one-by-one")
        if number:
            exact.append(built)
    most = max(RECORDED)
    columns = tuple(each.processor for each in found[most])
    if found[most]:
        found[most * TIMES] = [_build_many(world, most)]
    return [
        Comparison("timeline-exact", columns, tuple(each.processor for each in exact), Goal(_FASTER, faster=True)),
        *(
            Plain(f"timeline-{count}", tuple(each.seconds for each in some), peaks=tuple(each.peak for each in some))
            for count, some in found.items()
        ),
    ]


def _build_many(world: World, count: int) -> Built:
    folder = world.runs / f"connections-{count * TIMES}"
    save(multiplied(load(kept(world, count)), TIMES), folder)
    return build(world, folder)


def build(world: World, folder: Path, way: str = "by-columns-where-large") -> Built:
    """Build the timeline of a run's folder in a process of its own, `one-by-one` too; BrokenError when that fails."""
    process = subprocess.Popen(
        [sys.executable, "-c", _BUILD, str(folder), way],
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
