"""What recording costs: the same connections with something switched on and with it off, one right after the other.

Processor time is what the containers of both hosts and of the recorder have used: servers, clients, tcpdump, recorder,
and what the kernel did in their names. (A kernel that accounts interrupts apart, CONFIG_IRQ_TIME_ACCOUNTING, leaves out
what it did within one.) It is read when all that was recorded is written; fetching it afterwards is no part. What the
clients' start takes is measured by itself, with no connection, and taken off.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lab.hosts.connection import Connection
from lab.hosts.engine import engine
from lab.hosts.host import Host
from lab.hosts.recorder import BUFFER_KB
from lab.settings import HOSTS, RECORDER
from lab.stage import Stage
from tests.bench.load import connect, require_recorder, serve
from tests.bench.numbers import Comparison, Goal, Row
from tests.bench.world import World

if TYPE_CHECKING:
    from docker.models.containers import Container

    from lab.hosts.recorder import Recorder

CONNECTIONS: Final = 10_000
_STARTS: Final = 3
_ROOMY_KB: Final = 65536
"""Of each processor: all events of so many connections do not fill it to the mark at which it would be read."""


class On(NamedTuple):
    """What is switched on: both hosts' captures, the recorder of states, and that of system calls beside them.

    Where it is not `read`, the kernel's events stay in its buffers until the measurement is over.
    """

    captures: bool = False
    states: bool = False
    calls: bool = False
    read: bool = True


class Pair(NamedTuple):
    """What is compared, by the name of its row; `most` is how many times the other's cost it may have at the most."""

    name: str
    on: On
    off: On
    most: float | None


PAIRS: Final = (
    Pair("recorder", On(states=True), On(), 1.05),
    Pair("events", On(states=True, read=False), On(), None),
    Pair("captures", On(captures=True), On(), None),
    Pair("both", On(captures=True, states=True), On(), 1.10),
    Pair("calls", On(states=True, calls=True), On(states=True), None),
    Pair("everything", On(captures=True, states=True, calls=True), On(), None),
)


class Cost(NamedTuple):
    """Of one connection or of many, in seconds: time on a processor, and time that passed."""

    cpu: float
    time: float


def recording(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """Ten thousand connections in turn without and with each kind of record."""
    costs: dict[str, list[tuple[Cost, Cost]]] = {pair.name: [] for pair in PAIRS}
    for number in rounds:
        for pair in PAIRS if number else PAIRS[-1:]:
            # Whichever comes first may have the luck of it: they take turns.
            first, second = (pair.off, pair.on) if number % 2 else (pair.on, pair.off)
            found = {first: measured(world, first), second: measured(world, second)}
            if number:
                costs[pair.name].append((found[pair.on], found[pair.off]))
    rows: list[Row] = []
    for pair in PAIRS:
        goal = Goal(pair.most, faster=False) if pair.most else None
        for kind in Cost._fields:
            lab = tuple(getattr(on, kind) for on, _ in costs[pair.name])
            other = tuple(getattr(off, kind) for _, off in costs[pair.name])
            rows.append(Comparison(f"recording-{pair.name}-{kind}", lab, other, goal))
    return rows


def measured(world: World, on: On) -> Cost:
    """Return what a connection costs with that switched on."""
    with Connection(world.settings) as connection, engine() as client:
        hosts = connection.hosts({host: {} for host in HOSTS})
        recorder = connection.recorder()
        require_recorder(recorder.unrecorded)
        containers = [client.containers.get(world.settings.container(name)) for name in (*HOSTS, RECORDER)]
        for host in hosts.values():
            host.clean()
        _begin(on, recorder, hosts.values())
        stage = Stage(hosts)
        with stage.step("connections"):
            serve(stage)
            starts = [_spent(containers, lambda: connect(stage, 0)) for _ in range(_STARTS)]
            all_in_all = _spent(containers, lambda: _connect(stage, on, recorder))
        _end(on, recorder, hosts.values())
    cpu, time = (statistics.median(each) for each in zip(*starts, strict=True))
    return Cost((all_in_all.cpu - cpu) / CONNECTIONS, (all_in_all.time - time) / CONNECTIONS)


def _spent(containers: Iterable[Container], do: Callable[[], float]) -> Cost:
    """Return what it took: processor time, and the seconds that it tells itself."""
    begun = used(containers)
    time = do()
    return Cost(used(containers) - begun, time)


def _connect(stage: Stage, on: On, recorder: Recorder) -> float:
    """Make the connections, and have all that was recorded of them be written; return the seconds of the former."""
    time = connect(stage, CONNECTIONS)
    if on.captures:
        for host in stage.hosts.values():
            host.tcpdump.drain()
    if on.states and on.read:
        recorder.stop()
    return time


def _begin(on: On, recorder: Recorder, hosts: Iterable[Host]) -> None:
    if on.states:
        recorder.begin(BUFFER_KB if on.read else _ROOMY_KB, calls=on.calls)
    if on.captures:
        for host in hosts:
            host.tcpdump.begin()
        for host in hosts:
            host.tcpdump.wait_listening()
    if on.states:
        recorder.wait_recording()
        require_recorder(recorder.unrecorded)


def _end(on: On, recorder: Recorder, hosts: Iterable[Host]) -> None:
    if on.captures:
        for host in hosts:
            host.tcpdump.end()
    if on.states:
        recorder.end()
        require_recorder(recorder.unrecorded)
    for host in hosts:
        host.clean()


def used(containers: Iterable[Container]) -> float:
    """Return how many seconds of processor time all that is in the containers has used by now, and what has ended there."""
    stats: list[Any] = [container.stats(stream=False, one_shot=True) for container in containers]
    return sum(int(each["cpu_stats"]["cpu_usage"]["total_usage"]) for each in stats) / 1e9
