"""What one run left behind: frozen records on one clock (CLOCK_REALTIME, ns since the epoch, as tcpdump stamps).

Both hosts share the machine's kernel and so its clock; nothing here needs to be shifted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from lab.errors import EvidenceError
from lab.evidence.delays import Delay
from lab.evidence.raw import CaptureRecord, KernelRecord, Trace
from lab.kernel.rows import SocketRow
from lab.kernel.sockets import parse_whole_ss
from lab.wire.conversation import Conversation
from lab.wire.segment import Endpoint

FORMAT: Final = 6
"""Version of the saved form; a reader refuses a newer one."""


@dataclass(frozen=True, slots=True)
class LabFacts:
    """The lab the run was played in: its name, subnet (CIDR) and each host's address."""

    name: str
    subnet: str
    addresses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the exercise, by its id, from the first act to the last."""

    id: str
    begun_ns: int
    ended_ns: int


@dataclass(frozen=True, slots=True)
class Party:
    """A program that ran on a host under a name of the exercise.

    A client's `local` is the ephemeral endpoint its connection got and `remote` the endpoint it dialled; a server's
    `local` is where it was told to listen. `command` is the line a person would type.
    """

    name: str
    role: str
    host: str
    program: str
    command: str
    pid: int
    local: Endpoint | None
    remote: Endpoint | None

    def has(self, one: Endpoint | None, other: Endpoint | None) -> bool:
        """Tell whether these are the two ends of the connection that it made.

        The kernel gives out a port again for another destination: `local` alone does not name a connection.
        """
        if self.local is None:
            return False
        ends = {one, other}
        return self.local in ends and (self.remote is None or self.remote in ends)


@dataclass(frozen=True, slots=True)
class Action:
    """Something the exercise did.

    `verb` is serve, connect, say, leave, type, freeze, thaw, stop, run, signal, hold or release.
    """

    step: str
    time_ns: int
    actor: str
    verb: str
    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """A line that a program printed; `stream` is stdout or stderr."""

    time_ns: int
    actor: str
    stream: str
    text: str


TOO_MUCH: Final = "[what it printed from here on was too much to be kept]"
"""The last line of a program that printed more than is kept."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of a program: its exit status, or minus the signal that ended it."""

    time_ns: int
    actor: str
    status: int


@dataclass(frozen=True)
class Snapshot:
    """What `ss` printed on one host, once. `file` is its place in the run's folder.

    `waited_for` names the condition that the stage polled for, in words of the stage; `timed_out` says that the
    deadline came first, so that the rows are the last ones seen.
    """

    name: str
    step: str
    host: str
    command: str
    begun_ns: int
    ended_ns: int
    text: str
    waited_for: str | None
    timed_out: bool
    file: str

    @cached_property
    def rows(self) -> tuple[SocketRow, ...]:
        """The rows; SsParseError (an EvidenceError) names the line that cannot be read."""
        return parse_whole_ss(self.text, where=self.file)


@dataclass(frozen=True, slots=True)
class Sample:
    """One output of `ss` within a sampling; only outputs that differ from the one before are kept."""

    time_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """`ss` on one host over a window that an event ended: every distinct output in order, `polls` looks in all."""

    name: str
    step: str
    host: str
    command: str
    begun_ns: int
    ended_ns: int
    polls: int
    samples: tuple[Sample, ...]
    file: str

    def rows(self) -> tuple[tuple[int, tuple[SocketRow, ...]], ...]:
        """Return (time, rows) of each sample."""
        return tuple((sample.time_ns, parse_whole_ss(sample.text, where=self.file)) for sample in self.samples)


