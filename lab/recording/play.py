"""What was done in a play: steps, programs under names, acts, what they printed, and where it stopped.

It refers to what probes saw meanwhile by time and host: a snapshot of the play is an output of `ss` that is in the
recording, under a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lab.errors import EvidenceError
from lab.recording.delays import Delay
from lab.wire.segment import Endpoint


@dataclass(frozen=True, slots=True)
class LabFacts:
    """The lab that it was played in: its name and its subnet (CIDR)."""

    name: str
    subnet: str


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


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why a play ended before its last act: in which step, by which program, and what it did not do.

    `reason` is did-not-listen, not-connected, no-answer, ended-early, did-not-end or took-all-processes.
    """

    step: str
    party: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A look or a reading that the play took: its name and step, and in the recording the host and the time of it.

    `time_ns` is when it began. `party` is the program whose use was read, else empty. `waited_for` names the condition
    that the stage polled for, in words of the stage; `timed_out` says that the deadline came first, so that the rows
    are the last ones seen.
    """

    name: str
    step: str
    host: str
    time_ns: int
    party: str = ""
    waited_for: str | None = None
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class Play:
    """All that was done."""

    exercise: str = ""
    """The id of the exercise; empty where nothing was played."""
    lab: LabFacts = LabFacts("", "")
    steps: tuple[Step, ...] = ()
    parties: tuple[Party, ...] = ()
    actions: tuple[Action, ...] = ()
    outputs: tuple[Output, ...] = ()
    exits: tuple[Exit, ...] = ()
    snapshots: tuple[Taken, ...] = ()
    samplings: tuple[Taken, ...] = ()
    counters: tuple[Taken, ...] = ()
    usages: tuple[Taken, ...] = ()
    stopped: Stopped | None = None
    """Set when the play could not go on: what is then missing from the record is the program's failure."""
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    """Programs that another one stood in for: the exercise's name for it to the one played."""
    delays: tuple[Delay, ...] = ()
    """When the lab or a host stood still, and who had no processor within a wait that ended at its deadline."""

    def step(self, step_id: str) -> Step:
        """Return the step; EvidenceError when the play has none of that id."""
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

    def process(self, host: str, pid: int) -> Party | None:
        """Return the program that this process was; None for one that the play does not name."""
        return next((party for party in self.parties if (party.host, party.pid) == (host, pid)), None)

    def acted_ns(self, party: str) -> int | None:
        """Return when a program was started; None when it is not told."""
        return next((action.time_ns for action in self.actions if action.actor == party), None)

    def snapshot(self, name: str, host: str) -> Taken:
        """Return the look at `host` at the moment called `name`; EvidenceError when there was none."""
        missing = EvidenceError("record-missing", kind="snapshot", name=f"{name} ({host})")
        return _named(self.snapshots, name, host, missing)

    def sampling(self, name: str, host: str) -> Taken:
        """Return the sampling; EvidenceError when there was none."""
        missing = EvidenceError("record-missing", kind="sampling", name=f"{name} ({host})")
        return _named(self.samplings, name, host, missing)

    def counter(self, name: str, host: str) -> Taken:
        """Return the reading of the kernel's counters; EvidenceError when there was none."""
        missing = EvidenceError("record-missing", kind="counters", name=f"{name} ({host})")
        return _named(self.counters, name, host, missing)

    def usage(self, name: str, party: str) -> Taken:
        """Return the reading of what a program had used; EvidenceError when there was none."""
        for taken in self.usages:
            if (taken.name, taken.party) == (name, party):
                return taken
        raise EvidenceError("record-missing", kind="usage", name=f"{name} ({party})")


NOTHING: Final = Play()
"""The play of a recording of which nobody directed what happened."""


def _named(some: Iterable[Taken], name: str, host: str, missing: EvidenceError) -> Taken:
    for taken in some:
        if (taken.name, taken.host) == (name, host):
            return taken
    raise missing
