"""Every exercise is whole: its ids, its texts in both languages, its predictions, its claims and its folder."""

from __future__ import annotations

import functools
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from lab.exercise import TERMINALS, Exercise
from lab.judge.claims import ALWAYS, Claim
from lab.judge.states.passing import Recorded
from lab.loading import load_exercise
from lab.settings import ROOT
from lab.shelf import exercise_folders
from lab.text.catalog import LANGUAGES, Catalog, messages
from lab.text.glossary import load_glossary
from lab.views import Apart, Costs, Spent, Text
from tests.wrong.base import result_ids

NUMBERS: Final = list(exercise_folders())
FILES: Final = {"exercise.py", "text.en.toml", "text.zh-CN.toml", "README.md", "README.zh-CN.md"}
PICTURES: Final = {"page.svg", "page.zh-CN.svg"}
PAGES: Final = {"timeline.png", "timeline.zh-CN.png"}
LETTERS: Final = "abc"
ID: Final = re.compile(r"[a-z][a-z0-9_-]*")
CLAIM: Final = re.compile(r"[ABC]\d{1,2}[ab]?")
WORDS: Final = re.compile(r"\bE[A-Z]{4,}\b|\bSO_[A-Z]+\b|\b(?:SYN|FIN|CLOSE|LAST|TIME)-[A-Z]+(?:-[12])?\b")
"""What a text may not name without the glossary explaining it: error names, socket options, states."""

every_exercise = pytest.mark.parametrize("number", NUMBERS)
in_every_language = pytest.mark.parametrize("language", LANGUAGES)


@functools.cache
def exercise(number: int) -> Exercise:
    return load_exercise(number)


@functools.cache
def texts(number: int, language: str) -> Catalog:
    return exercise(number).texts(language)


def ids(number: int) -> list[str]:
    return result_ids(exercise(number).expect)


def steps(number: int) -> list[str]:
    return [step.id for step in exercise(number).steps]


