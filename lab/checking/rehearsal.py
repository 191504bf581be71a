"""Go through a play without hosts: which programs, moments and readings there will be, and what is written wrongly.

Every act of the stage is done as far as it concerns the record; what the hosts would answer is made up, and nothing is
waited for. So a mistake in a play is found when the exercise is loaded, and whatever else names a program or a moment
can be compared with what the play will have.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from lab.conditions import Condition
from lab.errors import EvidenceError
from lab.exercise import Exercise
from lab.holding import HeldAcks
from lab.hosts.channel import Channel, Event
from lab.hosts.host import Host, Look
from lab.judge.errors import ExerciseError
from lab.programs import Client, Server
from lab.recording.play import LabFacts, Party, Play, Step, Taken
from lab.recording.raw import Trace
from lab.recording.recording import Recording, SsOutput
from lab.recording.run import Run
from lab.settings import HOSTS, ROOT, read_settings
from lab.stage import Stage
from lab.wire.segment import Endpoint
from lab.wire.state import State

_NO_ROWS: Final = "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
_FIRST_PORT: Final = 40000


_TIMES: Final = itertools.count(1)


def _now_ns() -> int:
    """Return a time that nothing else has, or a process id: what is looked at is told apart by it."""
    return next(_TIMES)


def rehearse(exercise: Exercise) -> Run:
    """Return the record that the exercise's play will make, its contents empty.

    Raises ExerciseError for an act on something that there is not, for a name given twice, and for a step that the
    exercise does not have; whatever else the play raises comes through.
    """
    stage = Rehearsal(exercise)
    exercise.play(stage)
    recording = Recording(
        begun_ns=0,
        ended_ns=0,
        hosts={name: host.address for name, host in stage.hosts.items()},
        traces=stage.traces(),
        outputs=tuple(stage.seen_outputs),
        samplings=tuple(stage.seen_samplings),
        counters=tuple(stage.seen_counters),
        usages=tuple(stage.seen_usages),
    )
    played = Play(
        exercise=exercise.id,
        lab=LabFacts("rehearsal", ""),
        steps=tuple(stage.steps),
        parties=tuple(stage.parties),
        snapshots=tuple(stage.snapshots),
        samplings=tuple(stage.samplings),
        counters=tuple(stage.counters),
        usages=tuple(stage.usages),
    )
    return Run(recording, played)


class Rehearsal(Stage):
    """A stage without hosts."""

    def __init__(self, exercise: Exercise) -> None:
        addresses = read_settings({}).addresses
        names = (*HOSTS, *exercise.lab.further)
        hosts = _Hosts({name: _NoHost(name, addresses[name]) for name in names if name in addresses})
        super().__init__(hosts)
        self.server_type, self.client_type = _NoServer, _NoClient
        self.filter_type = _NoFilter
        self._known = {step.id for step in exercise.steps}
        self.steps = _Once("step", lambda step: step.id, self._check_step)
        self.parties: list[Party] = _Once("party", lambda party: party.name)
        self.snapshots: list[Taken] = _Once("snapshot", lambda one: f"{one.name} ({one.host})")
        self.counters: list[Taken] = _Once("counters", lambda one: f"{one.name} ({one.host})")
        self.samplings: list[Taken] = _Once("sampling", lambda one: f"{one.name} ({one.host})")
        self.usages: list[Taken] = _Once("usage", lambda one: f"{one.name} ({one.party})")

    def snapshot(
        self,
        name: str,
        *,
        on: Sequence[str] = ("server", "client"),
        seconds: float = 0,  # noqa: ARG002 - as on a stage
        **conditions: Condition | None,
    ) -> None:
        """Note the moment; each condition names clients that there are, on a host that is looked at."""
        for host, condition in conditions.items():
            if host not in on:
                raise ExerciseError("condition-elsewhere", name=name, host=host, known=", ".join(on))
            self._check(condition)
        for host in on:
            begun, ended, rows = self.hosts[host].look()
            self.snapshots.append(Taken(name, self._step, host, begun))
            self.seen_outputs.append(SsOutput(host, "", begun, ended, rows, f"{name}.{host}.txt"))

    def wait(self, host: str, condition: Condition, *, seconds: float = 0) -> bool:  # noqa: ARG002 - as on a stage
        """Check the condition, and the host."""
        self._check(condition)
        return bool(self.hosts[host])

    def settle(self, party: str, seconds: float) -> None:  # noqa: ARG002 - as on a stage
        """Check the program."""
        self._party(party)

    def measure(self, name: str, *parties: str) -> None:
        """Check the programs, and note the reading."""
        for party in parties:
            self._party(party)
        super().measure(name, *parties)

    def used(self, party: str) -> dict[str, Any]:
        """Return nothing used."""
        self._party(party)
        return {"time_ns": _now_ns(), "cpu_ns": 0, "voluntary": 0, "involuntary": 0, "host_cpu_ns": None}

    def traces(self) -> tuple[Trace, ...]:
        """Return an empty trace of each program whose calls will be recorded."""
        return tuple(Trace(program.host.name, program.pid, "", "", "") for program in self._traced)

    def _wait_asked(self, client: Client, remote: Endpoint, to: str) -> Endpoint:  # noqa: ARG002 - as on a stage
        return client.wait_local()

    def _wait_connected(self, client: Client, party: Party, wait: State, to: str) -> None:
        pass

    def _check_step(self, step: Step) -> None:
        if step.id not in self._known:
            raise ExerciseError("step-unknown", step=step.id, known=", ".join(sorted(self._known)))

    def _party(self, name: str) -> Party:
        found = self._named(name)
        if found is None:
            known = ", ".join(party.name for party in self.parties)
            raise ExerciseError("party-unknown", name=name, known=known or "-")
        return found

    def _check(self, condition: Condition | None) -> None:
        for client in () if condition is None else condition.clients:
            self._party(client)


class _Once(list[Any]):
    """A list in which each name stands once."""

    def __init__(self, kind: str, name: Callable[[Any], str], check: Callable[[Any], None] | None = None) -> None:
        super().__init__()
        self._kind, self._name, self._check = kind, name, check

    def append(self, item: Any) -> None:  # noqa: ANN401 - any record
        """Put it in; ExerciseError when its name is there already."""
        if self._check is not None:
            self._check(item)
        if self._name(item) in {self._name(other) for other in self}:
            raise ExerciseError("name-twice", kind=self._kind, name=self._name(item))
        super().append(item)


class _Hosts(dict[str, Host]):
    def __missing__(self, name: str) -> Host:
        raise ExerciseError("host-unknown", name=name, known=", ".join(self))


class _NoChannel:
    """What a host without a container answers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def call(self, _: str, **__: object) -> Mapping[str, object]:
        now = _now_ns()
        return {"pid": now, "time_ns": now, "begun_ns": now, "ended_ns": now, "polls": 1, "samples": (), "error": None}

    def wait_event(self, *_: object, **__: object) -> Event:
        return Event("output", "", 0, {"stream": "stdout", "text": ""})


