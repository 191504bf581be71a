"""The READMEs of the exercises say what the exercises do: their made parts are made from them."""

from __future__ import annotations

import pytest

from lab.loading import load_exercise
from lab.report.readme import refreshed
from lab.report.words import Words
from lab.settings import read_settings
from lab.shelf import README, exercise_folders, marks
from lab.text.catalog import LANGUAGES

NUMBERS = list(exercise_folders())
ADDRESSES = read_settings({}).addresses


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", NUMBERS)
def test_the_made_parts_are_there_and_up_to_date(number: int, language: str) -> None:
    exercise = load_exercise(number)
    text = (exercise.folder / README[language]).read_text(encoding="utf-8")
    for part in ("steps", "by-hand"):
        begin, end = marks(part)
        assert text.count(begin) == text.count(end) == 1
    assert text == refreshed(text, exercise, language), f"mend it with: lab hand {number} --readme"
    for step in exercise.steps:
        for one in step.type:
            if " " in one.line:
                assert f"`{Words(exercise.texts(language), language, ADDRESSES).filled(one.line)}`" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", NUMBERS)
def test_every_line_to_type_says_what_one_should_see(number: int, language: str) -> None:
    exercise = load_exercise(number)
    texts = exercise.texts(language)
    for step in exercise.steps:
        sees = texts.table(f"hand.{step.id}").get("sees", [])
        assert len(sees) == len(step.type), step.id
