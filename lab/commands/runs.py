"""Commands on one run: play an exercise, or judge a saved one again."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from lab.commands.documents import write_document
from lab.commands.progress import progress, say
from lab.commands.standing import require_played
from lab.commands.writing import as_long_as_read
from lab.errors import EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_MACHINE, EXIT_PASS, MachineError, UsageError
from lab.exercise import Exercise, Judgement, judge
from lab.judge.verdict import Verdict
from lab.loading import load_exercise
from lab.recording.folders import find_run, keep, require_room
from lab.recording.store import load
from lab.report.jsonform import Document, to_json, verdict_document
from lab.report.junit import junit_document
from lab.report.markdown import markdown_page
from lab.runner import play
from lab.settings import Settings
from lab.shelf import exercise_folders

if TYPE_CHECKING:
    from rich.console import Console

    from lab.hosts.connection import Connection
    from lab.recording.run import Run

_DIGITS: Final = re.compile("[0-9]{2}")  # int() refuses thousands of them
VERDICT_FILE: Final = "verdict.json"
EXIT_OF: Final = {
    Verdict.PASS: EXIT_PASS,
    Verdict.FAIL: EXIT_FAIL,
    Verdict.CANNOT_RUN: EXIT_MACHINE,
    Verdict.INCONCLUSIVE: EXIT_INCONCLUSIVE,
}


class Saved(NamedTuple):
    """A saved run, judged as it stands now."""

    folder: Path
    exercise: Exercise
    run: Run
    judgement: Judgement


def run(
    settings: Settings,
    exercise: Exercise,
    connection: Connection,
    *,
    as_json: bool,
    stand_ins: Mapping[str, str],
    build: bool,
    timeline: bool = False,
) -> int:
    """Play, judge, keep and show an exercise, with `timeline` its timeline too; the exit code is its verdict's.

    The hosts' agents end while the run is judged and kept; whoever opened the connection waits for them.
    """
    require_room(exercise.id, settings.runs)
    run = play(exercise, settings, connection, stand_ins, progress(settings) if build else None)
    require_played(exercise, run)
    judgement = judge(exercise, run)
    forms = forms_of(exercise, run, judgement, settings)
    folder = keep(run, forms, settings.runs)
    with as_long_as_read():
        console = None
        if as_json:
            write_document(forms[VERDICT_FILE], EXIT_OF[judgement.verdict])
        else:
            console = _show(exercise, run, judgement, settings, folder, fresh=True)
        if timeline:
            from lab.commands.report import print_timeline  # noqa: PLC0415 - only here

            print_timeline(Saved(folder, exercise, run, judgement), settings, console=console)
    return EXIT_OF[judgement.verdict]


def read_saved(settings: Settings, text: str) -> Saved:
    """Read a saved run and judge it; UsageError when there is none, EvidenceError when it cannot be read."""
    folder = find_run(text, settings.runs)
    run = load(folder)
    exercise = load_exercise(_number(run))
    return Saved(folder, exercise, run, judge(exercise, run))


def judge_saved(settings: Settings, text: str, *, as_json: bool) -> int:
    """Judge the evidence of a saved run as it stands now; nothing is written."""
    folder, exercise, run, judgement = read_saved(settings, text)
    with as_long_as_read():
        if as_json:
            document = _document(exercise, run, judgement, settings)
            write_document(to_json(document), EXIT_OF[judgement.verdict])
        else:
            _show(exercise, run, judgement, settings, folder, fresh=False)
    return EXIT_OF[judgement.verdict]


def draw_saved(settings: Settings, text: str, picture: Path, steps: Sequence[str]) -> int:
    """Judge as `judge_saved`, and draw the page, or only these steps, into a file; MachineError when that cannot be."""
    from lab.report.picture import picture_document  # noqa: PLC0415 - only here
    from lab.report.story import tell  # noqa: PLC0415

    folder, exercise, run, judgement = read_saved(settings, text)
    texts = exercise.texts(settings.language)
    story = tell(exercise, run, judgement, texts, settings.language, short(folder))
    document = picture_document(story, settings.language, steps)
    try:
        picture.write_text(document, encoding="utf-8")
    except OSError as error:
        raise MachineError("picture-not-written", path=str(picture), detail=error.strerror or str(error)) from error
    say(settings, "drawn", path=str(picture))
    return EXIT_OF[judgement.verdict]


def _number(run: Run) -> int:
    folders = exercise_folders()
    digits = run.play.exercise.removeprefix("ex")
    if not _DIGITS.fullmatch(digits) or int(digits) not in folders:
        raise UsageError("unknown-exercise", number=run.play.exercise, known=", ".join(map(str, folders)))
    return int(digits)


def _document(exercise: Exercise, run: Run, judgement: Judgement, settings: Settings) -> Document:
    texts = exercise.texts(settings.language)
    return verdict_document(exercise, run, judgement, texts, settings.language)


def forms_of(exercise: Exercise, run: Run, judgement: Judgement, settings: Settings) -> dict[str, str]:
    """Return the forms of the verdict that are kept with each run, by the names of their files."""
    parts = (exercise, run, judgement, exercise.texts(settings.language), settings.language)
    return {
        VERDICT_FILE: to_json(_document(exercise, run, judgement, settings)),
        "junit.xml": junit_document(*parts),
        "report.md": markdown_page(*parts, Path()),
        "environment.json": json.dumps(dict(run.recording.environment), indent=2) + "\n",
    }


def _show(
    exercise: Exercise, run: Run, judgement: Judgement, settings: Settings, folder: Path, *, fresh: bool
) -> Console:
    """Print the page; return the terminal, whose width holds for what follows too."""
    # What draws is loaded when there is something to draw.
    from lab.report.asking import Asker, wants_questions  # noqa: PLC0415
    from lab.report.style import new_console  # noqa: PLC0415
    from lab.report.terminal import Page  # noqa: PLC0415

    console = new_console()
    asks = fresh and wants_questions(os.environ, sys.stdin, sys.stdout)
    asker = Asker(sys.stdin, console, settings.language) if asks else None
    texts = exercise.texts(settings.language)
    Page(console, exercise, run, judgement, texts, settings.language, short(folder)).show(asker)
    return console


def short(folder: Path) -> Path:
    """Return the folder as the reader would type it from where they stand."""
    try:
        return folder.resolve().relative_to(Path.cwd())
    except (OSError, ValueError):  # OSError: the folder they stand in is gone
        return folder
