"""The words of a page: the exercise's own texts and the lab's, in one language, with the lab's addresses filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.foreign import shown
from lab.judge.judging import say
from lab.judge.verdict import Message
from lab.report.fold import unfolded
from lab.text.catalog import Catalog, messages


class Words:
    """Texts by id. In the exercise's texts `{server}` and `{client}` stand for the hosts' addresses."""

    def __init__(self, texts: Catalog, language: str, addresses: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts
        self._lab = messages(language)
        self._addresses = addresses

    def filled(self, text: str) -> str:
        """Return the text with the hosts' names between braces replaced by their addresses."""
        for host, address in self._addresses.items():
            text = text.replace(f"{{{host}}}", address)
        return text

    def own(self, key: str) -> str:
        """Return a text of the exercise on one line; MissingTextError when there is none."""
        return self.filled(unfolded(self._texts.get(key)))

    def maybe(self, key: str) -> str | None:
        """Return a text of the exercise, or None (for an empty one too)."""
        text = self._texts.maybe(key)
        return self.filled(unfolded(text)) if text and text.strip() else None

    def listed(self, key: str) -> tuple[str, ...]:
        """Return a list of texts of the exercise (empty when there is none)."""
        table, _, name = key.rpartition(".")
        found: Any = self._texts.table(table).get(name, ())
        return tuple(self.filled(text) for text in found) if isinstance(found, Sequence) else ()

    def table(self, key: str) -> Mapping[str, str]:
        """Return a table of texts of the exercise (empty when there is none)."""
        return {name: self.filled(text) for name, text in self._texts.table(key).items() if isinstance(text, str)}

    def lab(self, key: str, /, **params: object) -> str:
        """Return a text of the report room (`report.<key>`); what it is filled with stands on one line."""
        plain = {name: shown(value) if isinstance(value, str) else value for name, value in params.items()}
        return self._lab.get(f"report.{key}", **plain)

    def maybe_lab(self, key: str) -> str | None:
        """Return a text of the report room, or None."""
        return self._lab.maybe(f"report.{key}")

    def plural(self, key: str, count: int, /, **params: object) -> str:
        """Return `report.<key>.one` or `report.<key>.many` with `count` filled in."""
        return self.lab(f"{key}.{'one' if count == 1 else 'many'}", count=count, **params)

    def message(self, message: Message) -> str:
        """Return the words of an expectation's message (`judge.<code>`), on one line."""
        return unfolded(self.filled(say(message, self.language)))
