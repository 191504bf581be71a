"""The words of an exercise: every text that its pages need is there, in each language, and none is left over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from lab.checking.naming import check_pattern, expectation_ids, program
from lab.checking.source import Source, place_of_text
from lab.exercise import Exercise, Step, Type
from lab.judge.claims import ALWAYS
from lab.judge.errors import ExerciseError
from lab.shelf import text_file
from lab.text.catalog import LANGUAGES, Catalog
from lab.text.glossary import load_glossary
from lab.views import Apart, Mend, Printed, Spent, Text, View

LETTERS: Final = "abcdefgh"
_STEP_TEXTS: Final = ("title", "intro")
_EXPECT_TEXTS: Final = ("title", "why", "hint")


def check_texts(exercise: Exercise, source: Source) -> None:
    """Raise ExerciseError for the first text that is missing, or that belongs to nothing."""
    for language in LANGUAGES:
        _check_texts(exercise, source, language)


def _check_texts(exercise: Exercise, source: Source, language: str) -> None:
    path = text_file(exercise.folder, language)
    texts = exercise.texts(language)
    for key in needed_texts(exercise):
        if not isinstance(texts.maybe(key), str):
            raise ExerciseError("text-missing", key=key).at(place_of_text(path, key))
    for step in exercise.steps:
        _check_question(step, texts, path, source)
        _check_sees(step.id, step.type, texts, path)
    for table, known in _tables(exercise).items():
        for name in texts.table(table):
            if name not in known:
                key = f"{table}.{name}"
                raise ExerciseError("text-of-nothing", key=key, known=", ".join(known)).at(place_of_text(path, key))
    for step in exercise.steps:
        for view in step.show:
            _check_view(view, texts, path, source.step(step.id), language)


def needed_texts(exercise: Exercise) -> Iterator[str]:
    """Yield the id of every text that an exercise must have in each language."""
    yield from ("title", "summary", "lead")
    for step in exercise.steps:
        asked = ("question", "because") if step.answer else ()
        yield from (f"steps.{step.id}.{name}" for name in (*_STEP_TEXTS, *asked))
    for expectation in expectation_ids(exercise.expect):
        yield from (f"expect.{expectation}.{name}" for name in _EXPECT_TEXTS)
    for claim in exercise.claims:
        yield f"claims.{claim.id}.says"
        if any(instead for _, instead in claim.conditions.values()):
            yield f"claims.{claim.id}.instead"
        yield from (f"claims.{claim.id}.cases.{name}" for name in claim.conditions if name != ALWAYS)


def _tables(exercise: Exercise) -> Mapping[str, list[str]]:
    """Return the tables of texts whose ids are those of the exercise, and what they may hold."""
    views = [view for step in exercise.steps for view in step.show]
    return {
        "steps": [step.id for step in exercise.steps],
        "hand": [step.id for step in exercise.steps if step.type],
        "expect": expectation_ids(exercise.expect),
        "claims": [claim.id for claim in exercise.claims],
        "shows": [view.id for view in views if isinstance(view, Text)],
        "spans": [name for view in views if isinstance(view, Spent) for name in view.spans],
    }


def _check_question(step: Step, texts: Catalog, path: Path, source: Source) -> None:
    table = texts.table(f"steps.{step.id}")
    choices = table.get("choices", [])
    if step.answer is None:
        if "question" in table or choices:
            raise ExerciseError("answer-missing", step=step.id).at(source.step(step.id))
        return
    key = f"steps.{step.id}.choices"
    if not isinstance(choices, list) or not choices or not all(isinstance(each, str) for each in choices):
        raise ExerciseError("text-missing", key=key).at(place_of_text(path, key))
    letters = LETTERS[: len(choices)]
    if len(step.answer) != 1 or step.answer not in letters:
        error = ExerciseError("answer-unknown", step=step.id, answer=step.answer, known=", ".join(letters))
        raise error.at(source.step(step.id, step.answer))


def _check_sees(step: str, lines: tuple[Type, ...], texts: Catalog, path: Path) -> None:
    sees = texts.table(f"hand.{step}").get("sees", [])
    if not isinstance(sees, list) or not all(isinstance(each, str) for each in sees):
        raise ExerciseError("text-missing", key=f"hand.{step}.sees").at(place_of_text(path, f"hand.{step}.sees"))
    if len(sees) != len(lines):
        error = ExerciseError("sees-count", step=step, lines=len(lines), sees=len(sees))
        raise error.at(place_of_text(path, f"hand.{step}.sees"))


def _check_view(view: View, texts: Catalog, path: Path, where: str, language: str) -> None:
    """Check the words that a view takes from the exercise, and what it takes from elsewhere by name."""
    needed: list[str] = []
    match view:
        case Text(name, None):
            needed = [f"shows.{name}"]
        case Spent():
            needed = [f"spans.{name}" for name in view.spans]
        case Printed(_, str(only)):
            check_pattern(only, where)
        case Apart(_, pattern):
            check_pattern(pattern, where)
            terms = load_glossary(language).terms
            needed = [f"parts.{name}" for name in re.compile(pattern).groupindex if name.replace("_", "-") not in terms]
        case Mend():
            _require_programs((view.wrong, view.right), where)
        case _:
            pass
    for key in needed:
        if texts.maybe(key) is None:
            raise ExerciseError("text-missing", key=key).at(place_of_text(path, key))


def _require_programs(names: tuple[str, str], where: str) -> None:
    for name in names:
        if program(name) is None:
            folders = "images/servers/, images/clients/"
            raise ExerciseError("program-unknown", program=name, folders=folders).at(where)
