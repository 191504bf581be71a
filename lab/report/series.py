"""All exercises in one table: a row for each as soon as it is judged, and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console

from lab.errors import LabError
from lab.exercise import Exercise, Judgement
from lab.judge.claims import Ruling
from lab.judge.verdict import Verdict, worst
from lab.report.checks import ROLES
from lab.report.claims import ruling_slug
from lab.report.ending import slug
from lab.report.error import error_line, error_object
from lab.report.fold import fold
from lab.report.ink import EMPTY, Line, Role, Span, indented, line, pad, pad_left
from lab.report.jsonform import EXIT_CODES
from lab.report.style import emit, emit_all, new_console, page_width
from lab.report.words import Words
from lab.text.catalog import Catalog

FORMAT: Final = 1
"""Version of the document; it grows when a reader of the old one would no longer understand the new one."""
SCHEMA_FILE: Final = Path(__file__).with_name("series.schema.json")
_GAP: Final = 2
_SECONDS: Final = 6
_NUMBER: Final = 3


@dataclass(frozen=True, slots=True)
class Row:
    """An exercise of the series: its verdict, how long it took, and the run, or the error that kept it from one."""

    exercise: Exercise
    verdict: Verdict
    seconds: float
    judgement: Judgement | None = None
    folder: Path | None = None
    error: LabError | None = None


def verdict_of(rows: Iterable[Row]) -> Verdict:
    """Return the worst verdict; of no row at all, inconclusive."""
    return worst(row.verdict for row in rows)


class SeriesTable:
    """The table, drawn row by row on stdout: who interrupts the series sees what was done."""

    def __init__(self, exercises: Sequence[Exercise], language: str, console: Console | None = None) -> None:
        self._console = console or new_console()
        self._language = language
        self._words = Words(Catalog({}, ""), language, {})
        self._titles = {one.number: one.texts(language).get("title") for one in exercises}
        self._title = max((cell_len(title) for title in self._titles.values()), default=0) + _GAP
        labels = [self._words.lab(f"verdict.{slug(verdict)}") for verdict in Verdict]
        self._verdict = max(map(cell_len, labels)) + _GAP
        self._width = page_width(self._console)
        self._began = False

    def add(self, row: Row) -> None:
        """Print the row of an exercise, after the heading if it is the first."""
        if not self._began:
            self._began = True
            emit(self._console, self._head())
        emit_all(self._console, self._row(row))

    def end(self, rows: Sequence[Row], seconds: float) -> None:
        """Print what all of them come to: a verdict, counts, and where to look at those that did not pass."""
        missing = [number for number in self._titles if number not in {row.exercise.number for row in rows}]
        lines: list[Line] = [EMPTY, *self._whole(rows, seconds, missing), *self._next(rows)]
        emit_all(self._console, lines)

    def _head(self) -> Line:
        words = self._words
        claims = words.lab("series.claims")
        left = line(
            Span(pad_left(words.lab("series.number"), _NUMBER) + " " * _GAP, Role.DIM),
            Span(pad(words.lab("series.exercise"), self._title), Role.DIM),
            Span(pad(words.lab("series.verdict"), self._verdict), Role.DIM),
            Span(pad_left(words.lab("series.seconds"), _SECONDS) + " " * _GAP, Role.DIM),
        )
        fits = sum(cell_len(span.text) for span in left) + cell_len(claims) <= self._width
        return (*left, Span(claims, Role.DIM)) if fits else left

    def _row(self, row: Row) -> Iterator[Line]:
        words = self._words
        label = words.lab(f"verdict.{slug(row.verdict)}")
        left = line(
            Span(pad_left(str(row.exercise.number), _NUMBER) + " " * _GAP, Role.STRONG),
            pad(self._titles[row.exercise.number], self._title),
            Span(pad(label, self._verdict), ROLES[row.verdict]),
            pad_left(f"{row.seconds:.1f}", _SECONDS) + " " * _GAP,
        )
        said = error_line(row.error, self._language) if row.error else self._claims(row)
        room = self._width - sum(cell_len(span.text) for span in left)
        if cell_len(said) <= room:
            yield (*left, Span(said, Role.DIM))
        else:
            margin = _NUMBER + _GAP
            yield left
            yield from indented([line(Span(part, Role.DIM)) for part in fold(said, self._width - margin)], margin)

    def _claims(self, row: Row) -> str:
        """Return how many claims were ruled how, in words."""
        words = self._words
        if row.judgement is None or not row.judgement.claims:
            return ""
        if not row.judgement.rules:
            return words.lab("ruling.not-by-this-run")
        counted = Counter(claim.ruling for claim in row.judgement.claims)
        return words.lab("series.comma").join(
            words.lab("series.ruled", count=count, ruling=words.lab(f"ruling.{ruling_slug(ruling)}"))
            for ruling in Ruling
            if (count := counted[ruling])
        )

    def _whole(self, rows: Sequence[Row], seconds: float, missing: Sequence[int]) -> Iterator[Line]:
        words = self._words
        verdict = verdict_of(rows)
        counted = Counter(row.verdict for row in rows)
        parts = [words.plural(f"series.{slug(each)}", counted[each]) for each in Verdict if counted[each]]
        if missing:
            parts.append(words.lab("series.not-played", numbers=", ".join(map(str, missing))))
        said = words.lab("series.whole", counts=words.lab("series.comma").join(parts), seconds=f"{seconds:.1f}")
        label = words.lab(f"verdict.{slug(verdict)}") if rows else ""
        room = cell_len(label) + _GAP
        for part in fold(said, self._width - room):
            yield line(Span(pad(label, room), ROLES[verdict]), part)
            label = ""

    def _next(self, rows: Sequence[Row]) -> Iterator[Line]:
        words = self._words
        steps = [
            (f".venv/bin/lab judge {row.exercise.id}", words.lab("series.look", number=row.exercise.number))
            for row in rows
            if row.verdict is not Verdict.PASS and row.folder
        ]
        if any(row.judgement and row.judgement.claims for row in rows):
            steps.append((".venv/bin/lab claims", words.lab("series.ledger")))
        commands = max((cell_len(command) for command, _ in steps), default=0) + _GAP
        for command, purpose in steps:
            yield line(Span(pad(command, commands), Role.COMMAND), Span(purpose, Role.DIM))


def series_document(
    rows: Sequence[Row], exercises: Sequence[Exercise], language: str, seconds: float, ended: LabError | None = None
) -> dict[str, Any]:
    """Return the series as a document, with what `ended` it before its time; `series.schema.json` describes it."""
    verdict = verdict_of(rows)
    played = {row.exercise.number for row in rows}
    return {
        "format": FORMAT,
        "language": language,
        "verdict": verdict.value,
        "exit_code": ended.exit_code if ended else EXIT_CODES[verdict],
        "seconds": round(seconds, 3),
        "interrupted": len(rows) < len(exercises),
        "error": error_object(ended, language) if ended else None,
        "not_played": [one.number for one in exercises if one.number not in played],
        "exercises": [_exercise(row, language) for row in rows],
    }


def _exercise(row: Row, language: str) -> dict[str, Any]:
    judgement = row.judgement
    results = judgement.results if judgement else ()
    return {
        "id": row.exercise.id,
        "number": row.exercise.number,
        "title": row.exercise.texts(language).get("title"),
        "verdict": row.verdict.value,
        "exit_code": EXIT_CODES[row.verdict],
        "seconds": round(row.seconds, 3),
        "not_passed": [result.id for result in results if result.verdict is not Verdict.PASS],
        "rules": bool(judgement and judgement.rules),
        "claims": {claim.id: claim.ruling.value for claim in (judgement.claims if judgement else ())},
        "run": row.folder.name if row.folder else None,
        "error": error_line(row.error, language) if row.error else None,
    }
