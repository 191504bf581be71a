"""Commands on one run: play an exercise, or judge a saved one again."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from lab.commands.hosts import progress
from lab.commands.writing import as_long_as_read
from lab.errors import EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_MACHINE, EXIT_PASS, MachineError, UsageError
from lab.evidence.store import load
from lab.exercise import Exercise, Judgement, exercise_folders, judge, load_exercise
from lab.judge.verdict import Verdict
from lab.report.asking import Asker, wants_questions
from lab.report.jsonform import to_json, verdict_document
from lab.report.junit import junit_document
from lab.report.markdown import markdown_page
from lab.report.picture import picture_document
from lab.report.story import tell
from lab.report.terminal import Page
from lab.runner import play
from lab.runs import find_run, keep, require_room
from lab.settings import ROOT, Settings
from lab.text.catalog import Catalog, messages

if TYPE_CHECKING:
    from lab.evidence.records import Evidence

EXIT_OF: Final = {
    Verdict.PASS: EXIT_PASS,
    Verdict.FAIL: EXIT_FAIL,
    Verdict.CANNOT_RUN: EXIT_MACHINE,
    Verdict.INCONCLUSIVE: EXIT_INCONCLUSIVE,
}


def run(settings: Settings, number: int, *, as_json: bool, server: str | None, build: bool) -> int:
    """Play, judge, keep and show an exercise; the exit code is its verdict's."""
    exercise = load_exercise(number)
    if server is not None:
        _require_server(server)
    require_room(exercise.id, settings.runs)
    evidence = play(exercise, settings, server, progress(settings) if build else None)
    judgement = judge(exercise, evidence)
    folder = keep(evidence, _forms(exercise, evidence, judgement, settings), settings.runs)
    return _tell(exercise, evidence, judgement, settings, folder, as_json=as_json, fresh=True)


def judge_saved(settings: Settings, text: str, *, as_json: bool) -> int:
    """Judge the evidence of a saved run as it stands now; nothing is written."""
    folder = find_run(text, settings.runs)
    evidence = load(folder)
    exercise = load_exercise(_number(evidence))
    judgement = judge(exercise, evidence)
    return _tell(exercise, evidence, judgement, settings, folder, as_json=as_json, fresh=False)


def draw_saved(settings: Settings, text: str, picture: Path, steps: Sequence[str]) -> int:
    """Judge as `judge_saved`, and draw the page, or only these steps, into a file; MachineError when that cannot be."""
    folder = find_run(text, settings.runs)
    evidence = load(folder)
    exercise = load_exercise(_number(evidence))
    judgement = judge(exercise, evidence)
    texts = exercise.texts(settings.language)
    story = tell(exercise, evidence, judgement, texts, settings.language, _short(folder))
    document = picture_document(story, settings.language, steps)
    try:
        picture.write_text(document, encoding="utf-8")
    except OSError as error:
        raise MachineError("picture-not-written", path=str(picture), detail=error.strerror or str(error)) from error
    print(messages(settings.language).get("cli.say.drawn", path=str(picture)))
    return EXIT_OF[judgement.verdict]


_DIGITS: Final = 2
"""An exercise's number has at most as many; int() refuses thousands of them."""


def _number(evidence: Evidence) -> int:
    folders = exercise_folders()
    digits = evidence.exercise.removeprefix("ex")
    if not (digits.isdecimal() and len(digits) <= _DIGITS) or int(digits) not in folders:
        raise UsageError("unknown-exercise", number=evidence.exercise, known=", ".join(map(str, folders)))
    return int(digits)


def _forms(exercise: Exercise, evidence: Evidence, judgement: Judgement, settings: Settings) -> dict[str, str]:
    texts = exercise.texts(settings.language)
    parts = (exercise, evidence, judgement, texts, settings.language)
    return {
        "verdict.json": to_json(verdict_document(*parts)),
        "junit.xml": junit_document(*parts),
        "report.md": markdown_page(*parts, Path()),
        "environment.json": json.dumps(dict(evidence.environment), indent=2) + "\n",
    }


def _tell(
    exercise: Exercise,
    evidence: Evidence,
    judgement: Judgement,
    settings: Settings,
    folder: Path,
    *,
    as_json: bool,
    fresh: bool,
) -> int:
    texts = exercise.texts(settings.language)
    with as_long_as_read():
        _show(exercise, evidence, judgement, texts, settings, folder, as_json=as_json, fresh=fresh)
    return EXIT_OF[judgement.verdict]


def _show(  # noqa: PLR0913 - as _tell
    exercise: Exercise,
    evidence: Evidence,
    judgement: Judgement,
    texts: Catalog,
    settings: Settings,
    folder: Path,
    *,
    as_json: bool,
    fresh: bool,
) -> None:
    if as_json:
        sys.stdout.write(to_json(verdict_document(exercise, evidence, judgement, texts, settings.language)))
    else:
        console = Console(highlight=False)
        asks = fresh and wants_questions(os.environ, sys.stdin, sys.stdout)
        asker = Asker(sys.stdin, console, settings.language) if asks else None
        Page(console, exercise, evidence, judgement, texts, settings.language, _short(folder)).show(asker)


def _short(folder: Path) -> Path:
    """Return the folder as the reader would type it from where they stand."""
    try:
        return folder.resolve().relative_to(Path.cwd())
    except (OSError, ValueError):  # OSError: the folder they stand in is gone
        return folder


def _require_server(program: str) -> None:
    servers = ROOT / "images" / "servers"
    known = sorted(path.stem for path in servers.rglob("*.py"))
    if program not in known:
        raise UsageError("unknown-server", program=program, known=", ".join(known))
