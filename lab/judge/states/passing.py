"""Expect that an end of a connection went through these states, as the kernel told of each change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged, OfRecording, whole_conversation
from lab.judge.verdict import Comparison, Look, Message, Pair, Result, StatesFrom, Verdict
from lab.kernel.listing import FILE, line_of
from lab.kernel.trace import KernelTrace, Transition
from lab.recording.run import Run
from lab.recording.whole import check_kernel, check_states
from lab.wire.segment import Flags
from lab.wire.state import State

_COLUMNS = ("State", "After")
_SECOND_NS = 1_000_000_000


def passes(
    client: str,
    *,
    on: str,
    path: str,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
    within: float | None = None,
) -> Passes:
    """Expect that the client's connection went, on the host `on`, through the states of `path` one right after another.

    `path` holds states as `ss` prints them, separated by blanks: `SYN-RECV ESTAB`. `within` is how many seconds it may
    take from the first of them to the last; SYN-RECV begins when the SYN arrives, of which the capture tells: the event
    comes only with the last ACK, when the kernel makes the full socket (net/ipv4/tcp_minisocks.c, tcp_check_req).

    A run in which the kernel was not asked cannot try it; one that lost events of sockets is inconclusive. Raises
    ExerciseError for a state that there is not. Source: the event sock:inet_sock_set_state,
    include/trace/events/sock.h.
    """
    try:
        states = tuple(State(word) for word in path.split())
    except ValueError as error:
        raise ExerciseError("joint-state", id=id, reason=str(error)) from None
    return Passes(id=id, step=step, client=client, on=on, path=states, within=within)


def recorded(then: Judged, otherwise: Judged) -> Recorded:
    """Expect `then` of a run in which the kernel's tracer was asked, and `otherwise` of any other.

    Each has an id of its own, and so its own words: what is inferred must not read like what the kernel told.
    """
    return Recorded(then, otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes(OfRecording):
    """An end's way through the states."""

    client: str
    on: str
    path: tuple[State, ...]
    within: float | None

    def expected(self) -> Message:
        """Return the states in their order, and within what time."""
        fields = {"client": self.client, "host": self.on, "path": " → ".join(self.path)}
        return (
            Message("passes", fields)
            if self.within is None
            else Message("passes-within", {**fields, "seconds": f"{self.within:g}"})
        )

    def find(self, run: Run) -> Result:
        """Look for the path among the states that the kernel told; the comparison shows all of them, with times."""
        if run.recording.kernel is None:
            return self.result(Verdict.CANNOT_RUN, Message("kernel-unasked"), None, ())
        check_kernel(run.recording.kernel, run.recording)
        check_states(run.recording.kernel)
        trace = run.recording.kernel.trace
        way = self._way(run, trace)
        if not way:
            return self.result(
                Verdict.FAIL, Message("passes-untold", {"host": self.on}), None, (Look(FILE, line=1),), ()
            )
        told = [way[0].old, *(each.new for each in way)]
        at = self._place(told)
        first = way[max(0, at - 1)] if at is not None else way[0]
        took_ns = None if at is None else self._took_ns(run, way, at)
        look = (Look(FILE, line=line_of(trace, first, {*run.recording.hosts.values()})),)
        comparison = self._comparison(way, at)
        proof = (StatesFrom(first.time_ns, sum(pair.agrees for pair in comparison.pairs)),)
        return self.result(self._holds(at, took_ns), self._observed(told, took_ns), comparison, look, proof)

    def _holds(self, at: int | None, took_ns: int | None) -> bool:
        if at is None or self.within is None:
            return at is not None
        return took_ns is not None and took_ns <= self.within * _SECOND_NS

    def _observed(self, told: Sequence[State], took_ns: int | None) -> Message:
        path = " → ".join(told)
        if took_ns is None:
            return Message("passes-told", {"path": path})
        code = "passes-since-syn" if self.path[0] is State.SYN_RECEIVED else "passes-took"
        return Message(code, {"path": path, "last": self.path[-1], "microseconds": f"{took_ns / 1000:.1f}"})

    def _way(self, run: Run, trace: KernelTrace) -> list[Transition]:
        party = run.play.party(self.client)
        local, peer = (party.local, party.remote) if self.on == party.host else (party.remote, party.local)
        return [each for each in trace.transitions if each.local == local and each.peer == peer]

    def _place(self, told: list[State]) -> int | None:
        size = len(self.path)
        return next((at for at in range(len(told) - size + 1) if tuple(told[at : at + size]) == self.path), None)

    def _took_ns(self, run: Run, way: list[Transition], at: int) -> int | None:
        """Return the time from the first state of the path to its last; None where nothing tells of its begin."""
        begun_ns = way[at - 1].time_ns if at else None
        if self.path[0] is State.SYN_RECEIVED:
            _, conversation = whole_conversation(run, self.client, self.on)
            first = conversation.segments[0] if conversation else None
            begun_ns = first.time_ns if first and first.flags & Flags.SYN else None
        return None if begun_ns is None else way[at + len(self.path) - 2].time_ns - begun_ns

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

    def judge(self, run: Run) -> Result:
        """Judge by what there is."""
        return (self.otherwise if run.recording.kernel is None else self.then).judge(run)
