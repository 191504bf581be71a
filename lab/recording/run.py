"""A run: what probes saw, what was played meanwhile if anything was, and how the one's names lead to the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from lab.errors import EvidenceError
from lab.recording.play import NOTHING, Play, Taken
from lab.recording.raw import Trace
from lab.recording.recording import CounterReading, Recording, Sampling, SsOutput, Usage
from lab.wire.conversation import Conversation
from lab.wire.segment import Endpoint

T = TypeVar("T", SsOutput, Sampling, CounterReading, Usage)


@dataclass(frozen=True, slots=True)
class Run:
    """A recording, with or without a play; in its folder the verdict lies beside them (see folders.py)."""

    recording: Recording
    play: Play = NOTHING

    @property
    def played(self) -> bool:
        """Whether something was played, and not only recorded."""
        return bool(self.play.exercise)

    def snapshot(self, name: str, host: str) -> SsOutput:
        """Return what `ss` said on `host` at the moment called `name`; EvidenceError when there is no such record."""
        return _seen(self.recording.outputs, self.play.snapshot(name, host), "snapshot")

    def sampling(self, name: str, host: str) -> Sampling:
        """Return the sampling; EvidenceError when there is no such record."""
        return _seen(self.recording.samplings, self.play.sampling(name, host), "sampling")

    def counter(self, name: str, host: str) -> CounterReading:
        """Return a reading of the kernel's counters; EvidenceError when there is no such record."""
        return _seen(self.recording.counters, self.play.counter(name, host), "counters")

    def usage(self, name: str, party: str) -> Usage:
        """Return what a program had used at the reading called `name`; EvidenceError when there is no such record."""
        taken, pid = self.play.usage(name, party), self.play.party(party).pid
        return _seen((usage for usage in self.recording.usages if usage.pid == pid), taken, "usage")

    def trace(self, party: str) -> Trace:
        """Return the system calls of a program; EvidenceError when there is no such record."""
        program = next((each for each in self.play.parties if each.name == party), None)
        for trace in self.recording.traces:
            if program is not None and (trace.host, trace.pid) == (program.host, program.pid):
                return trace
        raise EvidenceError("record-missing", kind="trace", name=party)

    def acted_ns(self, party: str) -> int:
        """Return when a program was started, the run's begin when it is not told."""
        told = self.play.acted_ns(party)
        return self.recording.begun_ns if told is None else told

    def conversation(self, client: str, host: str = "server") -> Conversation | None:
        """Return the conversation of the client of that name as captured on `host`, None when it is not there.

        The kernel gives out a port again, for the same destination too: of several it is the one that was begun nearest
        to the client's own start. A client that was refused is gone before any `ss` can tell its port. Then it is the
        one conversation with whom it dialled that is no other client's.
        """
        party = self.play.party(client)
        dialled = [each for each in self.recording.capture(host).conversations if each.server == party.remote]
        if party.local is not None:
            begun = self.acted_ns(client)
            same = (each for each in dialled if each.client == party.local)
            return min(same, key=lambda each: abs(each.segments[0].time_ns - begun), default=None)
        known = {other.local for other in self.play.parties}
        unknown = [each for each in dialled if each.client not in known]
        return unknown[0] if len(unknown) == 1 else None

    def resolve(self, text: str) -> str:
        """Return a table's endpoint with names resolved: `server:8000`, `client:a`, `*`.

        `server:8000` becomes the address of the host called `server` and that port; `client:a` the ephemeral endpoint
        of the client called `a`. Anything else comes back unchanged.
        """
        host, colon, tail = text.partition(":")
        if not colon or host not in self.recording.hosts:
            return text
        if tail.isdigit():
            return str(Endpoint(self.recording.hosts[host], int(tail)))
        local = self.play.party(tail).local
        if local is None:
            raise EvidenceError("record-missing", kind="endpoint", name=tail)
        return str(local)


def with_names(seen: Iterable[T], taken: Iterable[Taken]) -> Iterator[tuple[T, Taken]]:
    """Yield all that was seen with what the play calls it, by its host and time; without a name where it did not."""
    waiting: dict[tuple[str, int], list[Taken]] = {}
    for each in taken:
        waiting.setdefault((each.host, each.time_ns), []).append(each)
    for one in seen:
        named = waiting.get((one.host, one.time_ns))
        yield one, named.pop(0) if named else Taken("", "", one.host, one.time_ns)


def _seen(some: Iterable[T], taken: Taken, kind: str) -> T:
    for one in some:
        if (one.host, one.time_ns) == (taken.host, taken.time_ns):
            return one
    raise EvidenceError("record-missing", kind=kind, name=f"{taken.name} ({taken.party or taken.host})")
