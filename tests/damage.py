"""Damage a file of a saved run in the ways in which files get damaged, or what is recorded in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from lab.exercise import Exercise, judge
from lab.hosts.recorder import FILE as KERNEL_FILE
from lab.judge.verdict import Verdict
from lab.kernel.listing import FILE as LISTING
from lab.recording.layout import EVIDENCE_FILE
from lab.recording.run import Run
from lab.recording.saved import saved_form
from tests.records import changed

UNREAD: Final[Mapping[str, str]] = {
    "kernel.txt": "a listing of kernel.trace for the reader",
    "verdict.json": "what was judged then",
    "report.md": "what was judged then",
    "junit.xml": "what was judged then",
    "environment.json": "a part of evidence.json for other programs",
}
"""The files of a run that nothing is judged by, and what they are."""


def cut_at_a_line(data: bytes) -> bytes:
    """Return the first half, to the end of a line."""
    return data[: data.rfind(b"\n", 0, len(data) // 2) + 1]


DAMAGES: Final[Mapping[str, Callable[[bytes], bytes | None]]] = {
    "emptied": lambda _: b"",
    "halved": lambda data: data[: len(data) // 2],
    "cut at a line": cut_at_a_line,
    "removed": lambda _: None,
}


def files_of(run: Path) -> list[str]:
    """Return the places of all files of a run."""
    return sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())


def damaged(path: Path, damage: str) -> bool:
    """Damage a file; False where that leaves it as it was."""
    data = path.read_bytes()
    left = DAMAGES[damage](data)
    if left is None:
        path.unlink()
    else:
        path.write_bytes(left)
    return left != data


NOTHING: Final[Mapping[str, Any]] = {"text": "", "content": b"", "samples": ()}
"""What a record holds when its tool printed nothing, by the name of its field."""


def without_content(evidence: Run, file: str) -> Run:
    """Let the record that lies in this file be empty, as if its tool had died early and had not been noticed."""

    def emptied(record: Any) -> Any:
        if record is None or record.file != file:
            return record
        return dataclasses.replace(record, **{name: NOTHING[name] for name in NOTHING if hasattr(record, name)})

    return changed(
        evidence,
        snapshots=tuple(map(emptied, saved_form(evidence).snapshots)),
        samplings=tuple(map(emptied, saved_form(evidence).samplings)),
        traces=tuple(map(emptied, saved_form(evidence).traces)),
        captures=tuple(map(emptied, evidence.recording.captures)),
        kernel=emptied(evidence.recording.kernel),
    )


def passed_on_nothing(exercise: Exercise, evidence: Run) -> list[tuple[str, str]]:
    """Return file and expectation of each pass that points at a file and stays when there is nothing in it."""
    found = []
    results = judge(exercise, evidence).results
    for file in sorted({look.file for result in results for look in result.look} - {EVIDENCE_FILE}):
        rest = {result.id for result in results if file in {look.file for look in result.look}}
        source = KERNEL_FILE if file == LISTING else file
        again = judge(exercise, without_content(evidence, source)).results
        found += [(file, each.id) for each in again if each.id in rest and each.verdict is Verdict.PASS]
    return found
