"""Every message that an expectation can give has its words, with the same fields, in every language."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import lab.judge
from lab.errors import EvidenceError
from lab.judge.judging import say, told
from lab.judge.segments.ladders import PARTS
from lab.judge.verdict import Message
from lab.text.catalog import LANGUAGES, messages

ROOM = Path(lab.judge.__file__).parent


def given() -> set[str]:
    """Return the codes that stand in the room's own code."""
    found = {f"ladder-{part}" for part in (*PARTS, "whole")}
    for path in ROOM.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"\bMessage\(\s*\"([a-z-]+)\"", text))
        for either in re.findall(r"(?:code = |Message\()\"([a-z-]+)\" if .+? else \"([a-z-]+)\"", text):
            found |= set(either)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_has_words(language: str) -> None:
    assert {code for code in given() if f"judge.{code}" not in messages(language)} == set()


def test_both_languages_have_the_same_messages_with_the_same_fields() -> None:
    tables = [dict(messages(language).table("judge")) for language in LANGUAGES]
    kinds = [table.pop("kind") for table in tables]
    assert kinds[0].keys() == kinds[1].keys()
    assert tables[0].keys() == tables[1].keys()
    for code in tables[0]:
        fields = [{field for _, field, _, _ in string.Formatter().parse(table[code]) if field} for table in tables]
        assert fields[0] == fields[1], code


def test_no_words_are_kept_for_messages_that_nobody_gives() -> None:
    assert set(messages("en").table("judge")) - given() - {"stopped", "evaded", "kind"} == set()


def test_every_kind_of_record_that_can_be_missing_has_its_word() -> None:
    sources = [path.read_text(encoding="utf-8") for path in ROOM.parent.rglob("*.py")]
    kinds = {kind for text in sources for kind in re.findall(r"\"record-missing\", kind=\"([a-z]+)\"", text)}
    for language in LANGUAGES:
        assert set(messages(language).table("judge.kind")) == kinds
    for kind in kinds:
        assert kind not in told(EvidenceError("record-missing", kind=kind, name="x"), "zh-CN")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_inside_a_message_is_said_in_the_same_language(language: str) -> None:
    inner = Message("rows-differ", {"differing": 1, "missing": 2, "extra": 3})
    outer = Message("timed-out", {"condition": "-", "difference": inner})
    assert say(inner, language) in say(outer, language)
