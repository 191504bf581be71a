"""The ledger of the article's claims, computed from the saved runs; needs no Docker."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.commands.documents import write_document
from lab.commands.writing import as_long_as_read
from lab.errors import EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_PASS, LabError
from lab.exercise import Exercise, Judgement, judge
from lab.judge.claims import Ruling
from lab.judge.judging import Reason
from lab.judge.ledger import RunRulings, ledger
from lab.loading import load_exercise
from lab.recording.layout import EVIDENCE_FILE
from lab.recording.store import load
from lab.report.jsonform import to_json
from lab.report.ledger import LedgerStory, Note, PassedOver, RunUsed, ledger_document, tell_ledger
from lab.report.ledger_page import ledger_page
from lab.shelf import exercise_folders

if TYPE_CHECKING:
    from lab.settings import Settings

_MOST: Final = 40
"""How many runs of an exercise are looked through for one that may rule."""


PAGES: Final[Mapping[str, str]] = {"en": "CLAIMS.md", "zh-CN": "CLAIMS.zh-CN.md"}
"""The page beside the exercises, by language."""


def claims(settings: Settings, *, as_json: bool = False, markdown: bool = False, pages: Path | None = None) -> int:
    """Print every claim with its ruling, the reason and the evidence of the last run that may rule on it.

    With `pages`, a folder, the Markdown pages of both languages are written there instead.

    The exit code is 1 where the evidence supports neither side of a claim (there the lab itself is wrong), else 4 where
    it does not decide one, else 0.
    """
    exercises = {number: load_exercise(number) for number in exercise_folders()}
    runs, notes = [], []
    for exercise in exercises.values():
        if exercise.claims:
            used, passed_over = latest_ruling(exercise, settings.runs)
            runs += [used] if used else []
            notes += passed_over
    judged = {number: exercise.claims for number, exercise in exercises.items()}
    entries = ledger(judged, (run.rulings for run in runs))

    def told(language: str) -> LedgerStory:
        return tell_ledger(entries, exercises, runs, notes, language, settings.runs)

    rulings = {entry.ruling for entry in entries}
    code = EXIT_FAIL if Ruling.BROKEN in rulings else EXIT_INCONCLUSIVE if Ruling.INCONCLUSIVE in rulings else EXIT_PASS
    with as_long_as_read():
        if as_json:
            write_document(to_json(ledger_document(told(settings.language), code)), code)
        elif pages is not None:
            for language, name in PAGES.items():
                (pages / name).write_text(ledger_page(told(language)), encoding="utf-8")
                print(pages / name)
        elif markdown:
            sys.stdout.write(ledger_page(told(settings.language)))
        else:
            # What draws is loaded when there is something to draw.
            from lab.report.ledger_table import show_ledger  # noqa: PLC0415
            from lab.report.style import new_console  # noqa: PLC0415

            show_ledger(new_console(), told(settings.language))
    return code


def latest_ruling(exercise: Exercise, runs: Path) -> tuple[RunUsed | None, list[Note]]:
    """Return the latest run of an exercise that may rule on claims, and why later ones may not.

    A run may not where programs stood in for others, where an expectation failed, where another version of the
    exercise recorded it, or where it is damaged.
    """
    notes: list[Note] = []
    for folder in list(_newest_first(runs / exercise.id))[:_MOST]:
        try:
            run = load(folder)
            judgement = judge(exercise, run)
        except LabError as error:
            notes.append(Note(exercise.number, PassedOver.DAMAGED, folder, error))
            continue
        if run.play.stand_ins:
            notes.append(Note(exercise.number, PassedOver.STAND_INS, folder))
        elif _lacks_records(judgement) and run.play.stopped is None:
            notes.append(Note(exercise.number, PassedOver.OLDER, folder))
        elif not judgement.rules:
            notes.append(Note(exercise.number, PassedOver.FAILED, folder))
        else:
            rulings = RunRulings(exercise.number, folder.name, judgement.claims)
            return RunUsed(rulings, folder, run.recording.begun_ns, run.recording.environment.get("kernel", "")), notes
    return None, notes


def _newest_first(parent: Path) -> Iterator[Path]:
    """Yield the folders of an exercise's runs; their names are times, so the last by name is the latest."""
    folders = parent.iterdir() if parent.is_dir() else ()
    for folder in sorted(folders, key=lambda one: one.name, reverse=True):
        if not folder.name.startswith(".") and not folder.is_symlink() and os.path.lexists(folder / EVIDENCE_FILE):
            yield folder


def _lacks_records(judgement: Judgement) -> bool:
    """Tell whether the exercise asks for a record that the run does not have: another version of it was played."""
    results = [*judgement.results]
    for claim in judgement.claims:
        results += [result for case in claim.cases for result in (*case.says, *case.instead)]
    reasons = [result.observed.params.get("why") for result in results if result.observed.code == "undecided"]
    return any(isinstance(reason, Reason) and reason.code == "record-missing" for reason in reasons)
