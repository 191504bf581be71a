"""A saved run read and judged, and the forms of the verdict that are kept with each run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from lab.errors import EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_MACHINE, EXIT_PASS, UsageError
from lab.exercise import JudgedRun, judge
from lab.judge.verdict import Verdict
from lab.loading import load_exercise
from lab.recording.folders import find_run
from lab.recording.run import Run
from lab.recording.store import load
from lab.report.jsonform import to_json, verdict_document
from lab.report.junit import junit_document
from lab.report.markdown import markdown_page
from lab.settings import Settings
from lab.shelf import exercise_folders

_DIGITS: Final = re.compile("[0-9]{2}")  # int() refuses thousands of them
VERDICT_FILE: Final = "verdict.json"
EXIT_OF: Final = {
    Verdict.PASS: EXIT_PASS,
    Verdict.FAIL: EXIT_FAIL,
    Verdict.CANNOT_RUN: EXIT_MACHINE,
    Verdict.INCONCLUSIVE: EXIT_INCONCLUSIVE,
}


def read_saved(settings: Settings, text: str) -> JudgedRun:
    """Read a saved run and judge it; UsageError when there is none, EvidenceError when it cannot be read."""
    folder = find_run(text, settings.runs)
    run = load(folder)
    exercise = load_exercise(_number(run))
    return JudgedRun(exercise, run, judge(exercise, run), short(folder))


def _number(run: Run) -> int:
    folders = exercise_folders()
    digits = run.play.exercise.removeprefix("ex")
    if not _DIGITS.fullmatch(digits) or int(digits) not in folders:
        raise UsageError("unknown-exercise", number=run.play.exercise, known=", ".join(map(str, folders)))
    return int(digits)


def forms_of(judged: JudgedRun, language: str) -> dict[str, str]:
    """Return the forms of the verdict that are kept with each run, by the names of their files."""
    beside = replace(judged, folder=Path())
    return {
        VERDICT_FILE: to_json(verdict_document(beside, language)),
        "junit.xml": junit_document(beside, language),
        "report.md": markdown_page(beside, language),
        "environment.json": json.dumps(dict(judged.run.recording.environment), indent=2) + "\n",
    }


def short(folder: Path) -> Path:
    """Return the folder as the reader would type it from where they stand."""
    try:
        return folder.resolve().relative_to(Path.cwd())
    except (OSError, ValueError):  # OSError: the folder they stand in is gone
        return folder
