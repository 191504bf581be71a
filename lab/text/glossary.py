"""Explain a word: every state, column, flag letter and term the lab uses, for `lab explain WORD`."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.text.catalog import LANGUAGES, MissingTextError, load_catalog

_HERE = Path(__file__).parent
_SYSCTL = re.compile(r"^net\.(?:ipv4|core)\.")
_ERRNO = re.compile(r"\[errno (\d+)\]")


@dataclass(frozen=True, slots=True)
class Term:
    """One entry: `short` is one sentence, `text` a few more, `see` other keys, `source` where it is laid down."""

    key: str
    title: str
    short: str
    text: str
    see: tuple[str, ...]
    source: str
    aliases: tuple[str, ...]


class Glossary:
    """The terms of one language by key; they are found under the names of every language."""

    def __init__(self, terms: Mapping[str, Term], names: Iterable[tuple[str, str]]) -> None:
        """Take the terms by key, and (name, key) pairs: what a person may type, and what it stands for."""
        self.terms = terms
        self._shown: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._spelt: dict[str, str] = {}
        for name, key in names:
            self._shown.setdefault(plain(name), name)
            self._keys.setdefault(plain(name), key)
            self._spelt.setdefault(name, key)

    def find(self, word: str) -> Term | None:
        """Return the term of that key, title or alias, in any case, with `-`, `_` or a space between; or None.

        The very spelling comes first: the flags `e` and `E` differ in case alone.

        A sysctl may be given with its whole name (`net.ipv4.tcp_sack`), and an error as a program prints it
        (`OSError: [Errno 98] Address already in use`).
        """
        name = plain(word)
        key = self._spelt.get(word) or self._keys.get(name) or self._keys.get(_SYSCTL.sub("", name))
        key = key or self._in_message(name)
        return None if key is None else self.terms[key]

    def _in_message(self, text: str) -> str | None:
        """Return the key of the error whose number, or else whose message of two words or more, stands in a text."""
        if number := _ERRNO.search(text):
            return self._keys.get(f"errno {number[1]}")
        told = (name for name in self._keys if " " in name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))
        return self._keys.get(max(told, key=len, default=""))

    def near(self, word: str, limit: int = 3) -> list[str]:
        """Return up to `limit` names that `word` may have been meant for, best first, one per term."""
        wanted = plain(word)
        if not wanted:
            return []
        begun = [name for name in self._keys if len(wanted) > 1 and name.startswith(wanted)]
        alike = difflib.get_close_matches(wanted, self._keys, n=max(1, len(self._keys)), cutoff=0.6)
        chosen: dict[str, str] = {}
        for name in begun + alike:
            title = self.terms[self._keys[name]].title
            # Its title where that is near too: LISTEN rather than listener.
            chosen.setdefault(self._keys[name], title if plain(title) in alike else self._shown[name])
        return list(chosen.values())[:limit]


def plain(word: str) -> str:
    """Return `word` without what does not distinguish names: case, and which of `-`, `_` and space is used."""
    return re.sub(r"[\s_-]+", " ", word).strip().casefold()


@functools.cache
def load_glossary(language: str) -> Glossary:
    """Return the glossary in `language` (one of LANGUAGES).

    Raises MissingTextError for another language, or when a term lacks a field or is not there in every language.
    """
    if language not in LANGUAGES:
        raise MissingTextError(f"glossary.{language}.toml")
    terms = {known: _read(known) for known in LANGUAGES}
    names = [
        (name, term.key)
        for known in (language, *LANGUAGES)
        for term in terms[known].values()
        for name in (term.key, term.title, *term.aliases)
    ]
    missing = {key for _, key in names} - terms[language].keys()
    if missing:
        raise MissingTextError(f"glossary.{min(missing)} in glossary.{language}.toml")
    return Glossary(terms[language], names)


def _read(language: str) -> dict[str, Term]:
    table = load_catalog(_HERE, "glossary", language).table("glossary")
    return {key: _term(key, fields, language) for key, fields in table.items()}


def _term(key: str, fields: Mapping[str, Any], language: str) -> Term:
    try:
        return Term(
            key=key,
            title=fields["title"],
            short=fields["short"],
            text=fields["text"],
            see=tuple(fields["see"]),
            source=fields["source"],
            aliases=tuple(fields["aliases"]),
        )
    except KeyError as missing:
        raise MissingTextError(f"glossary.{key}.{missing.args[0]} in glossary.{language}.toml") from None