def keys(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from keys(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}[{len(value)}]" if isinstance(value, list) else prefix + name


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


# -- ids


@every_exercise
def test_no_two_steps_expectations_or_claims_share_an_id(number: int) -> None:
    for found in (steps(number), ids(number), [claim.id for claim in exercise(number).claims]):
        assert [each for each, count in Counter(found).items() if count > 1] == []
    assert all(ID.fullmatch(each) for each in (*steps(number), *ids(number)))
    assert all(CLAIM.fullmatch(claim.id) for claim in exercise(number).claims)


@every_exercise
def test_every_expectation_belongs_to_a_step(number: int) -> None:
    assert {expectation.step for expectation in exercise(number).expect} <= set(steps(number))
    assert exercise(number).expect
    forked = [each for each in exercise(number).expect if isinstance(each, Recorded)]
    assert [each.otherwise.step for each in forked] == [each.step for each in forked]


@every_exercise
def test_it_is_about_a_program_that_there_is(number: int) -> None:
    found = [path.stem for kind in ("servers", "clients") for path in (ROOT / "images" / kind).rglob("*.py")]
    assert exercise(number).subject in found


# -- texts


@every_exercise
@in_every_language
def test_the_texts_name_every_id_and_no_other(number: int, language: str) -> None:
    found = exercise(number)
    shown = {view.id for step in found.steps for view in step.show if isinstance(view, Text)}
    parts = {
        name
        for step in found.steps
        for view in step.show
        if isinstance(view, Apart)
        for name in re.compile(view.pattern.replace("{", "(").replace("}", ")")).groupindex
    }
    said = texts(number, language)
    assert set(said.table("steps")) == set(steps(number))
    assert set(said.table("expect")) == set(ids(number))
    assert set(said.table("claims")) == {claim.id for claim in found.claims}
    assert set(said.table("hand")) == {step.id for step in found.steps if step.type}
    assert set(said.table("shows")) == shown
    assert set(said.table("parts")) <= parts
    views = [view for step in found.steps for view in step.show]
    assert set(said.table("spans")) == {name for view in views if isinstance(view, Spent) for name in view.spans}


@every_exercise
@in_every_language
def test_every_text_that_a_page_needs_is_there_and_not_empty(number: int, language: str) -> None:
    said = texts(number, language)
    for name in ("title", "summary", "lead"):
        assert said.get(name).strip(), name
    for expectation in ids(number):
        table = said.table(f"expect.{expectation}")
        assert set(table) == {"title", "why", "hint"}, expectation
        assert all(text.strip() for text in table.values()), expectation
    for step in steps(number):
        for name in ("title", "intro"):
            assert said.get(f"steps.{step}.{name}").strip(), (step, name)


@every_exercise
@in_every_language
def test_a_question_has_choices_a_right_answer_and_a_reason(number: int, language: str) -> None:
    for step in exercise(number).steps:
        table = texts(number, language).table(f"steps.{step.id}")
        if step.answer is None:
            assert "question" not in table, step.id
            continue
        assert step.answer in LETTERS[: len(table["choices"])], step.id
        assert len(set(table["choices"])) == len(table["choices"]) == len(LETTERS), step.id
        assert table["question"].strip(), step.id
        assert table["because"].strip(), step.id


@every_exercise
def test_most_steps_ask_for_a_prediction(number: int) -> None:
    asking = [step for step in exercise(number).steps if step.answer]
    assert 2 * len(asking) >= len(exercise(number).steps)


@every_exercise
@in_every_language
def test_every_line_to_type_has_a_terminal_and_says_what_one_should_see(number: int, language: str) -> None:
    for step in exercise(number).steps:
        sees = texts(number, language).table(f"hand.{step.id}").get("sees", [])
        assert len(sees) == len(step.type), step.id
        assert all(line.strip() for line in sees), step.id
        assert {one.terminal for one in step.type} <= set(TERMINALS), step.id
        for one in step.type:
            re.compile(one.sees)


@every_exercise
def test_it_can_be_done_by_hand(number: int) -> None:
    assert any(step.type for step in exercise(number).steps)


@every_exercise
@in_every_language
def test_every_claim_and_each_of_its_conditions_has_its_words(number: int, language: str) -> None:
    for claim in exercise(number).claims:
        named = texts(number, language).table(f"claims.{claim.id}")
        assert named["says"].strip(), claim.id
        other = any(instead for _, instead in claim.conditions.values())
        assert bool(named.get("instead", "").strip()) >= other, claim.id
        assert set(named.get("cases", {})) == set(claim.conditions) - {ALWAYS}, claim.id


@every_exercise
def test_both_languages_name_the_same_texts(number: int) -> None:
    files = [exercise(number).folder / f"text.{language}.toml" for language in LANGUAGES]
    one, other = (set(keys(tomllib.loads(file.read_text(encoding="utf-8")))) for file in files)
    assert one
    assert one == other


@every_exercise
@in_every_language
def test_a_word_that_a_text_takes_from_the_system_is_in_the_glossary(number: int, language: str) -> None:
    path = exercise(number).folder / f"text.{language}.toml"
    glossary = load_glossary(language)
    used = {word for text in strings(tomllib.loads(path.read_text(encoding="utf-8"))) for word in WORDS.findall(text)}
    assert {word for word in used if glossary.find(word) is None} == set()


@every_exercise
def test_the_chinese_is_chinese(number: int) -> None:
    path = exercise(number).folder / "text.zh-CN.toml"
    for text in strings(tomllib.loads(path.read_text(encoding="utf-8"))):
        assert not re.search("[\u4e00-\u9fff][,;:?!]", text), text
    said = texts(number, "zh-CN")
    for key in ("title", "summary", "lead"):
        assert re.search("[\u4e00-\u9fff]", said.get(key)), key


@every_exercise
@in_every_language
def test_every_model_whose_cost_is_shown_has_its_words_for_what_breaks(number: int, language: str) -> None:
    shown = {
        program
        for step in exercise(number).steps
        for view in step.show
        if isinstance(view, Costs)
        for program in view.programs
    }
    said = messages(language).table("report.breaks")
    assert {program for program in shown if not said.get(program, "").strip()} == set()


# -- across the exercises


def test_the_exercises_about_models_end_with_the_table_of_their_costs() -> None:
    models = range(7, 12)
    assert [
        number for number in NUMBERS if any(isinstance(view, Costs) for view in exercise(number).steps[-1].show)
    ] == [*models]


@in_every_language
def test_what_breaks_is_told_of_right_servers_only(language: str) -> None:
    servers = {path.stem for path in (ROOT / "images" / "servers").glob("*.py")}
    assert set(messages(language).table("report.breaks")) <= servers


def claims() -> Iterator[tuple[int, Claim]]:
    for number in NUMBERS:
        yield from ((number, claim) for claim in exercise(number).claims)


def test_a_claim_that_several_exercises_judge_has_other_conditions_in_each() -> None:
    named = [(claim.id, condition) for _, claim in claims() for condition in claim.conditions if condition != ALWAYS]
    assert [each for each, count in Counter(named).items() if count > 1] == []


@in_every_language
def test_no_two_exercises_have_the_same_title_or_summary(language: str) -> None:
    for key in ("title", "summary"):
        said = [texts(number, language).get(key) for number in NUMBERS]
        assert len(set(said)) == len(said)


# -- the folder


@every_exercise
def test_no_stray_file_lies_in_its_folder(number: int) -> None:
    found = {path.name for path in exercise(number).folder.iterdir() if path.name != "__pycache__"}
    assert found - PICTURES - PAGES == FILES
    assert found & PICTURES in (set(), PICTURES)
    assert found & PAGES in (set(), PAGES)


def test_nothing_else_lies_beside_the_exercises() -> None:
    known = {folder.name for folder in exercise_folders().values()}
    beside = {path.name for path in (ROOT / "exercises").iterdir()} - known - {"__pycache__"}
    assert beside <= {"CLAIMS.md", "CLAIMS.zh-CN.md"}
