"""Measurements that have no goal: whole commands as a learner types them, and the two parsers on real recordings."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from lab.kernel.sockets import parse_ss
from lab.recording.folders import find_run
from lab.recording.run import Run
from lab.recording.saved import saved_form
from lab.recording.store import load
from lab.wire.capture import parse_capture
from tests.bench.numbers import Plain, Row
from tests.bench.world import LAB, BrokenError, World

PACKETS: Final = 20_000
SS_ROWS: Final = 5_000
_FILE_HEADER: Final = 24
_RECORD_HEADER: Final = 16


def exercise(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """`make exercise-3 ASK=0` with the hosts up: from Enter to the prompt."""
    world.up()
    ended = [world.time("make", "exercise-3", "ASK=0") for _ in rounds]
    passed = tuple(one.seconds for one in ended[1:] if one.status == 0)
    return [Plain("exercise", passed, dropped=sum(one.status != 0 for one in ended))]


def judge(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """`lab judge` of a saved run, the page drawn."""
    _recorded(world)
    return [Plain("judge", tuple([world.must(LAB, "judge", "3") for _ in rounds][1:]))]


def listing(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """`lab list`: nearly only the start of the command."""
    return [Plain("list", tuple([world.must(LAB, "list") for _ in rounds][1:]))]


def capture(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """Packets parsed in a second: a run's real capture, repeated."""
    data, count = repeat_capture(_recorded(world).recording.capture("server").data[:], PACKETS)
    return [Plain("capture", _rates(lambda: parse_capture(data, where="bench"), count, rounds), "/s")]


def ss(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """Rows of `ss` parsed in a second: what a run's `ss` said, repeated."""
    text, count = repeat_rows([snapshot.text for snapshot in saved_form(_recorded(world)).snapshots], SS_ROWS)
    return [Plain("ss", _rates(lambda: parse_ss(text), count, rounds), "/s")]


def repeat_capture(data: bytes, packets: int) -> tuple[bytes, int]:
    """Return a little-endian pcap file with its packets repeated until there are so many at least, and their number."""
    count, at = 0, _FILE_HEADER
    while at < len(data):
        at += _RECORD_HEADER + struct.unpack_from("<8xI", data, at)[0]
        count += 1
    times = -(-packets // max(count, 1))
    return data[:_FILE_HEADER] + data[_FILE_HEADER:] * times, count * times


def repeat_rows(texts: Sequence[str], rows: int) -> tuple[str, int]:
    """Return one text of `ss` with the rows of all of them, repeated until there are so many at least, and their number."""
    header = texts[0].splitlines()[0]
    found = [row for text in texts for row in text.splitlines()[1:]]
    times = -(-rows // max(len(found), 1))
    return "\n".join([header, *found * times]) + "\n", len(found) * times


def _rates(do: Callable[[], object], count: int, rounds: Iterable[int]) -> tuple[float, ...]:
    rates = []
    for _ in rounds:
        begun = time.perf_counter()
        do()
        rates.append(count / (time.perf_counter() - begun))
    return tuple(rates[1:])


def _recorded(world: World) -> Run:
    """Return a run's evidence: the last one that this benchmark played, or one played now."""
    if not (world.runs / "ex03").exists():
        world.up()
        ended = world.time(LAB, "run", "3", "--json")
        if not (world.runs / "ex03").exists():
            raise BrokenError("lab run 3", ended.words)
    return load(find_run("3", world.runs).resolve())
