"""Programs that are played in the place of others: a wrong server for the right one, to see an exercise fail."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.errors import UsageError
from lab.settings import ROOT

if TYPE_CHECKING:
    from lab.exercise import Exercise
    from lab.recording.run import Run

_IMAGES: Final = ROOT / "images"


def read_stand_ins(subject: str, server: str | None, pairs: Iterable[str], images: Path = _IMAGES) -> Mapping[str, str]:
    """Return who stands in for whom, by the name of the program that is replaced.

    `server` stands in for the exercise's `subject`, which in an exercise about a client is a client; each of `pairs` is
    `OLD=NEW`, where a server may only be replaced by a server and a client by a client. UsageError for what is no pair,
    for a program that there is not, and for two that would stand in for the same one.
    """
    kinds = {kind: _programs(images / kind) for kind in ("servers", "clients")}
    alike = kinds["clients" if subject in kinds["clients"] else "servers"]
    if server is not None and server not in alike:
        code = "unknown-program" if alike is kinds["clients"] else "unknown-server"
        raise UsageError(code, program=server, known=_listed(alike))
    found = {} if server is None else {subject: server}
    for pair in pairs:
        old, _, new = pair.partition("=")
        if not old or not new:
            raise UsageError("stand-in-malformed", pair=pair)
        known = next((names for names in kinds.values() if old in names), None)
        if known is None:
            raise UsageError("unknown-program", program=old, known=_listed(set().union(*kinds.values())))
        if new not in known:
            raise UsageError("unknown-program", program=new, known=_listed(known))
        if old in found:
            raise UsageError("stand-in-twice", program=old, one=found[old], other=new)
        found[old] = new
    return found


def require_played(exercise: Exercise, run: Run) -> None:
    """Raise UsageError when a program was to be replaced that the exercise never starts: such a run shows nothing."""
    played = {party.program for party in run.play.parties}
    for old, new in run.play.stand_ins.items():
        if new not in played and not run.play.stopped:
            raise UsageError("stand-in-unused", number=exercise.number, program=old)


def _programs(folder: Path) -> set[str]:
    return {path.stem for path in folder.rglob("*.py")}


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
