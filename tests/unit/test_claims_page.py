"""The pages of claims beside the exercises are in step with the ledger's texts and with what the exercises judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import pytest

from lab.commands.claims import PAGES
from lab.exercise import load_exercise
from lab.judge.claims import Claim
from lab.judge.ledger import NUMBERS
from lab.report.fold import unfolded
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
    assert all(set(text) == {"says", "how"} and all(text.values()) for text in texts.values())


@in_every_language
def test_the_page_names_every_claim_as_the_ledger_does(language: str) -> None:
    found = rows(language)
    assert list(found) == list(NUMBERS)
    for number, row in found.items():
        assert row[1] == escaped(messages(language).get(f"report.ledger.claim.{number}.says")), REMEDY


@in_every_language
def test_the_page_rules_on_every_claim_that_an_exercise_judges(language: str) -> None:
    open_ = messages(language).get("report.ruling.not-run-yet")
    judged = {claim.id for claims in JUDGED.values() for claim in claims}
    assert {number for number, row in rows(language).items() if open_ in row[0]} == set(NUMBERS) - judged, REMEDY


@in_every_language
def test_the_reasons_are_the_exercises_own_sentences(language: str) -> None:
    said: dict[str, set[str]] = {}
    for number, claims in JUDGED.items():
        texts = load_catalog(exercise_folders()[number], "text", language)
        for claim in claims:
            said.setdefault(claim.id, set()).add(escaped(unfolded(texts.maybe(f"claims.{claim.id}.instead") or "")))
    otherwise = {messages(language).get(f"report.ruling.{name}") for name in ("refined", "refuted")}
    for identity, row in rows(language).items():
        if row[0].strip("*") in otherwise:
            assert any(one and one in row[2] for one in said[identity]), f"{identity}: {REMEDY}"


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