@dataclass(frozen=True, slots=True)
class CounterReading:
    """The kernel's counters of one host's network namespace (`nstat -asz`): name to value."""

    name: str
    step: str
    host: str
    time_ns: int
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a program, with all its threads and children, had used when it was read.

    `cpu_ns` is time on a processor, that of ended threads included (the clock of clock_getcpuclockid(3)); `voluntary`
    is how often its threads gave the processor up to wait, `involuntary` how often it was taken from them (proc(5),
    status).
    """

    name: str
    step: str
    host: str
    party: str
    time_ns: int
    cpu_ns: int
    voluntary: int
    involuntary: int


@dataclass(frozen=True, slots=True)
class HostUsage:
    """What a whole host had used when a program's use was read: all that ran in its container, the lab's own included.

    `cpu_ns` is the kernel's account of the container's cgroup: cpu.stat (v2, in whole µs) or cpuacct.usage (v1).
    """

    name: str
    step: str
    host: str
    party: str
    time_ns: int
    cpu_ns: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why a play ended before its last act: in which step, by which program, and what it did not do.

    `reason` is did-not-listen, not-connected, no-answer, ended-early, did-not-end or took-all-processes.
    """

    step: str
    party: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Evidence:
    """All records of one run."""

    exercise: str
    begun_ns: int
    ended_ns: int
    lab: LabFacts
    steps: tuple[Step, ...]
    parties: tuple[Party, ...]
    actions: tuple[Action, ...]
    outputs: tuple[Output, ...]
    exits: tuple[Exit, ...]
    snapshots: tuple[Snapshot, ...]
    samplings: tuple[Sampling, ...]
    counters: tuple[CounterReading, ...]
    captures: tuple[CaptureRecord, ...]
    stopped: Stopped | None
    """Set when the play could not go on: what is then missing from the record is the program's failure."""
    environment: Mapping[str, str]
    """Kernel, tool versions and sysctls: name to value, host's own under `server.…` and `client.…`."""
    traces: tuple[Trace, ...] = ()
    usages: tuple[Usage, ...] = ()
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    """Programs that another one stood in for in this run: the exercise's name for it to the one played."""
    kernel: KernelRecord | None = None
    """What the kernel's tracer told of the lab's sockets; None where it could not be asked."""
    unrecorded: str = "no-recorder"
    """Why there is none: no-recorder (a run of before), no-tracefs, not-permitted, switched-off, died; else empty."""
    host_usages: tuple[HostUsage, ...] = ()
    delays: tuple[Delay, ...] = ()
    """When the lab or a host stood still, and who had no processor within a wait that ended at its deadline."""

    def step(self, step_id: str) -> Step:
        """Return the step; EvidenceError when the run has none of that id."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise EvidenceError("record-missing", kind="step", name=step_id)

    def party(self, name: str) -> Party:
        """Return the program of that name; EvidenceError when there is none."""
        for party in self.parties:
            if party.name == name:
                return party
        raise EvidenceError("record-missing", kind="party", name=name)

    def snapshot(self, name: str, host: str) -> Snapshot:
        """Return what `ss` said on `host` at the moment called `name`; EvidenceError when there is no such record."""
        for snapshot in self.snapshots:
            if (snapshot.name, snapshot.host) == (name, host):
                return snapshot
        raise EvidenceError("record-missing", kind="snapshot", name=f"{name} ({host})")

    def sampling(self, name: str, host: str) -> Sampling:
        """Return the sampling; EvidenceError when there is no such record."""
        for sampling in self.samplings:
            if (sampling.name, sampling.host) == (name, host):
                return sampling
        raise EvidenceError("record-missing", kind="sampling", name=f"{name} ({host})")

    def counter(self, name: str, host: str) -> CounterReading:
        """Return a reading of the kernel's counters; EvidenceError when there is no such record."""
        for reading in self.counters:
            if (reading.name, reading.host) == (name, host):
                return reading
        raise EvidenceError("record-missing", kind="counters", name=f"{name} ({host})")

    def trace(self, party: str) -> Trace:
        """Return the system calls of a program; EvidenceError when there is no such record."""
        for trace in self.traces:
            if trace.party == party:
                return trace
        raise EvidenceError("record-missing", kind="trace", name=party)

    def usage(self, name: str, party: str) -> Usage:
        """Return what a program had used at the reading called `name`; EvidenceError when there is no such record."""
        for usage in self.usages:
            if (usage.name, usage.party) == (name, party):
                return usage
        raise EvidenceError("record-missing", kind="usage", name=f"{name} ({party})")

    def host_usage(self, name: str, party: str) -> HostUsage | None:
        """Return what a program's host had used at the reading called `name`, None where no cgroup could be read."""
        return next((usage for usage in self.host_usages if (usage.name, usage.party) == (name, party)), None)

    def capture(self, host: str) -> CaptureRecord:
        """Return the capture taken on `host`; EvidenceError when there is none."""
        for capture in self.captures:
            if capture.host == host:
                return capture
        raise EvidenceError("record-missing", kind="capture", name=host)

    def acted_ns(self, party: str) -> int:
        """Return when a program was started, the run's begin when it is not told."""
        return next((action.time_ns for action in self.actions if action.actor == party), self.begun_ns)

    def conversation(self, client: str, host: str = "server") -> Conversation | None:
        """Return the conversation of the client of that name as captured on `host`, None when it is not there.

        The kernel gives out a port again, for the same destination too: of several it is the one that was begun nearest
        to the client's own start. A client that was refused is gone before any `ss` can tell its port. Then it is the
        one conversation with whom it dialled that is no other client's.
        """
        party = self.party(client)
        dialled = [each for each in self.capture(host).conversations if each.server == party.remote]
        if party.local is not None:
            begun = self.acted_ns(client)
            same = (each for each in dialled if each.client == party.local)
            return min(same, key=lambda each: abs(each.segments[0].time_ns - begun), default=None)
        known = {other.local for other in self.parties}
        unknown = [each for each in dialled if each.client not in known]
        return unknown[0] if len(unknown) == 1 else None

    def resolve(self, text: str) -> str:
        """Return a table's endpoint with names resolved: `server:8000`, `client:a`, `*`.

        `server:8000` becomes the address of the host called `server` and that port; `client:a` the ephemeral endpoint
        of the client called `a`. Anything else comes back unchanged.
        """
        host, colon, tail = text.partition(":")
        if not colon or host not in self.lab.addresses:
            return text
        if tail.isdigit():
            return str(Endpoint(self.lab.addresses[host], int(tail)))
        local = self.party(tail).local
        if local is None:
            raise EvidenceError("record-missing", kind="endpoint", name=tail)
        return str(local)
