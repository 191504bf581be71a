"""Which started program was which of the exercise's: by its connection, else by its name and the time of its start."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple

from lab.recording.play import Party
from lab.recording.run import Run

_SLACK_NS: Final = 1_000_000
_NEVER: Final = 1 << 62


class Candidate(NamedTuple):
    """A program that was started: when, where its last call ended, its host, and whose connection it made.

    `host` is None for one that had no socket on the lab's addresses: it may be another lab's.
    """

    pid: int
    program: str
    host: str | None
    begun_ns: int
    last_ns: int
    party: Party | None


def paired(candidates: Sequence[Candidate], run: Run, precision_ns: int) -> dict[int, Party]:
    """Return the parties by their process; `precision_ns` is how far apart the two clocks may be.

    The exercise starts its programs one after another, and its act is told when the program has begun: that was after
    the act before, or under strace some time after its own. Of several it is the one that began nearest to the act; one
    that had no socket of the lab's only when no other is left, and then the one that ended nearest to the party's end.
    """
    found = {each.pid: each.party for each in candidates if each.party}
    known = {party.name for party in found.values()}
    acts = sorted(action.time_ns for action in run.play.actions)
    traced = {(trace.host, trace.pid) for trace in run.recording.traces}
    actors = {action.actor for action in run.play.actions}
    actors -= {party.name for party in run.play.parties if (party.host, party.pid) in traced}
    ends = {each.actor: each.time_ns for each in run.play.exits}
    slack = _SLACK_NS + precision_ns
    for party in run.play.parties:
        if party.name in known:
            continue
        acted, ended = run.acted_ns(party.name), ends.get(party.name)
        place = bisect_left(acts, acted)
        since = acts[place - 1] - slack if place else -_NEVER
        until = _NEVER if ended is None else ended + slack
        latest = acted + slack if party.name in actors else until
        some = [
            each
            for each in candidates
            if each.pid not in found and each.program == party.program and each.host in (None, party.host)
            and since <= each.begun_ns <= latest and (each.host or each.last_ns <= until)
        ]  # fmt: skip
        if some:
            found[min(some, key=lambda each: _distance(each, acted, ended)).pid] = party
    return found


def _distance(each: Candidate, acted: int, ended: int | None) -> tuple[bool, int]:
    far = abs(each.begun_ns - acted)
    if each.host is None and ended is not None:
        far += abs(each.last_ns - ended)
    return each.host is None, far
