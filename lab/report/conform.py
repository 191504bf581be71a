"""The page of `lab conform`: a row for each server, a column for each case, and in words what stands behind a mark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console

from lab.conformance import Outcome, Trial
from lab.report.fold import fold, fold_printed, unfolded
from lab.report.ink import Role, Span, line, pad
from lab.report.style import emit, page_width
from lab.text.catalog import messages

_MARKS: Final = {
    Outcome.PASS: Span("✓", Role.PASS),
    Outcome.FAIL: Span("✗", Role.FAIL),
    Outcome.FORBIDDEN: Span("–", Role.SKIPPED),
}


class ConformPage:
    """Prints a server's row as soon as it has been tried; the words come at the end."""

    def __init__(self, console: Console, language: str, servers: Sequence[str], cases: Sequence[str]) -> None:
        self._console = console
        self._texts = messages(language)
        self._cases = cases
        self._width = page_width(console)
        self._room = max(map(len, servers)) + 2
        emit(console, line(Span(self._texts.get("conform.title"), Role.TITLE)))
        emit(console, ())
        emit(console, line(" " * self._room, Span(" ".join(cases), Role.DIM)))

    def row(self, server: str, trials: Sequence[Trial]) -> None:
        """Print what came of a server's cases."""
        found = {trial.case: _MARKS[trial.outcome] for trial in trials}
        marks = [span for case in self._cases for span in (found[case], Span(" " * len(case)))]
        emit(self._console, line(Span(pad(server, self._room), Role.STRONG), *marks))

    def end(self, trials: Sequence[Trial]) -> None:
        """Print what each case is, why one failed, and why a model is excused from one."""
        emit(self._console, ())
        for case in self._cases:
            self._item(Span(case, Role.STRONG), fold(self._words(f"cases.{case}"), self._width - 14), room=14)
        for trial in (each for each in trials if each.outcome is not Outcome.PASS):
            emit(self._console, ())
            emit(self._console, line(_MARKS[trial.outcome], " ", Span(f"{trial.server}, {trial.case}", Role.STRONG)))
            if trial.outcome is Outcome.FORBIDDEN:
                why = fold(self._words(f"reasons.{trial.why}"), self._width - 2)
            else:
                why = fold_printed(trial.why, self._width - 2)
            for one in why:
                emit(self._console, line("  ", one))
        counts = {outcome: sum(trial.outcome is outcome for trial in trials) for outcome in Outcome}
        emit(self._console, ())
        words = {outcome.value: count for outcome, count in counts.items()}
        emit(self._console, line(self._texts.get("conform.end", **words)))

    def _item(self, title: Span, words: Sequence[str], *, room: int) -> None:
        for number, words_of_line in enumerate(words):
            start = (title, Span(" " * (room - cell_len(title.text)))) if number == 0 else (Span(" " * room),)
            emit(self._console, line(*start, words_of_line))

    def _words(self, key: str) -> str:
        return unfolded(self._texts.get(f"conform.{key}"))
