"""An expectation that an exercise wrote wrongly."""

from __future__ import annotations

from typing import ClassVar

from lab.errors import EXIT_USAGE, LabError


class ExerciseError(LabError):
    """A table, a ladder or a number of an exercise that cannot be read; raised when the exercise is loaded.

    `params` hold `id` (the expectation's) and, where a text is at fault, `line`.
    """

    exit_code: ClassVar[int] = EXIT_USAGE
