"""The system calls that lead to one answer of a traced program, and what came in from the network meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lab.errors import EvidenceError
from lab.judge.calls.traces import prints, whole_trace
from lab.judge.judging import whole_capture
from lab.judge.serving.services import client_names
from lab.kernel.calls import Call
from lab.recording.play import Step
from lab.recording.run import Run
from lab.wire.segment import Endpoint, Flags

_MOST: Final = 5
_AT_ONCE: Final = frozenset({"send", "write", "close"})
TOLD: Final = frozenset({"accept", "recv", "send", "select", "poll", "epoll_wait", "sleep", "close", "read", "write"})
"""The calls that an answer takes; what a program does beside them (memory, options, clocks) is left out."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that came for the program: `kind` is data, end (FIN or RST) or opened (the handshake's last ACK)."""

    time_ns: int
    name: str
    kind: str
    length: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """A system call, on whose connection it works, and what came while it was under way; `times` in a row."""

    call: Call
    name: str
    arrivals: tuple[Arrival, ...]
    times: int = 1


def chain_of(run: Run, party: str, step: Step) -> tuple[Act, ...]:
    """Return the calls from one answer to the next, of the thread that sent it: those that waited longest.

    Raises EvidenceError when the program answered nobody in the step.
    """
    names = client_names(run, party)
    arrivals = _arrivals(run, party, names)
    found = [(first, [_act(call, names, arrivals) for call in calls]) for first, calls in _chains(run, party, step)]
    if not found:
        raise EvidenceError("record-missing", kind="request", name=party)
    # What comes before the first answer tells how the program began: only where there is nothing else.
    later = [acts for first, acts in found if not first] or [acts for _, acts in found]
    return tuple(_folded(max(later, key=_waited_ns)))


def _chains(run: Run, party: str, step: Step) -> Iterator[tuple[bool, list[Call]]]:
    """Yield whether it is a thread's first answer, and its calls from the last answer on up to and with that one."""
    open_chains: dict[int, list[Call]] = {}
    answered: set[int] = set()
    for call in whole_trace(run, party).calls:
        if call.family not in TOLD or prints(call) or _is_file(call):
            continue
        chain = open_chains.setdefault(call.pid, [])
        chain.append(call)
        if call.family in ("send", "write") and call.result is not None and call.result > 0:
            open_chains[call.pid] = []
            if step.begun_ns <= call.begun_ns <= step.ended_ns:
                yield call.pid not in answered, chain
            answered.add(call.pid)


def _is_file(call: Call) -> bool:
    """Return whether a call works on something that is no socket: a module that is read, a directory."""
    return call.family in ("read", "write", "close") and (call.on is None or call.on.local is None)


def _waited_ns(acts: Sequence[Act]) -> int:
    return sum(act.call.duration_ns or 0 for act in acts if act.arrivals or act.call.family == "sleep")


def _arrivals(run: Run, party: str, names: dict[Endpoint, str]) -> list[Arrival]:
    found = []
    local = run.play.party(party).local
    for conversation in whole_capture(run, run.play.party(party).host).conversations:
        if conversation.server != local:
            continue
        name = names.get(conversation.client, str(conversation.client.port))
        if len(conversation.handshake) > 2:  # noqa: PLR2004 - with the last ACK it is there
            found.append(Arrival(conversation.handshake[-1].time_ns, name, "opened"))
        for segment in conversation.segments:
            if not conversation.from_client(segment):
                continue
            if segment.length:
                found.append(Arrival(segment.time_ns, name, "data", segment.length))
            if segment.flags & (Flags.FIN | Flags.RST):
                found.append(Arrival(segment.time_ns, name, "end"))
    return sorted(found, key=lambda arrival: arrival.time_ns)


def _act(call: Call, names: dict[Endpoint, str], arrivals: Sequence[Arrival]) -> Act:
    """Return a call with what came while it was under way, if it waited."""
    peer = call.on.peer if call.on else None
    name = names.get(peer, "") if peer else ""
    ended = call.ended_ns or call.begun_ns
    if call.family == "accept":
        made = call.made.peer if call.made else None
        name = names.get(made, "") if made else ""
    meanwhile = _each_once(one for one in arrivals if call.begun_ns <= one.time_ns <= ended)
    own = any(one.name == name for one in meanwhile)
    # What it works on was there before: then it did not wait, whatever came for others meanwhile.
    waits = call.family not in _AT_ONCE and (own or call.family not in ("accept", "recv", "read"))
    return Act(call, name, tuple(meanwhile) if waits else ())


def _each_once(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """Return the first few arrivals, of each client's only the first of a kind."""
    found: dict[tuple[str, str], Arrival] = {}
    for one in arrivals:
        found.setdefault((one.name, one.kind), one)
    return list(found.values())[:_MOST]


def _folded(acts: Sequence[Act]) -> Iterator[Act]:
    """Yield the acts, a run of the same group of acts that came to nothing told once, with how often it came."""
    at = 0
    while at < len(acts):
        for size in range(1, len(acts) // 2 + 1):
            times = 1
            while _same(acts, at, at + times * size, size):
                times += 1
            if times > 1:
                yield from (Act(one.call, one.name, one.arrivals, times) for one in acts[at : at + size])
                at += times * size
                break
        else:
            yield acts[at]
            at += 1


def _same(acts: Sequence[Act], left: int, right: int, size: int) -> bool:
    return right + size <= len(acts) and all(
        _key(one) == _key(other)
        for one, other in zip(acts[left : left + size], acts[right : right + size], strict=True)
    )


def _key(act: Act) -> tuple[object, ...]:
    call = act.call
    return (call.family, call.fd, call.error, call.result, tuple((one.name, one.kind) for one in act.arrivals))
