"""Whatever text comes in, what goes out is printable, and tells which bytes came in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import MachineError, UsageError
from lab.foreign import TAKEN, shown, shown_json, shown_lines
from lab.report.ink import for_encoding

anything = (
    st.text()
    | st.binary().map(lambda data: data.decode(errors=TAKEN))
    | st.text("\x1b[2J\x9b\u202e\u2066\x07\r\n\t`<&")
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ASCII, 中文, é, 😀", "plain ASCII, 中文, é, 😀"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("C1 \x9b2J", r"C1 \x9b2J"),
        ("\u202eabc\u2066\u200f\u200b", r"\u202eabc\u2066\u200f\u200b"),
        ("a\r\nb\tc\x7f", r"a\r\nb\tc\x7f"),
        ("\u2028\u2029\x85", r"\u2028\u2029\x85"),
        (b"\xe4\xb8 \xff".decode(errors=TAKEN), r"\xe4\xb8 \xff"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("　 ", "　 "),
    ],
)
def test_each_kind_stands_in_its_form(text: str, expected: str) -> None:
    assert shown(text) == expected


@given(anything)
def test_no_character_moves_anything(text: str) -> None:
    assert all(char.isprintable() or char in "\u00a0\u3000" for char in shown(text))
    assert shown(shown(text)) == shown(text)
    assert shown_lines(text).count("\n") == text.count("\n")


@given(st.recursive(anything, lambda inner: st.lists(inner) | st.dictionaries(anything, inner), max_leaves=8))
def test_json_holds_the_same_and_prints_nothing_but_itself(document: object) -> None:
    text = shown_json(json.dumps(document, ensure_ascii=False, indent=1))
    assert json.loads(text) == document
    assert text.replace("\n", "").isprintable() or {*text} & {*"\u00a0\u3000"}
    text.encode()


@given(anything, st.sampled_from(["ascii", "latin-1", "gbk", "utf-8", "cp437"]))
def test_every_encoding_can_write_it(text: str, encoding: str) -> None:
    written = for_encoding(text, encoding)
    assert shown(written) == written
    assert shown(written.encode(encoding).decode(encoding)) == written


@given(anything)
def test_an_error_is_one_line_whatever_it_names(text: str) -> None:
    for error in (UsageError("unknown-word", word=text), MachineError("engine-lost", detail=text)):
        for language in ("en", "zh-CN"):
            said = error.what(language) + error.remedy(language)
            assert shown(said) == said
