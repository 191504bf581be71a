"""The saved form of a run: one flat document, as it has been since the first version of it.

In it a look or a reading stands with its name and step, as one record; in a run the play's name for it and what was
seen stand apart, and are found by host and time. The order of the fields is that of the lines in evidence.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lab.recording.delays import Delay
from lab.recording.play import Action, Exit, LabFacts, Output, Party, Play, Step, Stopped, Taken
from lab.recording.raw import CaptureRecord, KernelRecord, Trace
from lab.recording.recording import CounterReading, Recording, Sample, Sampling, SsOutput, Usage
from lab.recording.run import Run, with_names

FORMAT: Final = 6
"""Version of the saved form; a reader refuses a newer one."""


@dataclass(frozen=True, slots=True)
class SavedLab:
    """The lab, with each host's address."""

    name: str
    subnet: str
    addresses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SavedSnapshot:
    """What `ss` printed on one host, under the play's name for that moment."""

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


@dataclass(frozen=True, slots=True)
class SavedSampling:
    """A sampling of `ss`, under the play's name for it."""

    name: str
    step: str
    host: str
    command: str
    begun_ns: int
    ended_ns: int
    polls: int
    samples: tuple[Sample, ...]
    file: str


@dataclass(frozen=True, slots=True)
class SavedReading:
    """A reading of the kernel's counters, under the play's name for it."""

    name: str
    step: str
    host: str
    time_ns: int
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SavedUsage:
    """What a program had used, under the play's names for the reading and the program."""

    name: str
    step: str
    host: str
    party: str
    time_ns: int
    cpu_ns: int
    voluntary: int
    involuntary: int


@dataclass(frozen=True, slots=True)
class SavedHostUsage:
    """What the program's whole host had used at the same reading."""

    name: str
    step: str
    host: str
    party: str
    time_ns: int
    cpu_ns: int


@dataclass(frozen=True, slots=True)
class SavedTrace:
    """The system calls of a program, under its name."""

    party: str
    host: str
    command: str
    text: str
    file: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class SavedRun:
    """All of it; `exercise` is empty where nothing was played."""

    exercise: str
    begun_ns: int
    ended_ns: int
    lab: SavedLab
    steps: tuple[Step, ...]
    parties: tuple[Party, ...]
    actions: tuple[Action, ...]
    outputs: tuple[Output, ...]
    exits: tuple[Exit, ...]
    snapshots: tuple[SavedSnapshot, ...]
    samplings: tuple[SavedSampling, ...]
    counters: tuple[SavedReading, ...]
    captures: tuple[CaptureRecord, ...]
    stopped: Stopped | None
    environment: Mapping[str, str]
    traces: tuple[SavedTrace, ...] = ()
    usages: tuple[SavedUsage, ...] = ()
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    kernel: KernelRecord | None = None
    unrecorded: str = "no-recorder"
    host_usages: tuple[SavedHostUsage, ...] = ()
    delays: tuple[Delay, ...] = ()


def saved_form(run: Run) -> SavedRun:
    """Return the document of a run."""
    recording, play = run.recording, run.play
    names = {(party.host, party.pid): party.name for party in play.parties}
    used = list(with_names(recording.usages, play.usages))
    return SavedRun(
        exercise=play.exercise,
        begun_ns=recording.begun_ns,
        ended_ns=recording.ended_ns,
        lab=SavedLab(play.lab.name, play.lab.subnet, recording.hosts),
        steps=play.steps,
        parties=play.parties,
        actions=play.actions,
        outputs=play.outputs,
        exits=play.exits,
        snapshots=tuple(_snapshot(*each) for each in with_names(recording.outputs, play.snapshots)),
        samplings=tuple(_sampling(*each) for each in with_names(recording.samplings, play.samplings)),
        counters=tuple(
            SavedReading(taken.name, taken.step, each.host, each.time_ns, each.values)
            for each, taken in with_names(recording.counters, play.counters)
        ),
        captures=recording.captures,
        stopped=play.stopped,
        environment=recording.environment,
        traces=tuple(
            SavedTrace(names.get((each.host, each.pid), ""), each.host, each.command, each.text, each.file, each.cut)
            for each in recording.traces
        ),
        usages=tuple(_usage(*each) for each in used),
        stand_ins=play.stand_ins,
        kernel=recording.kernel,
        unrecorded=recording.unrecorded,
        host_usages=tuple(
            SavedHostUsage(taken.name, taken.step, each.host, taken.party, each.time_ns, each.host_cpu_ns)
            for each, taken in used
            if each.host_cpu_ns is not None
        ),
        delays=play.delays,
    )


