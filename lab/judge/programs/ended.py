"""Expect how a program ended."""

from __future__ import annotations

from dataclasses import dataclass

from lab.judge.judging import OfPlay, look_in
from lab.judge.programs.lines import look_at_party
from lab.judge.verdict import Message, ProgramEnd, Result
from lab.recording.run import Run


def exited(
    party: str,
    status: int,
    *,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
) -> Exited:
    """Expect that a program ended with this exit status, or minus the signal that ended it."""
    return Exited(id=id, step=step, party=party, status=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited(OfPlay):
    """The end of a program."""

    party: str
    status: int

    def expected(self) -> Message:
        """Return the exit status."""
        return _ended(self.party, self.status)

    def find(self, run: Run) -> Result:
        """Look for the program's end; one that is still running at the end of the run has none."""
        run.play.party(self.party)
        ends = [(at, end) for at, end in enumerate(run.play.exits) if end.actor == self.party]
        if not ends:
            running = Message("still-running", {"party": self.party})
            return self.result(False, running, None, look_at_party(run, self.party), ())  # noqa: FBT003 - no end
        at, end = ends[-1]
        look = (look_in(run, "exits", at, "status"),)
        observed = _ended(self.party, end.status)
        proof = (ProgramEnd(self.party, end.time_ns, observed),)
        return self.result(end.status == self.status, observed, None, look, proof)


def _ended(party: str, status: int) -> Message:
    if status < 0:
        return Message("ended-by-signal", {"party": party, "signal": -status})
    return Message("exited", {"party": party, "status": status})
