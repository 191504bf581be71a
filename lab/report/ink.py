"""Lines of a page before any form decorates them: spans of text, each with the role it plays."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len

from lab.foreign import shown


class Role(StrEnum):
    """What a span means; the terminal gives each role a style, Markdown and logs give none."""

    PLAIN = "plain"
    TITLE = "title"
    STRONG = "strong"
    DIM = "dim"
    HOST = "host"
    COMMAND = "command"
    STATE = "state"
    INFERRED = "inferred"
    NEW = "new"
    GONE = "gone"
    PASS = "pass"
    FAIL = "fail"
    UNDECIDED = "undecided"
    SKIPPED = "skipped"
    DIFFERS = "differs"
    ASK = "ask"


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    role: Role = Role.PLAIN


Line = tuple[Span, ...]

EMPTY: Line = ()


def line(*parts: str | Span) -> Line:
    """Return a line made of plain strings and spans."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def indented(lines: tuple[Line, ...] | list[Line], cells: int) -> list[Line]:
    """Return the lines moved right by so many cells; empty ones stay empty."""
    margin = Span(" " * cells)
    return [(margin, *one) if one else one for one in lines]


def plain(one: Line) -> str:
    """Return the text of a line without trailing blanks, every character of it printable."""
    return shown("".join(span.text for span in one)).rstrip()


def cells(one: Line) -> int:
    """Return how many terminal cells the line takes (a Chinese character takes two)."""
    return cell_len(plain(one))


def without_blanks(one: Line) -> Line:
    """Return the line without the blanks at its end."""
    *others, last = one or (Span(""),)
    text = last.text.rstrip()
    if text or not others:
        return (*others, Span(text, last.role)) if text else ()
    return without_blanks(tuple(others))


def clipped(one: Line, width: int) -> Line:
    """Return the line in at most `width` cells, its end replaced by an ellipsis where it is longer."""
    if cells(one) <= width:
        return one
    kept: list[Span] = []
    room = width - 1
    for span in one:
        text = span.text
        while cell_len(text) > room:
            text = text[:-1]
        kept.append(Span(text, span.role))
        room -= cell_len(text)
        if text != span.text:
            break
    return (*kept, Span("…", Role.DIM))


def pad(text: str, width: int) -> str:
    """Return the text filled with blanks to `width` cells."""
    return text + " " * max(0, width - cell_len(text))


def pad_left(text: str, width: int) -> str:
    """Return the text moved to the right end of `width` cells."""
    return " " * max(0, width - cell_len(text)) + text


_ASCII_MARKS = (("✓ ", "ok"), ("✗ ", "NO"), ("◀──", "<--"), ("──▶", "-->"))
_ASCII = str.maketrans(
    {
        "─": "-", "▶": ">", "◀": "<", "█": "#", "✓": "+", "✗": "x", "–": "-", "—": "-", "·": "-", "›": ">", "→": "->",
        "µ": "u", "…": "...", "“": '"', "”": '"', "‘": "'", "’": "'", "×": "x", "│": "|",
        "┊": ":", "└": "+", "┌": "+", "┐": "+", "┘": "+", "┬": "+", "┴": "+",
    }
)  # fmt: skip


def for_encoding(text: str, encoding: str) -> str:
    """Return the text in characters that `encoding` can write: drawing characters fall back to ASCII, others to codes.

    Whatever it holds, every character of it is printable.
    """
    text = shown(text)
    if encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-16", "utf-8-sig"}:
        return text
    for mark, letters in _ASCII_MARKS:
        text = text.replace(mark, letters)
    text = text.translate(_ASCII)
    return text.encode(encoding, "backslashreplace").decode(encoding)
