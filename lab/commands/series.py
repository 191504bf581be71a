"""All exercises, one after the other, with one table at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from lab.commands.documents import write_document
from lab.commands.judged import EXIT_OF, forms_of
from lab.commands.progress import progress
from lab.commands.writing import as_long_as_read
from lab.errors import EvidenceError, InterruptError, LabError, UsageError
from lab.exercise import Exercise, JudgedRun, judge
from lab.hosts.connection import Connection
from lab.hosts.found import look_around
from lab.hosts.turn import take_turn
from lab.judge.verdict import Verdict
from lab.loading import load_exercise
from lab.recording.folders import keep, require_room
from lab.report.jsonform import to_json
from lab.report.series import Row, SeriesTable, series_document, verdict_of
from lab.runner import play
from lab.shelf import exercise_folders

if TYPE_CHECKING:
    from lab.recording.run import Run
    from lab.settings import Settings


def run_all(settings: Settings, *, as_json: bool, build: bool) -> int:
    """Play, judge and keep every exercise by number, without a question; the exit code is that of the worst verdict.

    An exercise that this machine cannot play is told in its row, and the next one is played. Ctrl-C ends the series;
    what was done till then is shown.
    """
    look_around().refuse_others(settings)  # once, and not in every row
    exercises = [load_exercise(number) for number in exercise_folders()]
    table = None if as_json else SeriesTable(exercises, settings.language)
    rows: list[Row] = []
    begun = time.monotonic()
    ended: LabError | None = None
    try:
        for row in _play_all(exercises, settings, build=build):
            rows.append(row)
            if table:
                table.add(row)
    except LabError as error:
        ended = error
        raise
    except KeyboardInterrupt:
        ended = InterruptError("interrupted")
        raise
    finally:
        seconds = time.monotonic() - begun
        with as_long_as_read():
            if table:
                table.end(rows, seconds)
            else:
                document = series_document(rows, exercises, settings.language, seconds, ended)
                write_document(to_json(document), document["exit_code"])
    return EXIT_OF[verdict_of(rows)]


def _play_all(exercises: list[Exercise], settings: Settings, *, build: bool) -> Iterator[Row]:
    """Play each; while one is judged and kept, the hosts are rung for the next. All of them are one session."""
    with take_turn(settings, progress(settings)) as turn, ExitStack() as last:
        connection = last.enter_context(Connection(settings, turn=turn))
        for exercise in exercises:
            begun = time.monotonic()
            run: Run | LabError
            try:
                require_room(exercise.id, settings.runs)
                run = play(exercise, settings, connection, None, progress(settings) if build else None)
            except UsageError:
                raise
            except LabError as error:
                run = error
            last.close()
            if exercise is not exercises[-1]:
                connection = last.enter_context(Connection(settings, turn=turn))
            yield _row(exercise, run, settings, begun)


def _row(exercise: Exercise, run: Run | LabError, settings: Settings, begun: float) -> Row:
    if isinstance(run, LabError):
        verdict = Verdict.INCONCLUSIVE if isinstance(run, EvidenceError) else Verdict.CANNOT_RUN
        return Row(exercise, verdict, time.monotonic() - begun, error=run)
    judgement = judge(exercise, run)
    folder = keep(run, forms_of(JudgedRun(exercise, run, judgement), settings.language), settings.runs)
    return Row(exercise, judgement.verdict, time.monotonic() - begun, judgement, folder)