def _snapshot(one: SsOutput, taken: Taken) -> SavedSnapshot:
    return SavedSnapshot(
        name=taken.name,
        step=taken.step,
        host=one.host,
        command=one.command,
        begun_ns=one.begun_ns,
        ended_ns=one.ended_ns,
        text=one.text,
        waited_for=taken.waited_for,
        timed_out=taken.timed_out,
        file=one.file,
    )


def _sampling(one: Sampling, taken: Taken) -> SavedSampling:
    return SavedSampling(
        name=taken.name,
        step=taken.step,
        host=one.host,
        command=one.command,
        begun_ns=one.begun_ns,
        ended_ns=one.ended_ns,
        polls=one.polls,
        samples=one.samples,
        file=one.file,
    )


def _usage(one: Usage, taken: Taken) -> SavedUsage:
    return SavedUsage(
        name=taken.name,
        step=taken.step,
        host=one.host,
        party=taken.party,
        time_ns=one.time_ns,
        cpu_ns=one.cpu_ns,
        voluntary=one.voluntary,
        involuntary=one.involuntary,
    )


def run_of(saved: SavedRun) -> Run:
    """Return the run that a document tells of."""
    pids = {party.name: party.pid for party in saved.parties}
    whole = {(each.name, each.party): each.cpu_ns for each in saved.host_usages}
    recording = Recording(
        begun_ns=saved.begun_ns,
        ended_ns=saved.ended_ns,
        hosts=saved.lab.addresses,
        captures=saved.captures,
        kernel=saved.kernel,
        unrecorded=saved.unrecorded,
        traces=tuple(
            Trace(each.host, pids.get(each.party, 0), each.command, each.text, each.file, each.cut)
            for each in saved.traces
        ),
        outputs=tuple(
            SsOutput(each.host, each.command, each.begun_ns, each.ended_ns, each.text, each.file)
            for each in saved.snapshots
        ),
        samplings=tuple(
            Sampling(each.host, each.command, each.begun_ns, each.ended_ns, each.polls, each.samples, each.file)
            for each in saved.samplings
        ),
        counters=tuple(CounterReading(each.host, each.time_ns, each.values) for each in saved.counters),
        usages=tuple(
            Usage(
                host=each.host,
                pid=pids.get(each.party, 0),
                time_ns=each.time_ns,
                cpu_ns=each.cpu_ns,
                voluntary=each.voluntary,
                involuntary=each.involuntary,
                host_cpu_ns=whole.get((each.name, each.party)),
            )
            for each in saved.usages
        ),
        environment=saved.environment,
    )
    play = Play(
        exercise=saved.exercise,
        lab=LabFacts(saved.lab.name, saved.lab.subnet),
        steps=saved.steps,
        parties=saved.parties,
        actions=saved.actions,
        outputs=saved.outputs,
        exits=saved.exits,
        snapshots=tuple(
            Taken(each.name, each.step, each.host, each.begun_ns, "", each.waited_for, each.timed_out)
            for each in saved.snapshots
        ),
        samplings=tuple(Taken(each.name, each.step, each.host, each.begun_ns) for each in saved.samplings),
        counters=tuple(Taken(each.name, each.step, each.host, each.time_ns) for each in saved.counters),
        usages=tuple(Taken(each.name, each.step, each.host, each.time_ns, each.party) for each in saved.usages),
        stopped=saved.stopped,
        stand_ins=saved.stand_ins,
        delays=saved.delays,
    )
    return Run(recording, play)
