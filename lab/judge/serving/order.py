"""Expect who was served when: in which order, one after the other or at the same time. No time is ever asserted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lab.errors import EvidenceError
from lab.judge.judging import OfPlay
from lab.judge.serving.services import Service, service, services
from lab.judge.verdict import Comparison, Look, Message, Pair, Result, frames
from lab.recording.run import Run

_MS: Final = 1_000_000
NEVER: Final = "-"
_TWO: Final = 2


def waits_for(
    waits: str,
    leaves: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
    on: str = "server",
) -> WaitsFor:
    """Expect that a client asks while another is there, and is answered only after that one has closed."""
    return WaitsFor(id=id, step=step, waits=waits, leaves=leaves, on=on)


def overlap(
    clients: Sequence[str],
    *,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
    on: str = "server",
) -> Overlap:
    """Expect that the clients were served at the same time: each got an answer before any of them closed."""
    return Overlap(id=id, step=step, clients=tuple(clients), on=on)


def turns(
    clients: Sequence[str],
    *,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
    on: str = "server",
) -> Turns:
    """Expect that the clients were served in turn: nobody was answered between another's first and last answer."""
    return Turns(id=id, step=step, clients=tuple(clients), on=on)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitsFor(OfPlay):
    """An answer that comes only after another client has closed."""

    waits: str
    leaves: str
    on: str

    def expected(self) -> Message:
        """Return who waits for whom."""
        return Message("waits-for", {"waits": self.waits, "leaves": self.leaves})

    def find(self, run: Run) -> Result:
        """Put request, close and answer into the order in which they happened."""
        waits, leaves = service(run, self.waits, self.on), service(run, self.leaves, self.on)
        if waits.asked_ns is None:
            raise EvidenceError("record-missing", kind="request", name=self.waits)
        wanted = (f"{self.waits}: request", f"{self.leaves}: FIN", f"{self.waits}: answer")
        times = dict(zip(wanted, (waits.asked_ns, leaves.ended_ns, waits.answered_ns), strict=True))
        seen = sorted((time, event) for event, time in times.items() if time is not None)
        rows: list[tuple[str, str] | None] = [(event, _after(time, waits.asked_ns)) for time, event in seen]
        rows += [None] * (len(wanted) - len(rows))
        pairs = tuple(_beside((event, "*"), row) for event, row in zip(wanted, rows, strict=True))
        frame = next(each.number for each in waits.conversation.data if waits.conversation.from_client(each))
        holds = all(pair.agrees for pair in pairs)
        fields = {"waits": self.waits, "leaves": self.leaves}
        observed = Message("waited-for" if holds else "waited-not", fields)
        if waits.answered_ns is None:
            observed = Message("answered-never", {"waits": self.waits})
        look = (Look(run.recording.capture(self.on).file, frame=frame),)
        return self.result(holds, observed, Comparison(("Event", "ms"), pairs), look)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap(OfPlay):
    """Clients that were served at the same time."""

    clients: tuple[str, ...]
    on: str

    def expected(self) -> Message:
        """Return who is served at the same time."""
        return Message("overlap", {"clients": ", ".join(self.clients)})

    def find(self, run: Run) -> Result:
        """Compare the last first answer with the first close."""
        found = services(run, self.clients, self.on)
        if not found:
            raise EvidenceError("record-missing", kind="endpoint", name=", ".join(self.clients))
        begun = min(one.begun_ns for one in found)
        first_end = min(one.ended_ns for one in found)
        late = [one for one in found if one.answered_ns is None or one.answered_ns > first_end]
        pairs = tuple(self._pair(one, begun, first_end) for one in found)
        names = ", ".join(one.name for one in late)
        observed = Message("overlap-late", {"clients": names}) if late else self.expected()
        look = (Look(run.recording.capture(self.on).file),)
        close = min(found, key=lambda one: one.ended_ns)
        ended = [each.number for each in close.conversation.segments if each.time_ns == close.ended_ns]
        proof = frames(look[0].file, (*_first_answers(found), *ended))
        return self.result(not late, observed, Comparison(("Client", "Answered", "Closed"), pairs), look, proof)

    def _pair(self, one: Service, begun: int, first_end: int) -> Pair:
        answered = NEVER if one.answered_ns is None else _after(one.answered_ns, begun)
        row = (one.name, answered, _after(one.ended_ns, begun))
        late = one.answered_ns is None or one.answered_ns > first_end
        return Pair((one.name, f"< {_after(first_end, begun)}", "*"), row, frozenset({1}) if late else frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns(OfPlay):
    """Clients that were served one after the other."""

    clients: tuple[str, ...]
    on: str

    def expected(self) -> Message:
        """Return who is served in turn."""
        return Message("turns", {"clients": ", ".join(self.clients)})

    def find(self, run: Run) -> Result:
        """Compare each first answer with the last one of those before."""
        served = services(run, self.clients, self.on)
        found = sorted(served, key=lambda one: one.answers[:1])
        answered = [one for one in found if one.answers]
        if len(answered) < _TWO:
            raise EvidenceError("record-missing", kind="request", name=", ".join(self.clients))
        begun, pairs, free = answered[0].answers[0], [], 0
        for one in answered:
            first, last = one.answers[0], one.answers[-1]
            differs = frozenset({1}) if free and first < free else frozenset()
            wanted = f"> {_after(free, begun)}" if free else "*"
            pairs.append(Pair((one.name, wanted, "*"), (one.name, _after(first, begun), _after(last, begun)), differs))
            free = max(free, last)
        early = [pair.observed[0] for pair in pairs if pair.differs and pair.observed]
        observed = Message("turns-early", {"clients": ", ".join(early)}) if early else self.expected()
        comparison = Comparison(("Client", "First answer", "Last answer"), tuple(pairs))
        look = (Look(run.recording.capture(self.on).file),)
        proof = frames(look[0].file, _first_answers(served))
        return self.result(not early, observed, comparison, look, proof)


def _first_answers(found: Iterable[Service]) -> Iterator[int]:
    """Yield the frames of the first answer to each client."""
    for one in found:
        yield from (data.number for data in one.conversation.data if data.time_ns == one.answered_ns)


def _beside(expected: tuple[str, str], observed: tuple[str, str] | None) -> Pair:
    differs = frozenset(at for at in (0, 1) if observed and expected[at] not in ("*", observed[at]))
    return Pair(expected, observed, differs)


def _after(time_ns: int, begun_ns: int) -> str:
    return f"{(time_ns - begun_ns) / _MS:.3f}"
