"""Expect which clients one select, poll or epoll_wait told of as ready, among how many that it watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lab.evidence.records import Evidence
from lab.judge.amounts import Amount, parse_amount
from lab.judge.calls.made import LISTENER, name_of, step_window, whole_trace
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged, or_any
from lab.judge.verdict import Comparison, Look, Message, Pair, Result
from lab.kernel.calls import Call

WAITS: Final = frozenset({"select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_pwait2"})
_SHOWN: Final = 6
"""How many of the other returns a failure shows."""


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
    try:
        amount = parse_amount(watched)
    except ValueError:
        raise ExerciseError("amount", id=id, value=watched) from None
    return Ready(id=id, step=step, party=party, clients=frozenset(clients), watched=amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(Judged):
    """Which descriptors a wait told of."""

    party: str
    clients: frozenset[str]
    watched: Amount

    def expected(self) -> Message:
        """Return the clients, and how many descriptors are watched."""
        fields = {"party": self.party, "ready": _shown(self.clients), "watched": or_any(self.watched.text)}
        return Message("ready", fields)

    def find(self, evidence: Evidence) -> Result:
        """Look for such a return; a fail shows what the waits returned instead."""
        trace = whole_trace(evidence, self.party)
        names = _names(evidence, trace.calls)
        # The step's window begins with its first act: what returns within may have waited for long.
        window = step_window(evidence, self.step) if self.step else None
        waits = [call for call in trace.calls if call.name in WAITS and call.ready and _within(call, window)]
        pairs = [(self._pair(call, names), call.row) for call in waits]
        right = next(((pair, row) for pair, row in pairs if pair.agrees), None)
        if right:
            fields = {"party": self.party, "ready": _shown(self.clients), "watched": (right[0].observed or ("", ""))[1]}
            look = (Look(trace.file, line=right[1]),)
            return self.result(True, Message("ready", fields), Comparison(_COLUMNS, (right[0],)), look)  # noqa: FBT003
        missing = Pair((_shown(self.clients), self.watched.text), None, frozenset())
        others = (Pair(None, pair.observed, frozenset()) for pair, _ in pairs[:_SHOWN])
        look = (Look(trace.file, line=pairs[0][1] if pairs else None),)
        observed = Message("ready-else", {"party": self.party, "returns": len(waits)})
        return self.result(False, observed, Comparison(_COLUMNS, (missing, *others)), look)  # noqa: FBT003

    def _pair(self, call: Call, names: Mapping[int, str]) -> Pair:
        told = frozenset(names.get(fd, f"fd {fd}") for fd in call.ready)
        watched = len({each.fd for each in call.descriptors})
        differs = {0} if told != self.clients else set()
        differs |= {1} if not self.watched.holds(watched) else set()
        expected = (_shown(self.clients), self.watched.text)
        return Pair(expected, (_shown(told), str(watched)), frozenset(differs))


_COLUMNS: Final = ("Ready", "Watched")


def _names(evidence: Evidence, calls: Sequence[Call]) -> dict[int, str]:
    """Return whose connection each descriptor is; the latest of a number that was used again."""
    names = {}
    for call in calls:
        for each in (*call.descriptors, *([call.made] if call.made else ())):
            if each.peer and (name := name_of(evidence, each.peer)):
                names[each.fd] = name
            elif each.local and each.peer is None:
                names[each.fd] = LISTENER
    return names


def _within(call: Call, window: tuple[int, int] | None) -> bool:
    return window is None or (call.ended_ns is not None and window[0] <= call.ended_ns <= window[1])


def _shown(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
