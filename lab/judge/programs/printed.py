"""Expect what a program printed, and how it ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lab.evidence.layout import EVIDENCE_FILE
from lab.evidence.records import Evidence
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged
from lab.judge.verdict import Comparison, Look, Message, Pair, Result, Verdict

_LAST: Final = 8
"""How many of a program's lines a failure shows."""

_ANYTHING: Final = re.compile(r"(?:\.|\\[dswDSW])[*+]\??")
_SPECIAL: Final = re.compile(r"[][(){}|?*+^$]")


def printed(
    party: str,
    text: str | None = None,
    *,
    id: str,  # noqa: A002 - the exercise's word
    matches: str | None = None,
    step: str | None = None,
    stream: str = "stdout",
) -> Printed:
    """Expect that a program printed this line, exactly, or one that the regular expression `matches` matches wholly.

    Raises ExerciseError for a regular expression that cannot be read, or when not exactly one of the two is given.
    """
    if (text is None) == (matches is None):
        raise ExerciseError("printed-what", id=id)
    try:
        pattern = re.compile(re.escape(text) if text is not None else matches or "")
    except re.error as error:
        raise ExerciseError("printed-pattern", id=id, line=matches, reason=str(error)) from None
    exact = text is not None
    shown = text if text is not None else in_words(matches or "")
    return Printed(id=id, step=step, party=party, pattern=pattern, shown=shown, exact=exact, stream=stream)


def in_words(pattern: str) -> str:
    r"""Return a regular expression as a line to look for: `…` for anything, nothing for anything at its ends.

    One that says more than that comes back unchanged.

    >>> in_words(r".* IP .* > .*: Flags \[S\.\], seq \d+, win .*")
    'IP … > …: Flags [S.], seq …, win'
    """
    pieces = [re.sub(r"\\(\W)", "", piece) for piece in _ANYTHING.split(pattern)]
    if any(_SPECIAL.search(piece) or "\\" in piece for piece in pieces):
        return pattern
    plain = (re.sub(r"\\(\W)", r"\1", piece) for piece in _ANYTHING.split(pattern))
    return "…".join(plain).strip("… ")


def never_printed(
    party: str,
    matches: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
    stream: str = "stdout",
) -> NeverPrinted:
    """Expect that a program printed something, but no line that the regular expression matches wholly.

    Raises ExerciseError for a regular expression that cannot be read.
    """
    wanted = printed(party, id=id, matches=matches, step=step, stream=stream)
    return NeverPrinted(id=id, step=step, party=party, pattern=wanted.pattern, shown=wanted.shown, stream=stream)


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
class Printed(Judged):
    """A line that a program printed."""

    party: str
    pattern: re.Pattern[str]
    shown: str
    exact: bool
    stream: str

    def expected(self) -> Message:
        """Return the line, or what it should be like."""
        return Message("printed" if self.exact else "printed-like", {"party": self.party, "line": self.shown})

    def find(self, evidence: Evidence) -> Result:
        """Look for the line; a fail shows the last lines there are."""
        evidence.party(self.party)
        lines = [line.text for line in evidence.outputs if (line.actor, line.stream) == (self.party, self.stream)]
        found = next((line for line in lines if self.pattern.fullmatch(line)), None)
        look = (Look(EVIDENCE_FILE),)
        if found is not None:
            comparison = Comparison(("Line",), (Pair((self.shown,), (found,), frozenset()),))
            return self.result(Verdict.PASS, Message("printed", {"party": self.party, "line": found}), comparison, look)
        code = "printed-else" if lines else "printed-nothing"
        observed = Message(code, {"party": self.party, "stream": self.stream, "lines": len(lines)})
        return self.result(Verdict.FAIL, observed, self._comparison(lines[-_LAST:]), look)

    def _comparison(self, lines: list[str]) -> Comparison:
        missing = Pair((self.shown,), None, frozenset())
        return Comparison(("Line",), (missing, *(Pair(None, (line,), frozenset()) for line in lines)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverPrinted(Judged):
    """A line that is in nothing a program printed."""

    party: str
    pattern: re.Pattern[str]
    shown: str
    stream: str

    def expected(self) -> Message:
        """Return the line that must not be there."""
        return Message("never-printed", {"party": self.party, "line": self.shown})

    def find(self, evidence: Evidence) -> Result:
        """Look for the line; a fail shows the first one, and a program that printed nothing proves nothing."""
        evidence.party(self.party)
        lines = [line.text for line in evidence.outputs if (line.actor, line.stream) == (self.party, self.stream)]
        look = (Look(EVIDENCE_FILE),)
        if not lines:
            nothing = Message("printed-nothing", {"party": self.party, "stream": self.stream, "lines": 0})
            return self.result(Verdict.FAIL, nothing, None, look)
        found = next((line for line in lines if self.pattern.fullmatch(line)), None)
        if found is None:
            return self.result(Verdict.PASS, self.expected(), None, look)
        comparison = Comparison(("Line",), (Pair(None, (found,), frozenset()),))
        return self.result(Verdict.FAIL, Message("printed", {"party": self.party, "line": found}), comparison, look)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited(Judged):
    """The end of a program."""

    party: str
    status: int

    def expected(self) -> Message:
        """Return the exit status."""
        return _ended(self.party, self.status)

    def find(self, evidence: Evidence) -> Result:
        """Look for the program's end; one that is still running at the end of the run has none."""
        evidence.party(self.party)
        ends = [end.status for end in evidence.exits if end.actor == self.party]
        observed = _ended(self.party, ends[-1]) if ends else Message("still-running", {"party": self.party})
        return self.result(self.status in ends[-1:], observed, None, (Look(EVIDENCE_FILE),))


def _ended(party: str, status: int) -> Message:
    if status < 0:
        return Message("ended-by-signal", {"party": party, "signal": -status})
    return Message("exited", {"party": party, "status": status})
