"""Expect how often select, poll or epoll_wait told a traced program of one client."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from lab.errors import EvidenceError
from lab.evidence.records import Evidence, Trace
from lab.judge.amounts import Amount, parse_amount
from lab.judge.calls.made import step_window, whole_trace
from lab.judge.calls.readiness import WAITS
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged, or_any
from lab.judge.verdict import Comparison, Look, Message, Pair, Result

_SHOWN: Final = 6
"""How many of the other calls on that connection a failure shows."""


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
    try:
        amount = parse_amount(count)
    except ValueError:
        raise ExerciseError("amount", id=id, value=count) from None
    return ToldOf(id=id, step=step, party=party, client=client, count=amount, within=within)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldOf(Judged):
    """How often a wait told of a client."""

    party: str
    client: str
    count: Amount
    within: tuple[str, str] | None

    def expected(self) -> Message:
        """Return who is told of whom, and how often."""
        fields = {"party": self.party, "client": self.client, "count": or_any(self.count.text)}
        return Message("told-of", fields)

    def find(self, evidence: Evidence) -> Result:
        """Count the returns; a fail shows what else was called on that connection meanwhile."""
        trace = whole_trace(evidence, self.party)
        fd = self._descriptor(evidence, trace)
        window = self._window(evidence)
        calls = [
            call
            for call in trace.calls
            if window is None or (call.ended_ns is not None and window[0] <= call.ended_ns <= window[1])
        ]
        told = [call for call in calls if call.name in WAITS and fd in call.ready]
        right = self.count.holds(len(told))
        differs = frozenset() if right else frozenset({1})
        pairs = [Pair((self.client, self.count.text), (self.client, str(len(told))), differs)]
        if not right:
            others = Counter(f"{call.name}({self.client})" for call in calls if call.on and call.on.fd == fd)
            pairs += [Pair(None, (name, str(count)), frozenset()) for name, count in others.most_common(_SHOWN)]
        fields = {"party": self.party, "client": self.client, "count": len(told)}
        look = (Look(trace.file, line=told[0].row if told else None),)
        return self.result(right, Message("told-of", fields), Comparison(("Told of", "Count"), tuple(pairs)), look)

    def _window(self, evidence: Evidence) -> tuple[int, int] | None:
        if self.within:
            first, last = (evidence.usage(name, self.party).time_ns for name in self.within)
            return first, last
        return step_window(evidence, self.step) if self.step else None

    def _descriptor(self, evidence: Evidence, trace: Trace) -> int:
        """Return the number that the client's connection has in the program; EvidenceError when it has none."""
        local = evidence.party(self.client).local
        for call in trace.calls:
            for each in (*call.descriptors, *([call.made] if call.made else ())):
                if local is not None and each.peer == local:
                    return int(each.fd)
        raise EvidenceError("record-missing", kind="endpoint", name=self.client)
