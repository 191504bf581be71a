"""The measurements against something else: each round takes the lab's half and the other half, A B A B.

The machine may drift while they run; interleaved, the drift hits both halves alike. A first round warms up and is not kept.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from lab.hosts.connection import open_hosts
from lab.hosts.host import Host
from lab.recording.folders import find_run
from lab.recording.store import load
from lab.settings import HOSTS, PORT
from tests.bench.bare import bare_hosts, measure_starts, starts_of
from tests.bench.numbers import Comparison, Goal, Row
from tests.bench.waits import imposed_seconds, kernel_waits, union_seconds
from tests.bench.world import COMPOSE, LAB, BrokenError, World

Measure = Callable[[World, Iterable[int]], Sequence[Row]]
"""Measures in the rounds given; the first of them only warms up."""

PINGS: Final = 100
_WAIT_SECONDS: Final = 10.0
_CROWD: Final = 5
_SERIES_ROUNDS: Final = 3
_MINUTE: Final = 60.0


def reset(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """What the lab does between two exercises, against `docker compose down && docker compose up -d`.

    Both meet the same hosts: a server with five connections.
    """
    lab, other = [], []
    world.up()
    with ThreadPoolExecutor(max_workers=len(HOSTS)) as pool:
        for _ in rounds:
            with open_hosts(world.settings, None) as hosts:
                _make_busy(hosts)
                begun = time.perf_counter()
                list(pool.map(Host.clean, hosts.values()))
                lab.append(time.perf_counter() - begun)
                _make_busy(hosts)
                other.append(world.must(*COMPOSE, "down") + world.must(*COMPOSE, "up", "-d"))
    return [Comparison("reset", tuple(lab[1:]), tuple(other[1:]), Goal(20, faster=True))]


def _make_busy(hosts: Mapping[str, Host]) -> None:
    server, client = hosts["server"], hosts["client"]
    _spawn(server, "bench-server", ["serve_blocking", server.address, str(PORT)], "waiting on")
    _spawn(client, "bench-crowd", ["crowd", server.address, str(PORT), str(_CROWD)], f"{_CROWD} connected")


def _spawn(host: Host, name: str, argv: list[str], word: str) -> None:
    seen = len(host.channel.events)
    host.channel.call("spawn", name=name, argv=argv)
    event = host.channel.wait_event(
        lambda event: event.name == name and (event.kind == "exit" or word in event.data["text"]), _WAIT_SECONDS, seen
    )
    if event is None or event.kind == "exit":
        raise BrokenError(" ".join(argv), str(event))


def run(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """A warm `lab run 3` as a whole process, against the waits the kernel imposes (see waits.py) and two `docker exec`.

    And against these and the bare starts of the very programs it ran (see bare.py).
    """
    lab: list[float] = []
    waits: list[float] = []
    execs: list[float] = []
    starts: list[float] = []
    dropped = 0
    world.up()
    for number in rounds:
        ended = world.time(LAB, "run", "3", "--json")
        if ended.status != 0:
            dropped += 1
            continue
        evidence = load(find_run("3", world.runs).resolve())
        two_execs = sum(world.exec_true(host) for host in HOSTS)
        with bare_hosts(world.settings) as hosts:
            bare = measure_starts(hosts, starts_of(evidence))
        if number:
            lab.append(ended.seconds)
            waits.append(union_seconds(kernel_waits(evidence)))
            execs.append(two_execs)
            starts.append(bare)
    least = tuple(map(sum, zip(waits, execs, strict=True)))
    real = tuple(map(sum, zip(waits, execs, starts, strict=True)))
    goal = Goal(2, faster=False)
    return [
        Comparison("run-waits", tuple(lab), least, goal, dropped, _medians(waits=waits, execs=execs)),
        Comparison("run-starts", tuple(lab), real, goal, dropped, _medians(starts=starts)),
    ]


def everything(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """A warm `lab run --all`, against a minute; the waits that the kernel imposes within it are told beside it.

    It takes a minute a round, so two rounds beside the warm-up must do.
    """
    lab: list[float] = []
    waits: list[float] = []
    dropped = 0
    world.up()
    for number in itertools.islice(rounds, _SERIES_ROUNDS):
        ended = world.time(LAB, "run", "--all", "--json")
        if ended.status != 0:
            dropped += 1
        elif number:
            lab.append(ended.seconds)
            waits.append(sum(imposed_seconds(load(folder.resolve())) for folder in world.runs.glob("ex*/latest")))
    other = tuple(_MINUTE for _ in lab)
    parts = {**_medians(waits=waits), "rest": statistics.median(lab) - statistics.median(waits)} if lab else {}
    return [Comparison("everything", tuple(lab), other, Goal(1, faster=False), dropped, parts)]


def _medians(**parts: list[float]) -> Mapping[str, float]:
    return {name: statistics.median(values) for name, values in parts.items() if values}


def channel(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """A round trip over the channel, the mean of a hundred in a row, against one `docker exec HOST true`."""
    lab, other = [], []
    world.up()
    with open_hosts(world.settings, None) as hosts:
        server = hosts["server"]
        for _ in rounds:
            begun = time.perf_counter()
            for _ in range(PINGS):
                server.channel.call("ping")
            lab.append((time.perf_counter() - begun) / PINGS)
            other.append(world.exec_true("server"))
    return [Comparison("channel", tuple(lab[1:]), tuple(other[1:]), Goal(50, faster=True))]


def up(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """`make up` with nothing else missing, against bare `docker compose up -d`; before each, nothing of the lab is there."""
    lab, other = [], []
    for _ in rounds:
        world.down()
        lab.append(world.must("make", "up"))
        world.down()
        other.append(world.must(*COMPOSE, "up", "-d"))
    return [Comparison("up", tuple(lab[1:]), tuple(other[1:]), Goal(1.3, faster=False))]
