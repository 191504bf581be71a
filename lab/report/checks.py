"""What each expectation found, in words: title, reason, and for what did not hold everything needed to see why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from lab.judge.judging import STOPPED
from lab.judge.verdict import Comparison, Look, Result, Verdict
from lab.report.ink import Role
from lab.report.words import Words

NOT_REACHED = "–"
MARKS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?", Verdict.CANNOT_RUN: "–"}
ROLES = {
    Verdict.PASS: Role.PASS,
    Verdict.FAIL: Role.FAIL,
    Verdict.INCONCLUSIVE: Role.UNDECIDED,
    Verdict.CANNOT_RUN: Role.SKIPPED,
}


@dataclass(frozen=True, slots=True)
class Check:
    """An expectation as a page shows it; `look` are places such as `runs/ex03/latest/server.pcap, frame 9`."""

    id: str
    step: str | None
    verdict: Verdict
    title: str
    why: str
    hint: str | None
    expected: str
    observed: str
    comparison: Comparison | None
    look: tuple[str, ...]
    claims: tuple[str, ...] = ()
    reached: bool = True
    """False when the play stopped before it could be tried."""


def check(result: Result, words: Words, folder: str, claims: tuple[str, ...] = ()) -> Check:
    """Return an expectation's result in words; `folder` is the run's folder as the reader would type it."""
    key = f"expect.{result.id}"
    return Check(
        id=result.id,
        step=result.step,
        verdict=result.verdict,
        title=words.own(f"{key}.title"),
        why=words.maybe(f"{key}.why") or "",
        hint=words.maybe(f"{key}.hint"),
        expected=words.message(result.expected),
        observed=words.message(result.observed),
        comparison=result.comparison,
        look=tuple(_place(look, words, folder) for look in result.look),
        claims=claims,
        reached=result.observed.code != STOPPED,
    )


def _place(look: Look, words: Words, folder: str) -> str:
    path = str(PurePath(folder) / look.file)
    if look.frame is not None:
        return words.lab("look.frame", path=path, frame=look.frame)
    return path if look.line is None else words.lab("look.line", path=path, line=look.line)


def counted(checks: tuple[Check, ...]) -> dict[Verdict, int]:
    """Return how many checks have each verdict; what was not reached counts for none."""
    return {verdict: sum(one.reached and one.verdict is verdict for one in checks) for verdict in Verdict}
