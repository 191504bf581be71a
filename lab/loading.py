"""Load an exercise from its folder, and refuse one that is written wrongly."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from lab.checking.code import check_code, check_references
from lab.checking.readmes import check_readmes
from lab.checking.source import Source, place
from lab.checking.texts import check_texts
from lab.errors import LabError
from lab.exercise import Exercise, Lab, Step
from lab.judge.claims import Claim
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged
from lab.judge.states.passing import Recorded
from lab.shelf import CODE, EXERCISES, exercise_folder

_PARTS: Final = ("LAB", "STEPS", "EXPECT", "play")


def load_exercise(number: int, root: Path = EXERCISES) -> Exercise:
    """Import the exercise of that number and check it.

    Raises UsageError when there is none, and ExerciseError, with file and line, for the first mistake in it.
    """
    folder = exercise_folder(number, root)
    source = Source(folder / CODE)
    try:
        exercise = _built(number, folder, _import(folder, source), source)
        check_code(exercise, source)
        check_texts(exercise, source)
        check_references(exercise, source)
    except ExerciseError as error:
        raise error.at(source.raised(error.__traceback__, str(error.params.get("line", ""))) or source.first) from None
    except LabError:
        raise
    except Exception as error:
        where = source.raised(error.__traceback__)
        if where is None:
            raise
        raise ExerciseError("exercise-raises", error=type(error).__name__, reason=str(error)).at(where) from error
    check_readmes(exercise)
    return exercise


def _built(number: int, folder: Path, module: ModuleType, source: Source) -> Exercise:
    for name in _PARTS:
        if not hasattr(module, name):
            raise ExerciseError("exercise-part", name=name, known=", ".join(_PARTS)).at(source.first)
    if not isinstance(module.LAB, Lab):
        raise ExerciseError("exercise-part-kind", name="LAB", form="Lab(…)").at(source.assignment("LAB"))
    return Exercise(
        number=number,
        slug=folder.name.partition("_")[2].replace("_", "-"),
        folder=folder,
        lab=module.LAB,
        subject=getattr(module, "SUBJECT", "serve_blocking"),
        steps=_several(module, "STEPS", (Step,), source),
        play=module.play,
        expect=_several(module, "EXPECT", (Judged, Recorded), source),
        claims=_several(module, "CLAIMS", (Claim,), source, at_least=0),
    )


def _several(
    module: ModuleType, name: str, kinds: tuple[type, ...], source: Source, at_least: int = 1
) -> tuple[Any, ...]:
    """Return a part that is a tuple of things of these kinds."""
    value: object = getattr(module, name, ())
    whole = isinstance(value, Sequence) and len(value) >= at_least and all(isinstance(each, kinds) for each in value)
    if not whole or not isinstance(value, Sequence):
        form = f"({kinds[0].__name__}(…), …)"
        raise ExerciseError("exercise-part-kind", name=name, form=form).at(source.assignment(name))
    return tuple(value)


def _import(folder: Path, source: Source) -> ModuleType:
    name = f"exercises.{folder.name}.exercise"
    spec = importlib.util.spec_from_file_location(name, source.path)
    if spec is None or spec.loader is None:
        raise ExerciseError("exercise-raises", error="ImportError", reason=name).at(source.first)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        if error.filename == str(source.path):
            where = place(source.path, error.lineno or 1)
            raise ExerciseError("exercise-raises", error=type(error).__name__, reason=error.msg).at(where) from error
        raise
    return module
