"""The glossary explains every word the lab uses, in every language, and finds it however it is typed."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.text.catalog import LANGUAGES, MissingTextError
from lab.text.glossary import Glossary, Term, load_glossary, plain
from lab.wire.segment import Flags
from lab.wire.state import State

ENGLISH = load_glossary("en")
COLUMNS = ("State", "Recv-Q", "Send-Q", "Local", "Local Address:Port", "Peer Address:Port", "Peer", "Process", "timer")
FLAGS = ("S", "S.", ".", "P", "P.", "F", "F.", "FP.", "R", "R.", "U", "E", "W", "SYN", "FIN", "RST", "PSH", "ACK")
# fmt: off
TERMS = (
    "segment", "packet", "frame", "message", "conversation", "flow", "handshake", "teardown",
    "half-close", "half-open", "backlog", "accept_queue", "syn_queue", "ISN", "seq", "ack", "window",
    "MSS", "MSL", "2MSL", "ephemeral_port", "4-tuple", "active_closer", "passive_closer", "SO_REUSEADDR",
    "EADDRINUSE", "EOF", "retransmission", "cumulative_ACK", "observed", "inferred", "freeze", "SIGSTOP",
    "listen", "accept", "fd",
)
# fmt: on


def names(term: Term) -> list[str]:
    return [term.key, term.title, *term.aliases]


def test_the_languages_explain_the_same_words_with_the_same_links() -> None:
    links = [{term.key: term.see for term in load_glossary(known).terms.values()} for known in LANGUAGES]
    assert links[1:] == links[:-1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_leads_to_another_word(language: str) -> None:
    terms = load_glossary(language).terms
    assert [(key, link) for key, term in terms.items() for link in term.see if link not in terms or link == key] == []


def spelt(name: str) -> str:
    """A letter is what it is: `E` and `e` are two flags."""
    return name if len(name) == 1 else plain(name)


def test_a_letter_is_found_in_its_own_case_first() -> None:
    found = [ENGLISH.find(letter) for letter in ("E", "e", "w")]
    assert [term and term.key for term in found] == ["flag-e", "flag-ae", "flag-w"]


def test_no_name_stands_for_two_words_in_any_language() -> None:
    meant: dict[str, set[str]] = {}
    for language in LANGUAGES:
        for term in load_glossary(language).terms.values():
            for name in names(term):
                meant.setdefault(spelt(name), set()).add(term.key)
    assert {name: keys for name, keys in meant.items() if len(keys) > 1} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_alias_is_written_twice(language: str) -> None:
    written = [spelt(alias) for term in load_glossary(language).terms.values() for alias in term.aliases]
    assert [alias for alias in set(written) if written.count(alias) > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_is_whole(language: str) -> None:
    for term in load_glossary(language).terms.values():
        assert term.title, term.key
        assert term.short, term.key
        assert term.text, term.key
        assert term.source, term.key
        assert term.see, term.key
        assert len(term.short) < 140, term.key
        assert term.short[-1] in ".。", term.key
        assert "\n" not in term.short + term.text, term.key


def test_the_chinese_is_chinese() -> None:
    for term in load_glossary("zh-CN").terms.values():
        for said in (term.short, term.text):
            assert any(unicodedata.name(char).startswith("CJK UNIFIED") for char in said), term.key
            assert not re.search("[\u4e00-\u9fff][,;:?!]", said), term.key
        assert any("\u4e00" <= char <= "\u9fff" for name in names(term) for char in name), term.key


def test_the_code_in_an_explanation_is_the_same_in_both_languages() -> None:
    chinese = load_glossary("zh-CN").terms
    for key, term in ENGLISH.terms.items():
        assert set(re.findall("`([^`]+)`", term.text)) == set(re.findall("`([^`]+)`", chinese[key].text)), key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", State)
def test_every_state_is_explained_by_either_name(language: str, state: State) -> None:
    glossary = load_glossary(language)
    by_value, by_name = glossary.find(state.value), glossary.find(state.name)
    assert by_value is not None
    assert by_value == by_name
    assert by_value.title == state.value


@pytest.mark.parametrize("flag", Flags)
def test_every_flag_is_explained_by_letter_and_name(flag: Flags) -> None:
    letter = ENGLISH.find(flag.letters)
    assert letter is not None
    assert f"({flag.name})" in letter.title
    named = ENGLISH.find(str(flag.name))
    assert named is not None
    # "ACK" is first of all the number; the entry leads to the dot.
    assert named == letter or letter.key in named.see


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "word", [*COLUMNS, *FLAGS, *TERMS, "grep 8000", "SYN-RECEIVED", "SYN_RECV", "三次握手", "半关闭"]
)
def test_every_word_of_the_lab_is_found_in_either_language(language: str, word: str) -> None:
    assert load_glossary(language).find(word) is not None


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("LISTEN", "listen"),
        ("listen", "listen"),
        ("listen()", "listen-call"),
        ("accept()", "accept-call"),
        ("s.", "flag-s-dot"),
        ("recv q", "recv-q"),
        ("RECV_Q", "recv-q"),
        ("  time  wait ", "time-wait"),
        ("Time_Wait", "time-wait"),
        ("established", "estab"),
        ("全连接队列", "accept-queue"),
        ("accept 队列", "accept-queue"),
        ("半连接队列", "syn-queue"),
        ("四次挥手", "teardown"),
        ("套接字", "socket"),
        ("监听", "listen"),
        ("抓包", "capture"),
        ("*:*", "wildcard"),
    ],
)
def test_a_word_is_found_however_it_is_typed(word: str, key: str) -> None:
    found = ENGLISH.find(word)
    assert found is not None
    assert found.key == key


@pytest.mark.parametrize("word", ["", "  ", "-", "LISTNE", "ss", "()"])
def test_another_word_is_not_found(word: str) -> None:
    assert ENGLISH.find(word) is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("LISTNE", "listen"),
        ("TIMEWIAT", "time-wait"),
        ("close-wiat", "close-wait"),
        ("handshaek", "handshake"),
        ("FIN-WAIT", "fin-wait-1"),
        ("so_reuse", "so-reuseaddr"),
        ("三次握守", "handshake"),
    ],
)
def test_a_wrong_word_gets_near_ones(word: str, expected: str) -> None:
    near = ENGLISH.near(word)
    found = [term.key for name in near if (term := ENGLISH.find(name))]
    assert expected in found
    assert len(found) == len(near) == len(set(found)) <= 3


def test_a_word_like_no_other_gets_none() -> None:
    assert ENGLISH.near("xylophone-quartz") == ENGLISH.near("") == ENGLISH.near("--") == []


@given(st.text())
def test_any_word_is_found_or_not_and_never_an_accident(word: str) -> None:
    ENGLISH.find(word)
    assert all(ENGLISH.find(name) for name in ENGLISH.near(word))


def test_a_glossary_in_no_language_is_refused() -> None:
    with pytest.raises(MissingTextError):
        load_glossary("tlh")


def test_an_empty_glossary_knows_nothing() -> None:
    empty = Glossary({}, [])
    assert (empty.find("LISTEN"), empty.near("LISTEN")) == (None, [])
