"""Expect what select, poll or epoll_wait told a traced program: which clients are ready, how often one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lab.errors import EvidenceError
from lab.judge.amounts import Amount, read_amount
from lab.judge.calls.traces import LISTENER, Window, name_of, proof_of, whole_trace, window_of
from lab.judge.judging import OfRecording, or_any
from lab.judge.verdict import Comparison, Look, Message, Pair, Result
from lab.kernel.calls import Call, Descriptor
from lab.recording.raw import Trace
from lab.recording.run import Run

WAITS: Final = frozenset({"select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_pwait2"})
_COLUMNS: Final = ("Ready", "Watched")
_SHOWN: Final = 6
"""How many of the other returns, or of the other calls on that connection, a failure shows."""


def ready(
    party: str,
    clients: Sequence[str],
    *,
    id: str,  # noqa: A002 - the exercise's word
    watched: int | str = "*",
    step: str | None = None,
) -> Ready:
    """Expect that one wait of a traced program returned these clients as ready and nothing else, of so many watched.

    A wait counts in the step in which it returned. `listener` stands for the listening socket. What epoll watches is
    not in its call: give no `watched` there. Raises ExerciseError for an amount that cannot be read.
    """
    amount = read_amount(watched, id)
    return Ready(id=id, step=step, party=party, clients=frozenset(clients), watched=amount)


def told_of(
    party: str,
    client: str,
    count: int | str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    within: tuple[str, str] | None = None,
    step: str | None = None,
) -> ToldOf:
    """Expect how many waits of a traced program returned with this client among the ready ones.

    `within` names two readings of what the program used (`stage.measure`), between which the waits returned; without it
    those of the step count. Raises ExerciseError for an amount that cannot be read.
    """
    amount = read_amount(count, id)
    return ToldOf(id=id, step=step, party=party, client=client, count=amount, within=within)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(OfRecording):
    """Which descriptors a wait told of."""

    party: str
    clients: frozenset[str]
    watched: Amount

    def expected(self) -> Message:
        """Return the clients, and how many descriptors are watched."""
        fields = {"party": self.party, "ready": _shown(self.clients), "watched": or_any(self.watched.text)}
        return Message("ready", fields)

    def find(self, run: Run) -> Result:
        """Look for such a return; a fail shows what the waits returned instead."""
        trace = whole_trace(run, self.party)
        names = _names(run, trace.calls)
        calls = _returned(trace, window_of(run, self.party, self.step))
        waits = [call for call in calls if call.name in WAITS and call.ready]
        pairs = [(self._pair(call, names), call) for call in waits]
        right = next(((pair, call) for pair, call in pairs if pair.agrees), None)
        if right:
            fields = {"party": self.party, "ready": _shown(self.clients), "watched": (right[0].observed or ("", ""))[1]}
            look, proof = (Look(trace.file, line=right[1].row),), proof_of(self.party, right[1:])
            return self.result(True, Message("ready", fields), Comparison(_COLUMNS, (right[0],)), look, proof)  # noqa: FBT003
        missing = Pair((_shown(self.clients), self.watched.text), None, frozenset())
        others = (Pair(None, pair.observed, frozenset()) for pair, _ in pairs[:_SHOWN])
        look = (Look(trace.file, line=waits[0].row if waits else None),)
        observed = Message("ready-else", {"party": self.party, "returns": len(waits)})
        proof = proof_of(self.party, waits[:1])
        return self.result(False, observed, Comparison(_COLUMNS, (missing, *others)), look, proof)  # noqa: FBT003

    def _pair(self, call: Call, names: Mapping[int, str]) -> Pair:
        told = frozenset(names.get(fd, f"fd {fd}") for fd in call.ready)
        watched = len({each.fd for each in call.descriptors})
        differs = {0} if told != self.clients else set()
        differs |= {1} if not self.watched.holds(watched) else set()
        expected = (_shown(self.clients), self.watched.text)
        return Pair(expected, (_shown(told), str(watched)), frozenset(differs))


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldOf(OfRecording):
    """How often a wait told of a client."""

    party: str
    client: str
    count: Amount
    within: tuple[str, str] | None

    def expected(self) -> Message:
        """Return who is told of whom, and how often."""
        fields = {"party": self.party, "client": self.client, "count": or_any(self.count.text)}
        return Message("told-of", fields)

    def find(self, run: Run) -> Result:
        """Count the returns; a fail shows what else was called on that connection meanwhile."""
        trace = whole_trace(run, self.party)
        fd = self._descriptor(run, trace)
        calls = _returned(trace, window_of(run, self.party, self.step, self.within))
        told = [call for call in calls if call.name in WAITS and fd in call.ready]
        right = self.count.holds(len(told))
        differs = frozenset() if right else frozenset({1})
        pairs = [Pair((self.client, self.count.text), (self.client, str(len(told))), differs)]
        if not right:
            others = Counter(f"{call.name}({self.client})" for call in calls if call.on and call.on.fd == fd)
            pairs += [Pair(None, (name, str(count)), frozenset()) for name, count in others.most_common(_SHOWN)]
        fields = {"party": self.party, "client": self.client, "count": len(told)}
        look = (Look(trace.file, line=told[0].row if told else None),)
        comparison = Comparison(("Told of", "Count"), tuple(pairs))
        return self.result(right, Message("told-of", fields), comparison, look, proof_of(self.party, told[:1]))

    def _descriptor(self, run: Run, trace: Trace) -> int:
        """Return the number that the client's connection has in the program; EvidenceError when it has none."""
        client = run.play.party(self.client)
        for call in trace.calls:
            for each in _descriptors(call):
                if each.peer == client.local and client.has(each.local, each.peer):
                    return int(each.fd)
        raise EvidenceError("record-missing", kind="endpoint", name=self.client)


def _names(run: Run, calls: Sequence[Call]) -> dict[int, str]:
    """Return whose connection each descriptor is; the latest of a number that was used again."""
    names = {}
    for call in calls:
        for each in _descriptors(call):
            if name := name_of(run, each):
                names[each.fd] = name
            elif each.local and each.peer is None:
                names[each.fd] = LISTENER
    return names


def _descriptors(call: Call) -> Sequence[Descriptor]:
    """Return what a call was handed and what it made."""
    return (*call.descriptors, *([call.made] if call.made else ()))


def _returned(trace: Trace, window: Window | None) -> Sequence[Call]:
    """Return the calls that returned within a window, whenever they began: a wait may have been long."""
    if window is None:
        return trace.calls
    return [call for call in trace.calls if call.ended_ns is not None and window[0] <= call.ended_ns <= window[1]]


def _shown(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
