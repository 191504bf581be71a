"""All exercises, one after the other, with one table at the end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from lab.commands.progress import progress
from lab.commands.runs import EXIT_OF, forms_of
from lab.commands.writing import as_long_as_read, write_json
from lab.errors import EvidenceError, LabError, UsageError
from lab.exercise import Exercise, judge, load_exercise
from lab.hosts.connection import Connection
from lab.judge.verdict import Verdict
from lab.report.jsonform import to_json
from lab.report.series import Row, SeriesTable, series_document, verdict_of
from lab.runner import play
from lab.runs import keep, require_room
from lab.shelf import exercise_folders

if TYPE_CHECKING:
    from lab.evidence.records import Evidence
    from lab.settings import Settings


def run_all(settings: Settings, *, as_json: bool, build: bool) -> int:
    """Play, judge and keep every exercise, without a question; the exit code is that of the worst verdict.

    An exercise that this machine cannot play is told in its row, and the next one is played. Ctrl-C ends the series;
    what was done till then is shown.
    """
    exercises = [load_exercise(number) for number in exercise_folders()]
    table = None if as_json else SeriesTable(exercises, settings.language)
    rows: list[Row] = []
    begun = time.monotonic()
    try:
        for row in _play_all(in_order(exercises), settings, build=build):
            rows.append(row)
            if table:
                table.add(row)
    finally:
        interrupted = len(rows) < len(exercises)
        seconds = time.monotonic() - begun
        with as_long_as_read():
            if table:
                table.end(rows, seconds)
            else:
                document = series_document(rows, exercises, settings.language, seconds, interrupted=interrupted)
                write_json(to_json(document))
    return EXIT_OF[verdict_of(rows)]


def in_order(exercises: Iterable[Exercise]) -> list[Exercise]:
    """Return the exercises so that the fewest hosts are made anew: those that need the same stand together.

    First come those that need nothing special: the hosts are mostly so already, and the plain ones are made once.
    """

    def needs(exercise: Exercise) -> tuple[int, str]:
        lab = exercise.lab
        special = {"server": lab.server, "client": lab.client, **lab.others}
        asked = sorted((host, sorted(map(str, sysctls.items()))) for host, sysctls in special.items() if sysctls)
        return len(asked), str(asked)

    return sorted(exercises, key=lambda exercise: (*needs(exercise), len(exercise.lab.hosts), exercise.number))


def _play_all(exercises: list[Exercise], settings: Settings, *, build: bool) -> Iterator[Row]:
    """Play each; while one is judged and kept, the hosts are rung for the next."""
    with ExitStack() as last:
        connection = last.enter_context(Connection(settings))
        for exercise in exercises:
            begun = time.monotonic()
            evidence: Evidence | LabError
            try:
                require_room(exercise.id, settings.runs)
                evidence = play(exercise, settings, connection, None, progress(settings) if build else None)
            except UsageError:
                raise
            except LabError as error:
                evidence = error
            last.close()
            if exercise is not exercises[-1]:
                connection = last.enter_context(Connection(settings))
            yield _row(exercise, evidence, settings, begun)


def _row(exercise: Exercise, evidence: Evidence | LabError, settings: Settings, begun: float) -> Row:
    if isinstance(evidence, LabError):
        verdict = Verdict.INCONCLUSIVE if isinstance(evidence, EvidenceError) else Verdict.CANNOT_RUN
        return Row(exercise, verdict, time.monotonic() - begun, error=evidence)
    judgement = judge(exercise, evidence)
    folder = keep(evidence, forms_of(exercise, evidence, judgement, settings), settings.runs)
    return Row(exercise, judgement.verdict, time.monotonic() - begun, judgement, folder)
