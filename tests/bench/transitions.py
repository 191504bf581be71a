"""How much of what ten thousand connections go through is recorded, and how much of it `ss` sees in the same run."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from lab.kernel.trace import Transition
from lab.recording.run import Run
from lab.settings import HOSTS, PORT
from lab.stage import Stage
from lab.wire.segment import Endpoint
from lab.wire.state import State
from tests.bench.load import kept, record
from tests.bench.numbers import Bound, Plain, Row
from tests.bench.world import BrokenError, World

CONNECTIONS: Final = 10_000
_WARM_UP: Final = 1_000
_ROUNDS: Final = 4

_LOOK: Final = ("ss", "-Htan", "exclude", "time-wait")
"""TIME-WAIT lasts a minute, anybody sees it, and no event tells it; without its thousands of rows `ss` is quicker."""
PAUSES: Final[Mapping[str, float]] = {"second": 1.0, "tight": 0.0}
GOALS: Final[Mapping[str, Bound]] = {
    "told": Bound(100, least=True, always=True),
    "lost": Bound(0, least=False, always=True),
    "dropped": Bound(0, least=False, always=True),
    "rate": Bound(2_500, least=True),
}
_UNITS: Final = {"lost": "n", "dropped": "n", "rate": "/s", "watched": "/s"}

Step = tuple[State, State]

PATHS: Final[Mapping[str, tuple[Step, ...]]] = {
    "client": (
        (State.CLOSED, State.SYN_SENT),
        (State.SYN_SENT, State.ESTABLISHED),
        (State.ESTABLISHED, State.CLOSE_WAIT),
        (State.CLOSE_WAIT, State.LAST_ACK),
        (State.LAST_ACK, State.CLOSED),
    ),
    "server": (
        (State.LISTEN, State.SYN_RECEIVED),
        (State.SYN_RECEIVED, State.ESTABLISHED),
        (State.ESTABLISHED, State.FIN_WAIT_1),
        (State.FIN_WAIT_1, State.FIN_WAIT_2),
        (State.FIN_WAIT_2, State.CLOSED),
    ),
}
"""What each end goes through when the server closes first. TIME-WAIT is a small socket of its own that no event tells."""
_BIRTHS: Final = frozenset({PATHS["client"][0], PATHS["server"][0], (State.CLOSED, State.LISTEN)})
_NO_STATE: Final = frozenset({State.CLOSED, State.LISTEN})


class Chain(NamedTuple):
    """What one socket went through: `host` is whose it was, `client` the connection's client."""

    host: str
    client: Endpoint
    steps: tuple[Step, ...]


