"""What probes saw, on one clock (CLOCK_REALTIME, ns since the epoch, as tcpdump stamps), and nothing of a lesson.

All hosts share the machine's kernel and so its clock; nothing here needs to be shifted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lab.errors import EvidenceError
from lab.kernel.rows import SocketRow
from lab.kernel.sockets import parse_whole_ss
from lab.recording.raw import CaptureRecord, KernelRecord, Trace


@dataclass(frozen=True)
class SsOutput:
    """What `ss` printed on one host, once. `file` is its place in the run's folder."""

    host: str
    command: str
    begun_ns: int
    ended_ns: int
    text: str
    file: str

    @property
    def time_ns(self) -> int:
        """When it was, for a play that refers to it."""
        return self.begun_ns

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

    host: str
    command: str
    begun_ns: int
    ended_ns: int
    polls: int
    samples: tuple[Sample, ...]
    file: str

    @property
    def time_ns(self) -> int:
        """When it was, for a play that refers to it."""
        return self.begun_ns

    def rows(self) -> tuple[tuple[int, tuple[SocketRow, ...]], ...]:
        """Return (time, rows) of each sample."""
        return tuple((sample.time_ns, parse_whole_ss(sample.text, where=self.file)) for sample in self.samples)


@dataclass(frozen=True, slots=True)
class CounterReading:
    """The kernel's counters of one host's network namespace (`nstat -asz`): name to value."""

    host: str
    time_ns: int
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Usage:
    """What the program that was started as `pid`, with all its threads and children, had used when it was read.

    `cpu_ns` is time on a processor, that of ended threads included (the clock of clock_getcpuclockid(3)); `voluntary`
    is how often its threads gave the processor up to wait, `involuntary` how often it was taken from them (proc(5),
    status). `host_cpu_ns` is what all that ran in the host's container had then, the lab's own included: the kernel's
    account of its cgroup, cpu.stat (v2, in whole µs) or cpuacct.usage (v1); None where no cgroup could be read.
    """

    host: str
    pid: int
    time_ns: int
    cpu_ns: int
    voluntary: int
    involuntary: int
    host_cpu_ns: int | None = None


@dataclass(frozen=True)
class Recording:
    """All that was seen between `begun_ns` and `ended_ns`, on any number of hosts.

    It is made by a play, read from a saved run (store.py) or from capture files (captures.py), or holds what a stream
    has brought so far (lab/live): whoever reads it need not know which.
    """

    begun_ns: int
    ended_ns: int
    hosts: Mapping[str, str]
    """Each host's address by its name."""
    captures: tuple[CaptureRecord, ...] = ()
    kernel: KernelRecord | None = None
    """What the kernel's tracer told of the hosts' sockets; None where it could not be asked."""
    unrecorded: str = "no-recorder"
    """Why there is none: no-recorder (a run of before), no-tracefs, not-permitted, switched-off, died; else empty."""
    traces: tuple[Trace, ...] = ()
    outputs: tuple[SsOutput, ...] = ()
    samplings: tuple[Sampling, ...] = ()
    counters: tuple[CounterReading, ...] = ()
    usages: tuple[Usage, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """Kernel, tool versions and sysctls: name to value, host's own under `server.…` and `client.…`."""

    @cached_property
    def homes(self) -> Mapping[str, str]:
        """Each address's host."""
        return {address: host for host, address in self.hosts.items()}

    def capture(self, host: str) -> CaptureRecord:
        """Return the capture taken on `host`; EvidenceError when there is none."""
        for capture in self.captures:
            if capture.host == host:
                return capture
        raise EvidenceError("record-missing", kind="capture", name=host)
