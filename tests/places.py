"""What stands at the places that a judgement points at, as a reader who opens the files finds it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lab.exercise import Judgement
from lab.judge.claims import ClaimResult, Holds
from lab.judge.verdict import Look, Result
from lab.recording.layout import EVIDENCE_FILE
from lab.recording.run import Run
from lab.wire.state import State

_STATES: Final = {"State", *(state.value for state in State)}
_FIELD: Final = re.compile(r'"(text|status|name|cpu_ns|voluntary|environment|Tcp\w+|(server|client)\.\S+)": .*')


def deciding(claim: ClaimResult) -> Iterator[Result]:
    """Yield the results that decided a claim's cases."""
    for case in claim.cases:
        yield from {Holds.SAYS: case.says, Holds.INSTEAD: case.instead}.get(case.holds, ())


def misplaced(judgement: Judgement, evidence: Run, folder: Path) -> list[str]:
    """Return which claims point at no place in any file, and which places do not hold what they should."""
    found = []
    for claim in judgement.claims:
        results = list(deciding(claim))
        places = [look for result in results for look in result.look]
        if results and not any(look.line or look.frame for look in places):
            found.append(f"{claim.id} names no place: {places}")
        found += [
            f"{claim.id} {look}: {wrong}"
            for result in results
            for look in result.look
            if (wrong := _wrong(look, result, evidence, folder))
        ]
    return found


def _wrong(look: Look, result: Result, evidence: Run, folder: Path) -> str | None:
    """Return what stands at a place where something else should, None where all is well."""
    if look.frame is not None:
        capture = next(record.capture for record in evidence.recording.captures if record.file == look.file)
        return None if look.frame in {segment.number for segment in capture.segments} else "no such frame"
    if look.line is None:  # the whole of a capture or a trace, say
        return "no line" if look.file == EVIDENCE_FILE else None
    lines = (folder / look.file).read_text(encoding="utf-8").split("\n")
    if not 1 <= look.line <= len(lines):
        return f"{len(lines)} lines"
    line = lines[look.line - 1].strip()
    if look.file == EVIDENCE_FILE:
        told = result.observed.params.get("line") if result.observed.code == "printed" else None
        return None if _FIELD.fullmatch(line) and json.dumps(told or "", ensure_ascii=False)[1:-1] in line else line
    if look.file.startswith(("ss/", "samples/")):
        return None if line.split(maxsplit=1)[0] in _STATES else line
    return None if line else "an empty line"
