"""Expect which system calls a traced program made, how often, and in which it waited."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from lab.errors import EvidenceError
from lab.judge.amounts import Amount, read_amount
from lab.judge.calls.traces import (
    LISTENER,
    Window,
    calls_within,
    name_of,
    overlap_ns,
    proof_of,
    step_window,
    whole_trace,
    window_of,
    works_on,
)
from lab.judge.errors import ExerciseError
from lab.judge.judging import OfRecording, or_any
from lab.judge.serving.services import service
from lab.judge.verdict import Comparison, Look, Message, Pair, Result
from lab.kernel.calls import Call
from lab.recording.run import Run

_SHOWN: Final = 6
"""How many of the other calls a failure shows."""
_MOST: Final = 0.5
ANY: Final = "*"


def called(  # noqa: PLR0913 - the exercise's keywords
    party: str,
    name: str,
    count: int | str = ">0",
    *,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
    error: str | None = None,
    of: str | int | None = None,
    within: tuple[str, str] | None = None,
) -> Called:
    """Expect how often a traced program made a system call, in its step or in the whole of its trace.

    `name` is as programs write it (`recv`, `accept`, `select`) or as the kernel does (`recvfrom`); `*` is any. `error`
    counts only those that failed so (`EAGAIN`). `of` counts only those on one descriptor: a client's name for its
    connection, `listener`, or a number. `within` names two readings of what the program used (`stage.measure`), between
    which the calls began. Raises ExerciseError for an amount that cannot be read.
    """
    amount = read_amount(count, id)
    return Called(id=id, step=step, party=party, name=name, count=amount, error=error, of=of, within=within)


def blocked_in(
    party: str,
    name: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
    of: str | int | None = None,
    while_waits: str | None = None,
) -> BlockedIn:
    """Expect that a traced program spends the greater part of a time inside one system call on one descriptor.

    The time is from the arrival of the first request of the client `while_waits` to its answer, else the step. How long
    that is does not matter.
    """
    if step is None and while_waits is None:
        raise ExerciseError("blocked-when", id=id)
    return BlockedIn(id=id, step=step, party=party, name=name, of=of, while_waits=while_waits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfCalls(OfRecording):
    """What both share: a program, a call, a descriptor."""

    party: str
    name: str
    of: str | int | None

    def _fits(self, run: Run, call: Call) -> bool:
        return self.name in (ANY, call.name, call.family) and (self.of is None or works_on(run, call, self.of))


@dataclass(frozen=True, slots=True, kw_only=True)
class Called(_OfCalls):
    """How often a program made a system call."""

    count: Amount
    error: str | None
    within: tuple[str, str] | None

    def expected(self) -> Message:
        """Return the call and its number."""
        fields = {"party": self.party, "call": _shown(self.name, self.of, self.error), "count": or_any(self.count.text)}
        return Message("called", fields)

    def find(self, run: Run) -> Result:
        """Count in the trace; a fail shows which calls there were instead."""
        trace = whole_trace(run, self.party)
        calls = calls_within(trace, window_of(run, self.party, self.step, self.within))
        mine = [call for call in calls if self._counts(run, call)]
        right = self.count.holds(len(mine))
        observed = Message("called-count", {"call": _shown(self.name, self.of, self.error), "count": len(mine)})
        differs = frozenset() if right else frozenset({1})
        shown = _shown(self.name, self.of, self.error)
        pairs = [Pair((shown, self.count.text), (shown, str(len(mine))), differs)]
        if not right:
            counted = {call.row for call in mine}
            others = Counter(_told(run, call) for call in calls if call.row not in counted)
            pairs += [Pair(None, (told, str(count)), frozenset()) for told, count in others.most_common(_SHOWN)]
        first = next(iter(mine), next(iter(calls), None))
        look = (Look(trace.file, line=first.row if first else None),)
        return self.result(
            right, observed, Comparison(("Call", "Count"), tuple(pairs)), look, proof_of(self.party, mine)
        )

    def _counts(self, run: Run, call: Call) -> bool:
        if self.error not in (None, call.error) or (self.error is None and call.broken_off):
            return False
        return self._fits(run, call)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedIn(_OfCalls):
    """In which call a program waited for the greater part of a time."""

    while_waits: str | None

    def expected(self) -> Message:
        """Return the call, and whose waiting it is."""
        fields = {"party": self.party, "call": _shown(self.name, self.of)}
        if self.while_waits is None:
            return Message("blocked-in", fields)
        return Message("blocked-in-while", {**fields, "client": self.while_waits})

    def find(self, run: Run) -> Result:
        """Add up how long it was inside which call; a fail shows where it was instead."""
        trace = whole_trace(run, self.party)
        window = self._window(run)
        whole = max(1, window[1] - window[0])
        inside: Counter[str] = Counter()
        longest: dict[str, Call] = {}
        mine = 0
        for call in trace.calls:
            spent = overlap_ns(call, window)
            told = _told(run, call)
            inside[told] += spent
            if spent and (told not in longest or overlap_ns(longest[told], window) < spent):
                longest[told] = call
            # EAGAIN: it did not wait, whatever strace or a busy machine made of its time.
            mine += spent if call.error != "EAGAIN" and self._fits(run, call) else 0
        right = mine >= _MOST * whole
        shown = _shown(self.name, self.of)
        differs = frozenset() if right else frozenset({1})
        pairs = [Pair((shown, f">= {_MOST:.0%}"), (shown, f"{mine / whole:.0%}"), differs)]
        ranked = [(told, spent) for told, spent in inside.most_common(_SHOWN) if spent]
        if not right:
            pairs += [Pair(None, (told, f"{spent / whole:.0%}"), frozenset()) for told, spent in ranked]
        top, spent = ranked[0] if ranked else ("", 0)
        fields = {"party": self.party, "call": top, "share": f"{spent / whole:.0%}"}
        observed = Message("blocked-share" if top else "blocked-nowhere", fields)
        calls = [longest[top]] if top else []
        look = (Look(trace.file, line=calls[0].row if calls else None),)
        proof = proof_of(self.party, calls)
        return self.result(right, observed, Comparison(("Call", "Inside"), tuple(pairs)), look, proof)

    def _window(self, run: Run) -> Window:
        if self.while_waits is None:
            return step_window(run, self.step or "")
        waits = service(run, self.while_waits)
        if waits.asked_ns is None:
            raise EvidenceError("record-missing", kind="request", name=self.while_waits)
        return waits.asked_ns, waits.answered_ns or waits.ended_ns


def _shown(name: str, of: str | int | None, error: str | None = None) -> str:
    place = "" if of is None else f"fd {of}" if isinstance(of, int) else of
    return f"{name}({place})" + (f" {error}" if error else "")


def _told(run: Run, call: Call) -> str:
    """Return a call as it is shown: with the client whose connection it works on, or what else its descriptor is."""
    on = call.on
    place = ""
    if on is not None:
        listens = LISTENER if on.local is not None and on.peer is None else None
        place = name_of(run, on) or listens or f"fd {on.fd}"
    return f"{call.name}({place})" + (f" {call.error}" if call.error else "")
