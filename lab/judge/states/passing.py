"""Expect that an end of a connection went through these states, as the kernel told of each change."""

from __future__ import annotations

from dataclasses import dataclass

from lab.errors import EvidenceError
from lab.evidence.records import Evidence
from lab.evidence.whole import check_kernel
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged
from lab.judge.verdict import Comparison, Look, Message, Pair, Result, Verdict
from lab.kernel.listing import FILE, line_of
from lab.kernel.trace import KernelTrace, Transition
from lab.wire.state import State

_COLUMNS = ("State", "After")


def passes(
    client: str,
    *,
    on: str,
    path: str,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
) -> Passes:
    """Expect that the client's connection went, on the host `on`, through the states of `path` one right after another.

    `path` holds states as `ss` prints them, separated by blanks: `SYN-RECV ESTAB`. A run in which the kernel was not
    asked cannot try it; one that lost events is inconclusive. Raises ExerciseError for a state that there is not.
    Source: the event sock:inet_sock_set_state, include/trace/events/sock.h.
    """
    try:
        states = tuple(State(word) for word in path.split())
    except ValueError as error:
        raise ExerciseError("joint-state", id=id, reason=str(error)) from None
    return Passes(id=id, step=step, client=client, on=on, path=states)


def recorded(then: Judged, otherwise: Judged) -> Recorded:
    """Expect `then` of a run in which the kernel's tracer was asked, and `otherwise` of any other.

    Each has an id of its own, and so its own words: what is inferred must not read like what the kernel told.
    """
    return Recorded(then, otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes(Judged):
    """An end's way through the states."""

    client: str
    on: str
    path: tuple[State, ...]

    def expected(self) -> Message:
        """Return the states in their order."""
        path = " → ".join(self.path)
        return Message("passes", {"client": self.client, "host": self.on, "path": path})

    def find(self, evidence: Evidence) -> Result:
        """Look for the path among the states that the kernel told; the comparison shows all of them, with times."""
        if evidence.kernel is None:
            return self.result(Verdict.CANNOT_RUN, Message("kernel-unasked"), None, ())
        check_kernel(evidence.kernel, evidence)
        trace = evidence.kernel.trace
        if not evidence.kernel.complete:
            raise EvidenceError("events-lost", file=evidence.kernel.file, lost=sum(trace.lost.values()))
        way = self._way(evidence, trace)
        if not way:
            return self.result(Verdict.FAIL, Message("passes-untold", {"host": self.on}), None, (Look(FILE, line=1),))
        told = [way[0].old, *(each.new for each in way)]
        at = self._place(told)
        first = way[max(0, at - 1)] if at is not None else way[0]
        observed = Message("passes-told", {"path": " → ".join(told), "microseconds": self._took(way, at)})
        look = (Look(FILE, line=line_of(trace, first, {*evidence.lab.addresses.values()})),)
        return self.result(at is not None, observed, self._comparison(way, at), look)

    def _way(self, evidence: Evidence, trace: KernelTrace) -> list[Transition]:
        party = evidence.party(self.client)
        local, peer = (party.local, party.remote) if self.on == party.host else (party.remote, party.local)
        return [each for each in trace.transitions if each.local == local and each.peer == peer]

    def _place(self, told: list[State]) -> int | None:
        size = len(self.path)
        return next((at for at in range(len(told) - size + 1) if tuple(told[at : at + size]) == self.path), None)

    def _took(self, way: list[Transition], at: int | None) -> str:
        """Return the time from the first state of the path to its last, in µs; - where that cannot be told."""
        if at is None or at == 0:
            return "-"
        took = way[at + len(self.path) - 2].time_ns - way[at - 1].time_ns
        return f"{took / 1000:.1f}"

    def _comparison(self, way: list[Transition], at: int | None) -> Comparison:
        begun = way[0].time_ns
        rows = [(each.new.value, f"{(each.time_ns - begun) / 1000:.1f} µs") for each in way]
        pairs = []
        for number, row in enumerate(rows, start=1):
            within = at is not None and at <= number < at + len(self.path)
            pairs.append(Pair(row, row, frozenset()) if within else Pair(None, row, frozenset()))
        if at is None:
            pairs += [Pair((state.value, ""), None, frozenset()) for state in self.path]
        return Comparison(_COLUMNS, tuple(pairs))


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is expected where the kernel was asked, and where it could not be; the result is that of the one chosen."""

    then: Judged
    otherwise: Judged

    @property
    def id(self) -> str:
        """The id of what is expected where the kernel was asked."""
        return self.then.id

    @property
    def step(self) -> str | None:
        """The step of both."""
        return self.then.step

    def judge(self, evidence: Evidence) -> Result:
        """Judge by what there is."""
        return (self.otherwise if evidence.kernel is None else self.then).judge(evidence)