class _NoHost(Host):
    def __init__(self, name: str, address: str) -> None:
        super().__init__(name, address, cast("Channel", _NoChannel()))

    def look(self) -> Look:
        now = _now_ns()
        return now, now, _NO_ROWS

    def counters(self) -> tuple[int, dict[str, int]]:
        return _now_ns(), {}


class _NoServer(Server):
    """A server that is not started."""

    def start(self) -> int:
        """Check that the lab has such a server."""
        _require(self.argv, "servers")
        return super().start()

    def wait_listening(self, local: Endpoint) -> None:
        """Wait for nothing."""

    def wait(self) -> None:
        """Wait for nothing."""


class _NoClient(Client):
    """A client that is not started."""

    def start(self) -> int:
        """Check that the lab has such a client."""
        _require(self.argv, "clients", "browser")
        return super().start()

    def wait_local(self) -> Endpoint:
        """Return a port that no other client has."""
        return Endpoint(self.host.address, _FIRST_PORT + len(self.stage.parties))

    def wait(self) -> None:
        """Wait for nothing."""


class _NoFilter(HeldAcks):
    """A packet filter that is not set."""

    def release(self, *clients: str) -> None:
        """Check that there are such clients."""
        try:
            super().release(*clients)
        except EvidenceError as error:
            known = ", ".join(party.name for party in self.stage.parties)
            raise ExerciseError("party-unknown", name=error.params["name"], known=known) from None


def _require(argv: Sequence[str], *kinds: str) -> None:
    """Raise ExerciseError when the program is none of the lab's."""
    if not any(path.stem == argv[0] for kind in kinds for path in (ROOT / "images" / kind).rglob("*.py")):
        folders = ", ".join(f"images/{kind}/" for kind in kinds)
        raise ExerciseError("program-unknown", program=argv[0], folders=folders)
