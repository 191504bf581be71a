"""Commands on one run: play an exercise, or judge a saved one again."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.commands.documents import write_document
from lab.commands.judged import EXIT_OF, VERDICT_FILE, forms_of, read_saved, short
from lab.commands.progress import progress, say
from lab.commands.report import print_timeline
from lab.commands.standing import require_played
from lab.commands.writing import as_long_as_read
from lab.errors import MachineError
from lab.exercise import Exercise, JudgedRun, judge
from lab.recording.folders import keep, require_room
from lab.report.jsonform import to_json, verdict_document
from lab.runner import play
from lab.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from lab.hosts.connection import Connection


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
    played = play(exercise, settings, connection, stand_ins, progress(settings) if build else None)
    require_played(exercise, played)
    judged = JudgedRun(exercise, played, judge(exercise, played))
    forms = forms_of(judged, settings.language)
    judged = replace(judged, folder=short(keep(played, forms, settings.runs)))
    verdict = judged.judgement.verdict
    with as_long_as_read():
        console = None
        if as_json:
            write_document(forms[VERDICT_FILE], EXIT_OF[verdict])
        else:
            console = _show(judged, settings, fresh=True)
        if timeline:
            print_timeline(judged, settings, console=console)
    return EXIT_OF[verdict]


def judge_saved(settings: Settings, text: str, *, as_json: bool) -> int:
    """Judge the evidence of a saved run as it stands now; nothing is written."""
    judged = read_saved(settings, text)
    verdict = judged.judgement.verdict
    with as_long_as_read():
        if as_json:
            write_document(to_json(verdict_document(judged, settings.language)), EXIT_OF[verdict])
        else:
            _show(judged, settings, fresh=False)
    return EXIT_OF[verdict]


def draw_saved(settings: Settings, text: str, picture: Path, steps: Sequence[str]) -> int:
    """Judge as `judge_saved`, and draw the page, or only these steps, into a file; MachineError when that cannot be."""
    from lab.report.picture import picture_document  # noqa: PLC0415 - only here
    from lab.report.story import tell  # noqa: PLC0415

    judged = read_saved(settings, text)
    document = picture_document(tell(judged, settings.language), settings.language, steps)
    try:
        picture.write_text(document, encoding="utf-8")
    except OSError as error:
        raise MachineError("picture-not-written", path=str(picture), detail=error.strerror or str(error)) from error
    say(settings, "drawn", path=str(picture))
    return EXIT_OF[judged.judgement.verdict]


def _show(judged: JudgedRun, settings: Settings, *, fresh: bool) -> Console:
    """Print the page; return the terminal, whose width holds for what follows too."""
    # What draws is loaded when there is something to draw.
    from lab.report.asking import Asker, wants_questions  # noqa: PLC0415
    from lab.report.style import new_console  # noqa: PLC0415
    from lab.report.terminal import Page  # noqa: PLC0415

    console = new_console()
    asks = fresh and wants_questions(os.environ, sys.stdin, sys.stdout)
    asker = Asker(sys.stdin, console, settings.language) if asks else None
    Page(console, judged, settings.language).show(asker)
    return console
