"""The READMEs of an exercise: both are there, each with the marks between which its made parts stand."""

from __future__ import annotations

from lab.checking.source import place
from lab.exercise import Exercise
from lab.judge.errors import ExerciseError
from lab.shelf import README, README_PARTS, marks


def check_readmes(exercise: Exercise) -> None:
    """Raise ExerciseError for a README that is missing, or that lacks a mark."""
    for name in README.values():
        path = exercise.folder / name
        if not path.is_file():
            raise ExerciseError("readme-missing").at(place(path, 1))
        lines = path.read_text(encoding="utf-8").splitlines()
        for part in README_PARTS:
            begin, end = ([n for n, line in enumerate(lines, start=1) if line == mark] for mark in marks(part))
            if not len(begin) == len(end) == 1 or begin > end:
                first = (begin or end or [1])[0]
                raise ExerciseError("readme-marks", part=part, begin=marks(part)[0], end=marks(part)[1]).at(
                    place(path, first)
                )
