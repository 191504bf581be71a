"""A line that a program printed, taken apart: each piece of it with what it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.report.fold import fold
from lab.report.ink import Line, Role, Span, indented, line, pad
from lab.report.words import Words
from lab.text.glossary import load_glossary

_WIDEST_PIECE: Final = 20
_GAP: Final = 3


class Piece(NamedTuple):
    """A piece of the line, and what it means."""

    text: str
    meaning: str


def pieces(printed: Sequence[str], pattern: str, words: Words) -> tuple[Piece, ...]:
    """Return the pieces of the first line that the regular expression matches, none when it matches none.

    Each named group is a piece. Its name finds the exercise's own words (`parts.<name>`) or, `_` read as `-`, a term
    of the glossary.
    """
    matches = (re.search(pattern, text) for text in printed)
    found = next((match for match in matches if match), None)
    if found is None:
        return ()
    return tuple(Piece(text, _meaning(name, text, words)) for name, text in found.groupdict().items() if text)


def _meaning(name: str, text: str, words: Words) -> str:
    own = words.maybe(f"parts.{name}")
    if own is not None:
        return own
    term = load_glossary(words.language).terms[name.replace("_", "-")]
    return term.short if term.title == text else words.lab("apart.term", title=term.title, short=term.short)


def draw(parts: Sequence[Piece], width: int) -> Iterator[Line]:
    """Yield the pieces at the left with their meanings beside them; a long piece stands on a line of its own."""
    short = [cell_len(part.text) for part in parts if cell_len(part.text) <= _WIDEST_PIECE]
    left = max(short, default=0) + _GAP
    for part in parts:
        meaning = [line(text) for text in fold(part.meaning, width - left)]
        if cell_len(part.text) > _WIDEST_PIECE:
            for text in fold(part.text, width):
                yield line(Span(text, Role.COMMAND))
            yield from indented(meaning, left)
        else:
            first, *rest = meaning
            yield line(Span(pad(part.text, left), Role.COMMAND), *first)
            yield from indented(rest, left)
