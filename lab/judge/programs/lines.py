"""The lines that a program printed, and the words for what is not among them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.evidence.records import Evidence
from lab.judge.errors import ExerciseError
from lab.judge.verdict import Message


def lines_of(evidence: Evidence, party: str, stream: str = "stdout") -> Sequence[str]:
    """Return the lines that a program printed on a stream; EvidenceError when the run has no such program."""
    evidence.party(party)
    return [line.text for line in evidence.outputs if (line.actor, line.stream) == (party, stream)]


def not_among(lines: Sequence[str], party: str, stream: str = "stdout") -> Message:
    """Return that a program printed other lines than the wanted one, or nothing at all."""
    code = "printed-else" if lines else "printed-nothing"
    return Message(code, {"party": party, "stream": stream, "lines": len(lines)})


def read_pattern(matches: str, expectation: str) -> re.Pattern[str]:
    """Read a regular expression of an exercise; ExerciseError naming the expectation for one that cannot be read."""
    try:
        return re.compile(matches)
    except re.error as error:
        raise ExerciseError("printed-pattern", id=expectation, line=matches, reason=str(error)) from None
