"""An expectation that an exercise wrote wrongly; a program that keeps from being seen what it is judged by."""

from __future__ import annotations

from typing import ClassVar

from lab.errors import EXIT_USAGE, EvidenceError, LabError
from lab.text.catalog import messages


class ExerciseError(LabError):
    """A mistake in an exercise: a table that cannot be read, a name that stands for nothing, a missing text.

    Raised when the exercise is loaded. `params` hold `id` (the expectation's) and, where a text is at fault, `line`.
    `where` is the file and the line of the mistake, `exercises/ex03_…/exercise.py:123`, as far as it is known.
    """

    exit_code: ClassVar[int] = EXIT_USAGE

    where: str | None = None

    def at(self, where: str) -> ExerciseError:
        """Return the error with the place of the mistake; one that is known already stays."""
        self.where = self.where or where
        return self

    def what(self, language: str = "en") -> str:
        """Return where the mistake is and what it is, one line."""
        said = super().what(language)
        return said if self.where is None else f"{self.where}: {said}"

    def _text(self, part: str, language: str) -> str:
        names = (f"{room}.kind.{self.params.get('kind')}" for room in ("checking", "judge"))
        kind = next(filter(None, map(messages(language).maybe, names)), None)
        if kind is None:
            return super()._text(part, language)
        return LabError(self.code, **{**self.params, "kind": kind})._text(part, language)  # noqa: SLF001 - its own class


class EvasionError(EvidenceError):
    """The record shows that a program kept the rest from being recorded, which is its failure: in `row` of `file`."""

    def __init__(self, code: str, *, file: str, row: int, **params: object) -> None:
        super().__init__(code, file=file, row=row, **params)
        self.file = file
        self.row = row
