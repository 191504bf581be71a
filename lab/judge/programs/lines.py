"""The lines that a program printed, and the words for what is not among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from lab.judge.errors import ExerciseError
from lab.judge.judging import look_in
from lab.judge.verdict import MOST, Look, Message, PrintedLine
from lab.recording.play import TOO_MUCH, Output
from lab.recording.run import Run

LAST: Final = 8
"""How many lines a failure shows."""


def lines_of(run: Run, party: str, stream: str = "stdout") -> Sequence[str]:
    """Return the lines that a program printed on a stream; EvidenceError when the run has no such program."""
    run.play.party(party)
    return [line.text for line in run.play.outputs if (line.actor, line.stream) == (party, stream)]


def look_at_line(run: Run, party: str, number: int, stream: str = "stdout") -> tuple[Look, ...]:
    """Return where the line of that number (from 0; -1 is the last) stands that a program printed on a stream.

    Of a program that printed nothing it is where the record names it.
    """
    mine = [at for at, line in enumerate(run.play.outputs) if (line.actor, line.stream) == (party, stream)]
    return (look_in(run, "outputs", mine[number], "text"),) if mine else look_at_party(run, party)


def look_at_party(run: Run, party: str) -> tuple[Look, ...]:
    """Return where the record names a program."""
    at = next(at for at, one in enumerate(run.play.parties) if one.name == party)
    return (look_in(run, "parties", at, "name"),)


def proof_of(run: Run, step: str | None, lines: Iterable[Output]) -> tuple[PrintedLine, ...]:
    """Return lines as what proves something: those of a step where it has some, the first of many."""
    found = list(lines)
    played = next((each for each in run.play.steps if each.id == step), None)
    if played is not None:
        found = [line for line in found if played.begun_ns <= line.time_ns <= played.ended_ns] or found
    return tuple(PrintedLine(line.actor, line.time_ns, line.text) for line in found[:MOST])


def like(run: Run, step: str | None, party: str, text: str) -> tuple[PrintedLine, ...]:
    """Return all lines of a program that read so, as `proof_of` does."""
    return proof_of(run, step, (line for line in run.play.outputs if (line.actor, line.text) == (party, text)))


def last_lines(run: Run, party: str, stream: str = "stdout") -> tuple[PrintedLine, ...]:
    """Return the last lines that a program printed on a stream, as what a failure shows instead."""
    mine = [line for line in run.play.outputs if (line.actor, line.stream) == (party, stream)]
    return proof_of(run, None, mine[-LAST:])


def too_much(run: Run, party: str) -> Message | None:
    """Return that a program printed more than is kept of both its streams together: nobody can tell what else it said.

    That is its own doing: it makes nothing undecided.
    """
    beyond = any(line.actor == party and line.text == TOO_MUCH for line in run.play.outputs)
    return Message("printed-too-much", {"party": party}) if beyond else None


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
