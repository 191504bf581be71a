"""Fold prose to a width in terminal cells, in English, Chinese and both mixed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

_WIDE = r"[\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"
# A unit that may not be broken: a command between backticks, one wide character, or a run of other characters.
_UNIT = re.compile(rf"(\s*)(`[^`]{{1,40}}`|{_WIDE}|(?:(?!{_WIDE}|`[^`]{{1,40}}`)\S)+)")
# GB/T 15834 (and every typesetter): these do not begin a line, those do not end one.
_NOT_FIRST = frozenset("，。、；：？！）》」』】〉”’…—,.;:?!)]}%~·")
_NO_BLANK_AFTER = frozenset("。！？；：，、）》」』】”")
_HANGING = "    "
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