def transitions(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """Ten thousand connections, recorded; and again with `ss` beside it, once a second and in a tight loop on both hosts.

    What is recorded counts in both, how fast they came apart: four more programs want the processors in the second.
    It takes long, so three rounds beside the warm-up must do.
    """
    figures: dict[str, list[float]] = {}
    for number in itertools.islice(rounds, _ROUNDS):
        count = CONNECTIONS if number else _WARM_UP
        watching = _Watching()
        alone, watched = record(world, count), record(world, count, watching)
        found = [*_recorded(alone, count), *_recorded(watched, count)]
        found += [("rate", rate(alone, count)), ("watched", rate(watched, count))]
        found += [(name, share_shown(chains(transitions_of(watched)), some)) for name, some in watching.looks.items()]
        for name, value in found if number else ():
            figures.setdefault(name, []).append(value)
        if number and all(each.complete for each in alone.recording.captures):
            kept(world, count, alone)
    return [
        Plain(f"transitions-{name}", tuple(figures.get(name, ())), _UNITS.get(name, "%"), goal=GOALS.get(name))
        for name in (*GOALS, "watched", *PAUSES)
    ]


class _Watching:
    """Has `ss` look at both hosts; keeps what it showed, by how often it looked."""

    def __init__(self) -> None:
        self.looks: dict[str, list[tuple[str, str]]] = {name: [] for name in PAUSES}

    def __call__(self, stage: Stage) -> contextlib.ExitStack:
        """Begin; it ends with the context."""
        with contextlib.ExitStack() as looking:
            for host, (name, pause) in itertools.product(HOSTS, PAUSES.items()):
                looking.enter_context(self._looking(stage, host, name, pause))
            return looking.pop_all()

    @contextlib.contextmanager
    def _looking(self, stage: Stage, host: str, name: str, pause: float) -> Iterator[None]:
        channel = stage.hosts[host].channel
        channel.call("sample", name=name, argv=_LOOK, pause=pause)
        yield
        seen = channel.call("sample_stop", name=name)
        if seen["error"]:
            raise BrokenError(" ".join(_LOOK), seen["error"])
        self.looks[name] += [(host, sample["text"]) for sample in seen["samples"]]


def transitions_of(evidence: Run) -> Sequence[Transition]:
    """Return what the recorder told; nothing where there was none."""
    return evidence.recording.kernel.trace.transitions if evidence.recording.kernel else ()


def _recorded(evidence: Run, count: int) -> Iterator[tuple[str, float]]:
    yield "told", share_told(chains(transitions_of(evidence)), count)
    yield "lost", sum(evidence.recording.kernel.trace.lost.values()) if evidence.recording.kernel else 0
    yield "dropped", sum(max(each.dropped, each.received - each.captured) for each in evidence.recording.captures)


def rate(evidence: Run, count: int) -> float:
    """Return how many connections were begun in a second, from the first to the last."""
    times = [each.time_ns for each in transitions_of(evidence) if each.new is State.SYN_SENT]
    return (count - 1) / ((times[-1] - times[0]) / 1e9)


def chains(told: Iterable[Transition]) -> list[Chain]:
    """Return what each socket of a connection to the lab's port went through, from its birth on."""
    living: dict[int, list[Transition]] = {}
    found: list[list[Transition]] = []
    for each in told:
        if PORT not in (each.local.port, each.peer.port):
            continue
        if each.socket not in living or (each.old, each.new) in _BIRTHS:
            living[each.socket] = []
            found.append(living[each.socket])
        living[each.socket].append(each)
    return [_chain(some) for some in found if some[0].new is not State.LISTEN]


def _chain(some: Sequence[Transition]) -> Chain:
    # A client's port is chosen after its first step.
    last = some[-1]
    serves = last.local.port == PORT
    return Chain("server" if serves else "client", last.peer if serves else last.local, _steps(some))


def _steps(some: Sequence[Transition]) -> tuple[Step, ...]:
    return tuple((each.old, each.new) for each in some)


def share_told(found: Iterable[Chain], count: int) -> float:
    """Return how many of the steps of so many connections were told, in percent."""
    told = Counter((chain.host, step) for chain in found for step in set(chain.steps))
    wanted = [(host, step) for host, path in PATHS.items() for step in path]
    return 100 * sum(min(told[each], count) for each in wanted) / (count * len(wanted))


def share_shown(found: Iterable[Chain], looks: Iterable[tuple[str, str]]) -> float:
    """Return how many of the states told, of each connection's each end, were seen by some look, in percent."""
    told = {(chain.host, chain.client, new) for chain in found for _, new in chain.steps if new not in _NO_STATE}
    seen = {shown for host, text in looks for line in text.splitlines() if (shown := _shown(host, line))}
    return 100 * len(told & seen) / len(told) if told else 0


def _shown(host: str, line: str) -> tuple[str, Endpoint, str] | None:
    """Return of which connection a row of `ss -Htan` shows which state; None for any other row.

    Not by parse_ss, which takes no Send-Q below zero: `ss` shows such a one when it looks within a connect().
    """
    state, _, _, local, peer, *_ = line.split()
    ends = [
        Endpoint(address, int(port))
        for address, _, port in (local.rpartition(":"), peer.rpartition(":"))
        if port.isdigit()
    ]
    if len(ends) != 2 or state == State.LISTEN:
        return None
    return host, ends[1] if ends[0].port == PORT else ends[0], state
