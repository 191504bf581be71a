"""Expect which processes had a part in something: started by whom, holding what, saying what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lab.judge.amounts import Amount, read_amount
from lab.judge.judging import OfPlay, OfRecording
from lab.judge.programs.lines import lines_of, look_at_line, not_among, proof_of, read_pattern, too_much
from lab.judge.sockets.rows import look_at_row
from lab.judge.verdict import Comparison, Message, Pair, Result
from lab.recording.run import Run
from lab.wire.state import State

_PID: Final = re.compile(r"\s*\d+\s+(?P<parent>\d+)\b.*")
_NOT_HELD: Final = "-"
_LAST: Final = 4
"""How many of a program's other lines a failure shows."""


def children(
    listing: str,
    *,
    of: str,
    count: int | str,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
) -> Children:
    """Expect so many children of a program in what `ps -o pid,ppid,…` printed as the party `listing`.

    Raises ExerciseError for an amount that cannot be read.
    """
    return Children(id=id, step=step, listing=listing, of=of, count=read_amount(count, id))


def holders(
    snapshot: str,
    *,
    on: str,
    of: str,
    count: int | str,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
) -> Holders:
    """Expect that so many processes hold the established connections of a host's snapshot, the party `of` none.

    With a count of 1 it is the party itself that holds them all. Raises ExerciseError for an amount that cannot be
    read.
    """
    return Holders(id=id, step=step, snapshot=snapshot, on=on, of=of, count=read_amount(count, id))


def own_words(
    party: str,
    matches: str,
    *,
    count: int | str,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
) -> OwnWords:
    """Expect so many lines of a program that the regular expression matches, each with its own process id as `pid`.

    The texts of another named group all differ, and none is that id. Raises ExerciseError for an expression or an
    amount that cannot be read.
    """
    pattern = read_pattern(matches, id)
    return OwnWords(id=id, step=step, party=party, pattern=pattern, count=read_amount(count, id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Children(OfPlay):
    """How many children of a program a listing shows."""

    listing: str
    of: str
    count: Amount

    def expected(self) -> Message:
        """Return how many."""
        return Message("children", {"party": self.of, "count": self.count.text})

    def find(self, run: Run) -> Result:
        """Count the lines with that parent."""
        parent = str(run.play.party(self.of).pid)
        lines = lines_of(run, self.listing)
        at = [at for at, line in enumerate(lines) if (match := _PID.fullmatch(line)) and match["parent"] == parent]
        found = [lines[number] for number in at]
        observed = Message("children", {"party": self.of, "count": len(found)})
        pairs = tuple(Pair(None, (line.strip(),), frozenset()) for line in found)
        right = self.count.holds(len(found))
        look = look_at_line(run, self.listing, at[0] if at else 0)
        listed = (line for line in run.play.outputs if line.actor == self.listing and line.text in found)
        proof = proof_of(run, self.step, listed)
        return self.result(right, observed, None if right else Comparison(("Line",), pairs), look, proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders(OfRecording):
    """Which processes hold the connections."""

    snapshot: str
    on: str
    of: str
    count: Amount

    def expected(self) -> Message:
        """Return how many processes, each with a connection."""
        return Message("holders", {"host": self.on, "party": self.of, "count": self.count.text})

    def find(self, run: Run) -> Result:
        """Look who holds each connection; a fail marks those that the program itself holds, or nobody."""
        snapshot = run.snapshot(self.snapshot, self.on)
        itself = run.play.party(self.of).pid
        rows = [row for row in snapshot.rows if row.state is State.ESTABLISHED]
        pids = [{process.pid for process in row.processes} for row in rows]
        several = self.count.text != "1"
        fits = [bool(held) and (itself not in held if several else held == {itself}) for held in pids]
        number = len(set[int]().union(*pids))
        wanted = f"≠ {itself}" if several else f"{itself}"
        pairs = tuple(
            Pair((peer := str(row.peer), wanted), (peer, _shown(held)), frozenset() if right else frozenset({1}))
            for row, held, right in zip(rows, pids, fits, strict=True)
        )
        observed = Message("held", {"host": self.on, "count": number, "rows": len(rows)})
        look = (look_at_row(snapshot, rows[0] if rows else None),)
        comparison = Comparison(("Peer", "Pid"), pairs) if pairs else None
        return self.result(self.count.holds(number) and all(fits), observed, comparison, look)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWords(OfPlay):
    """Lines that a program printed itself, not one of its children."""

    party: str
    pattern: re.Pattern[str]
    count: Amount

    def expected(self) -> Message:
        """Return how many lines."""
        return Message("own-words", {"party": self.party, "count": self.count.text})

    def find(self, run: Run) -> Result:
        """Look for the lines; a fail marks those of another process, or alike where they must differ."""
        pid = str(run.play.party(self.party).pid)
        lines = lines_of(run, self.party)
        if not lines:
            look = look_at_line(run, self.party, 0)
            return self.result(False, not_among(lines, self.party), None, look, ())  # noqa: FBT003 - it does not hold
        matches = [self.pattern.fullmatch(line) for line in lines]
        found = [match for match in matches if match]
        others = [name for name in self.pattern.groupindex if name != "pid"]
        taken = {name: [pid, *(match[name] for match in found)] for name in others}
        right = [match["pid"] == pid and all(taken[name].count(match[name]) == 1 for name in others) for match in found]
        pairs = [
            Pair((f"pid {pid}", "*"), (f"pid {match['pid']}", match[0]), frozenset() if fits else frozenset({0}))
            for match, fits in zip(found, right, strict=True)
        ]
        if not self.count.holds(len(found)):
            others = [line for line in lines[-_LAST:] if not self.pattern.fullmatch(line)]
            pairs += [Pair(None, ("", line), frozenset()) for line in others]
        beyond = too_much(run, self.party)
        observed = beyond or Message("own-words", {"party": self.party, "count": sum(right)})
        holds = self.count.holds(len(found)) and all(right) and beyond is None
        comparison = Comparison(("Pid", "Line"), tuple(pairs)) if pairs else None
        first = next((at for at, match in enumerate(matches) if match), -1)
        told = {pair.observed[1] for pair in pairs if pair.observed and beyond is None}
        mine = (line for line in run.play.outputs if line.actor == self.party and line.text in told)
        look = look_at_line(run, self.party, first)
        return self.result(holds, observed, comparison, look, proof_of(run, self.step, mine))


def _shown(pids: set[int]) -> str:
    return ", ".join(map(str, sorted(pids))) or _NOT_HELD
