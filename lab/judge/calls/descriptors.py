"""Expect how many descriptors a traced program handed to the kernel with some of its system calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.judge.amounts import Amount, read_amount
from lab.judge.calls.traces import calls_within, proof_of, whole_trace, window_of
from lab.judge.judging import OfRecording, or_any
from lab.judge.verdict import Comparison, Look, Message, Pair, Result
from lab.kernel.calls import Call
from lab.recording.run import Run


def handed(
    party: str,
    calls: Sequence[str],
    count: int | str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    kind: str = "TCP",
    step: str | None = None,
) -> Handed:
    """Expect how many descriptors a traced program handed over with all its calls of these names, in a step or at all.

    The names are as programs write them (`select`, `epoll_wait`) or as the kernel does. `kind` counts only descriptors
    in whose description by strace this stands: `TCP` for sockets, `eventpoll` for what epoll_create() made. Raises
    ExerciseError for an amount that cannot be read.
    """
    amount = read_amount(count, id)
    return Handed(id=id, step=step, party=party, calls=tuple(calls), count=amount, kind=kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed(OfRecording):
    """Descriptors in the arguments of some calls."""

    party: str
    calls: tuple[str, ...]
    count: Amount
    kind: str

    def expected(self) -> Message:
        """Return the calls, and the number of descriptors."""
        fields = {"party": self.party, "calls": ", ".join(self.calls), "kind": self.kind}
        return Message("handed", {**fields, "count": or_any(self.count.text)})

    def find(self, run: Run) -> Result:
        """Add up; the comparison shows each call by its name, how often it was made and what it carried."""
        trace = whole_trace(run, self.party)
        window = window_of(run, self.party, self.step)
        total, first, named = 0, None, None
        pairs = []
        handing: list[Call] = []
        for name in self.calls:
            made = [call for call in calls_within(trace, window) if name in (call.name, call.family)]
            carried = [sum(self.kind in each.what for each in call.descriptors) for call in made]
            total += sum(carried)
            pairs.append(Pair(None, (name, str(len(made)), str(sum(carried))), frozenset()))
            named = named or next((call.row for call in made), None)
            handing += [call for call, count in zip(made, carried, strict=True) if count]
            first = first or next((call.row for call in handing), None)
        right = self.count.holds(total)
        differs = frozenset() if right else frozenset({2})
        whole = Pair(("*", "*", self.count.text), ("+".join(self.calls), "", str(total)), differs)
        fields = {"party": self.party, "calls": ", ".join(self.calls), "kind": self.kind, "count": total}
        look = (Look(trace.file, line=first or named),)
        comparison = Comparison(("Call", "Calls", "Descriptors"), (whole, *pairs) if not right else (whole,))
        return self.result(right, Message("handed", fields), comparison, look, proof_of(self.party, handing))
