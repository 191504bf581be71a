"""Expect which lines a program printed, and which it never did."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lab.judge.errors import ExerciseError
from lab.judge.judging import OfPlay
from lab.judge.programs.lines import (
    LAST,
    last_lines,
    like,
    lines_of,
    look_at_line,
    not_among,
    proof_of,
    read_pattern,
    too_much,
)
from lab.judge.verdict import Comparison, Message, Pair, Result, Verdict
from lab.recording.run import Run

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
    pattern = re.compile(re.escape(text)) if text is not None else read_pattern(matches or "", id)
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


def sooner(
    party: str,
    first: str,
    then: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
) -> Sooner:
    """Expect that a program printed a line like `first`, and none like `then` before it.

    Raises ExerciseError for a regular expression that cannot be read.
    """
    try:
        patterns = re.compile(first), re.compile(then)
    except re.error as error:
        raise ExerciseError("printed-pattern", id=id, line=f"{first} {then}", reason=str(error)) from None
    return Sooner(id=id, step=step, party=party, first=patterns[0], then=patterns[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed(OfPlay):
    """A line that a program printed."""

    party: str
    pattern: re.Pattern[str]
    shown: str
    exact: bool
    stream: str

    def expected(self) -> Message:
        """Return the line, or what it should be like."""
        return Message("printed" if self.exact else "printed-like", {"party": self.party, "line": self.shown})

    def find(self, run: Run) -> Result:
        """Look for the line; a fail shows the last lines there are."""
        lines = lines_of(run, self.party, self.stream)
        at = _first(self.pattern, lines)
        look = look_at_line(run, self.party, -1 if at is None else at, self.stream)
        if at is not None:
            found = lines[at]
            comparison = Comparison(("Line",), (Pair((self.shown,), (found,), frozenset()),))
            observed, proof = (
                Message("printed", {"party": self.party, "line": found}),
                like(run, self.step, self.party, found),
            )
            return self.result(Verdict.PASS, observed, comparison, look, proof[:1])
        observed, proof = not_among(lines, self.party, self.stream), last_lines(run, self.party, self.stream)
        return self.result(Verdict.FAIL, observed, self._comparison(lines[-LAST:]), look, proof)

    def _comparison(self, lines: Sequence[str]) -> Comparison:
        missing = Pair((self.shown,), None, frozenset())
        return Comparison(("Line",), (missing, *(Pair(None, (line,), frozenset()) for line in lines)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverPrinted(OfPlay):
    """A line that is in nothing a program printed."""

    party: str
    pattern: re.Pattern[str]
    shown: str
    stream: str

    def expected(self) -> Message:
        """Return the line that must not be there."""
        return Message("never-printed", {"party": self.party, "line": self.shown})

    def find(self, run: Run) -> Result:
        """Look for the line; a fail shows the first one, and a program that printed nothing proves nothing.

        `look` names that line, else the first that it printed: from there on one can see that it is not there.
        """
        lines = lines_of(run, self.party, self.stream)
        at = _first(self.pattern, lines)
        look = look_at_line(run, self.party, at or 0, self.stream)
        if not lines:
            return self.result(Verdict.FAIL, not_among(lines, self.party, self.stream), None, look, ())
        if at is None:
            beyond = too_much(run, self.party)
            mine = (line for line in run.play.outputs if line.actor == self.party)
            proof = () if beyond else proof_of(run, self.step, mine)
            return self.result(beyond is None, beyond or self.expected(), None, look, proof)
        comparison = Comparison(("Line",), (Pair(None, (lines[at],), frozenset()),))
        observed = Message("printed", {"party": self.party, "line": lines[at]})
        return self.result(Verdict.FAIL, observed, comparison, look, like(run, self.step, self.party, lines[at])[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sooner(OfPlay):
    """A line that comes before others."""

    party: str
    first: re.Pattern[str]
    then: re.Pattern[str]

    def expected(self) -> Message:
        """Return the program."""
        return Message("sooner", {"party": self.party})

    def find(self, run: Run) -> Result:
        """Look for the first line of either kind, in order."""
        lines = lines_of(run, self.party)
        either = (at for at, line in enumerate(lines) if any(one.fullmatch(line) for one in (self.first, self.then)))
        at = next(either, None)
        look = look_at_line(run, self.party, -1 if at is None else at)
        if at is None:
            proof = last_lines(run, self.party)
            return self.result(False, not_among(lines, self.party), None, look, proof)  # noqa: FBT003 - neither came
        observed = Message("printed", {"party": self.party, "line": lines[at]})
        proof = like(run, self.step, self.party, lines[at])[:1]
        if self.first.fullmatch(lines[at]):
            return self.result(True, observed, None, look, proof)  # noqa: FBT003
        too_early = Comparison(("Line",), (Pair(None, (lines[at],), frozenset()),))
        return self.result(False, observed, too_early, look, proof)  # noqa: FBT003


def _first(pattern: re.Pattern[str], lines: Sequence[str]) -> int | None:
    """Return the number (from 0) of the first line that the pattern matches wholly."""
    return next((at for at, line in enumerate(lines) if pattern.fullmatch(line)), None)
