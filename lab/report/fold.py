"""Fold prose to a width in terminal cells, in English, Chinese and both mixed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

from lab.report.ink import Line, Role, Span, cells

_WIDE = r"[\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"
# A unit that may not be broken: a command between backticks, one wide character, or a run of other characters.
_UNIT = re.compile(rf"(\s*)(`[^`]{{1,40}}`|{_WIDE}|(?:(?!{_WIDE}|`[^`]{{1,40}}`)\S)+)")
# GB/T 15834 (and every typesetter): these do not begin a line, those do not end one.
_NOT_FIRST = frozenset("，。、；：？！）》」』】〉”’…—,.;:?!)]}%~·")
_NO_BLANK_AFTER = frozenset("。！？；：，、）》」』】”")
_HANGING = "    "
_WORD = re.compile(rf"{_WIDE}\s*|(?:(?!{_WIDE})\S)+\s*|\s+")
_NOT_LAST = frozenset("（《「『【〈“‘([{")


def fold(text: str, width: int) -> list[str]:
    """Return the text in lines of at most `width` cells; a single longer word (a path) stays whole.

    English breaks at blanks, Chinese between characters, and no line begins with a closing mark or ends with an
    opening one.
    """
    lines: list[str] = []
    current = ""
    for gap, chunk in _chunks(text):
        if not current:
            current = chunk
        elif cell_len(current + gap + chunk) <= width:
            current += gap + chunk
        else:
            lines.append(current)
            current = chunk
    return [*lines, current] if current else lines


_BREAK_IN_CHINESE = re.compile(rf"(?<={_WIDE})\s*\n\s*|\s*\n\s*(?={_WIDE})")


def unfolded(text: str) -> str:
    """Return a text of several lines as one: a line break is a blank, but none beside a Chinese character."""
    return " ".join(_BREAK_IN_CHINESE.sub("", text.strip()).split())


_END_OF_SENTENCE = re.compile(r"(?<=[。！？])(?![）”])|(?<=[.!?])\s+(?=[A-Z(“`])")


def sentences(text: str) -> list[str]:
    """Return the sentences of a text on one line; one that begins with a small letter is told with the one before.

    >>> sentences("3000 bytes arrive. The limit is recv(1024).")
    ['3000 bytes arrive.', 'The limit is recv(1024).']
    """
    return [part.strip() for part in _END_OF_SENTENCE.split(text) if part.strip()]


def together(*parts: str | None) -> str:
    """Return sentences as one text: a blank after a Western full stop, none after a Chinese one; None is left out."""
    text = ""
    for part in filter(None, parts):
        text += " " + part if text and text[-1] not in _NO_BLANK_AFTER else part
    return text


def fold_printed(text: str, width: int) -> list[str]:
    """Return what a program printed in lines of at most `width` cells, its columns kept; a longer word stays whole.

    It breaks at the last blank that fits, and what follows is moved right.
    """
    lines: list[str] = []
    margin = ""
    rest = text.rstrip()
    while cell_len(margin + rest) > width:
        blanks = [place for place, letter in enumerate(rest) if letter == " " and rest[:place].strip()]
        if not blanks:
            break
        place = max((one for one in blanks if cell_len(margin + rest[:one]) <= width), default=blanks[0])
        lines.append((margin + rest[:place]).rstrip())
        margin, rest = _HANGING, rest[place:].lstrip()
    return [*lines, margin + rest]


def titled(text: str, width: int, number: int | None = None) -> list[Line]:
    """Return a title in lines of at most `width` cells, beside the number where it has one."""
    mark = "" if number is None else f"{number}  "
    first, *rest = fold(text, width - cell_len(mark)) or [""]
    return [(Span(mark + first, Role.TITLE),), *((Span(" " * cell_len(mark) + part, Role.TITLE),) for part in rest)]


def fold_line(one: Line, width: int) -> list[Line]:
    """Return the line, or where it is wider than so many cells its words on several; a line to type stays whole."""
    if cells(one) <= width or any(span.role is Role.COMMAND for span in one):
        return [one]
    lines: list[list[Span]] = [[]]
    used = 0
    for word in (Span(word, span.role) for span in one for word in _WORD.findall(span.text)):
        if used + cell_len(word.text.rstrip()) > width and any(span.text.strip() for span in lines[-1]):
            lines.append([Span(_HANGING)])
            used = cell_len(_HANGING)
        if word.text.strip() or len(lines) == 1:
            lines[-1].append(word)
            used += cell_len(word.text)
    return [tuple(spans) for spans in lines]


def _chunks(text: str) -> Iterator[tuple[str, str]]:
    """Yield (blanks before, unbreakable chunk): marks cling to the character they belong to."""
    held_gap, held = "", ""
    for gap, unit in ((" " if match[1] else "", match[2]) for match in _UNIT.finditer(text)):
        clings = held and not gap and (unit[0] in _NOT_FIRST or held[-1] in _NOT_LAST)
        if clings or (held and gap and held[-1] in _NOT_LAST):
            held += gap + unit
            continue
        if held:
            yield held_gap, held
        held_gap, held = gap, unit
    if held:
        yield held_gap, held
