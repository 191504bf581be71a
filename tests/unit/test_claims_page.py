"""The pages of claims beside the exercises are in step with the ledger's texts and with what the exercises judge."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from lab.commands.claims import PAGES
from lab.judge.claims import Claim
from lab.judge.ledger import NUMBERS
from lab.loading import load_exercise
from lab.report.fold import sentences, unfolded
from lab.report.markdown import escaped
from lab.shelf import EXERCISES, exercise_folders
from lab.text.catalog import LANGUAGES, load_catalog, messages

REMEDY: Final = "mend it with: make exercises && .venv/bin/lab claims --pages"
JUDGED: Final[Mapping[int, tuple[Claim, ...]]] = {number: load_exercise(number).claims for number in exercise_folders()}

in_every_language = pytest.mark.parametrize("language", LANGUAGES)


def rows(language: str) -> dict[str, list[str]]:
    """Return the cells of the page by the claim's number: ruling, what the article says, why, evidence."""
    page = (EXERCISES / PAGES[language]).read_text(encoding="utf-8")
    cells = [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in page.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in cells if row[0] in NUMBERS}


@in_every_language
def test_the_ledger_has_words_for_every_claim_and_no_other(language: str) -> None:
    texts = messages(language).table("report.ledger.claim")
    assert set(texts) == set(NUMBERS)
    assert all({"how"} <= set(text) <= {"how", "so"} and all(text.values()) for text in texts.values())
    assert [number for number, text in texts.items() if len(sentences(text.get("so", "One."))) != 1] == []


def told(language: str, key: str) -> Iterator[tuple[str, str]]:
    """Yield what the exercises say of each claim under that key, exercise by exercise: the claim's number, the text."""
    for number, claims in JUDGED.items():
        texts = load_catalog(exercise_folders()[number], "text", language)
        for claim in claims:
            if text := unfolded(texts.maybe(f"claims.{claim.id}.{key}") or ""):
                yield claim.id, text


@in_every_language
def test_exercises_that_rule_on_one_claim_tell_it_in_the_same_words(language: str) -> None:
    said: dict[str, set[str]] = {}
    for number, text in told(language, "says"):
        said.setdefault(number, set()).add(text)
    assert set(said) == set(NUMBERS)
    assert {number: texts for number, texts in said.items() if len(texts) > 1} == {}


@in_every_language
def test_the_page_names_every_claim_as_its_exercise_does(language: str) -> None:
    said = dict(told(language, "says"))
    found = rows(language)
    assert list(found) == list(NUMBERS)
    for number, row in found.items():
        assert row[1] == escaped(said[number]), REMEDY


@in_every_language
def test_the_page_rules_on_every_claim_that_an_exercise_judges(language: str) -> None:
    open_ = messages(language).get("report.ruling.not-run-yet")
    judged = {claim.id for claims in JUDGED.values() for claim in claims}
    assert {number for number, row in rows(language).items() if open_ in row[0]} == set(NUMBERS) - judged, REMEDY


@in_every_language
def test_every_ruling_has_one_sentence_for_its_reason(language: str) -> None:
    """Its own one: where the article is wrong, the first one of an exercise that says what is true instead."""
    words = messages(language)
    said: dict[str, set[str]] = {}
    for number, text in told(language, "instead"):
        said.setdefault(number, set()).add(escaped(sentences(text)[0]))
    otherwise = {words.get(f"report.ruling.{name}") for name in ("refined", "refuted")}
    for number, row in rows(language).items():
        reason, ruling = row[2].split("<br>")[0], row[0].strip("*")
        assert len(sentences(reason)) == 1, (number, reason)
        if ruling in otherwise:
            assert reason in said[number], f"{number}: {REMEDY}"
        elif ruling == words.get("report.ruling.confirmed"):
            assert reason == escaped(words.get(f"report.ledger.claim.{number}.so")), f"{number}: {REMEDY}"


@in_every_language
def test_every_ruling_names_a_file_and_a_place_in_it(language: str) -> None:
    place = re.compile(r"ex\d\d: \S+[,，]\s?\D+\d+\D*")
    cited = messages(language).get("report.ruling.cited")
    without = {
        number
        for number, row in rows(language).items()
        if row[0].strip("*") != cited and not any(place.fullmatch(one) for one in row[3].split("<br>"))
    }
    assert without == set(), REMEDY


def test_both_pages_rule_alike_by_the_same_evidence() -> None:
    one, other = (rows(language) for language in LANGUAGES)
    names = {messages("en").get(f"report.ruling.{key}"): messages("zh-CN").get(f"report.ruling.{key}") for key in KEYS}
    assert {number: f"**{names[row[0].strip('*')]}**" for number, row in one.items()} == {
        number: row[0] for number, row in other.items()
    }
    assert [row[3].count("<br>") for row in one.values() if len(row) > 3] == [
        row[3].count("<br>") for row in other.values() if len(row) > 3
    ]


KEYS: Final = (
    "confirmed", "refined", "refuted", "cited", "not-run-yet", "inconclusive", "the-lab-itself-is-wrong",
)  # fmt: skip


def test_no_page_says_that_the_lab_is_wrong_or_that_evidence_does_not_decide() -> None:
    bad = {messages("en").get(f"report.ruling.{key}") for key in ("inconclusive", "the-lab-itself-is-wrong")}
    assert {number for number, row in rows("en").items() if row[0].strip("*") in bad} == set()
