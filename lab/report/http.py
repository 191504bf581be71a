"""An HTTP message taken apart: each of its lines with what it means, its body, and what ended it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.foreign import shown
from lab.report.fold import fold
from lab.report.ink import Line, Role, Span, indented, line, pad
from lab.report.words import Words
from lab.text.glossary import load_glossary
from lab.wire.http import Kind, Message

_GAP: Final = 3
_LEFT: Final = 0.36
"""How much of the width the lines of the message may take; a longer one stands on lines of its own."""
_LONGEST: Final = 180
_BODY_LINES: Final = 6
_EMPTY_LINE: Final = "↵"


class Row(NamedTuple):
    """A line of the message, and what it means."""

    text: str
    meaning: str


_LEFT_OUT: Final = Row("…", "")


def rows(message: Message, words: Words, only: Sequence[str] = ()) -> tuple[Row, ...]:
    """Return the message's lines with their meanings: the exercise's own words, else the glossary's.

    With `only` the headers of other names are left out, and `…` stands for them.
    """
    first, *headers = message.lines
    start = "request-line" if message.kind is Kind.REQUEST else "status-line"
    found = [Row(_clean(first.shown, words), words.maybe(f"parts.{start}") or words.lab(f"http.{start}"))]
    wanted = {name.lower() for name in only}
    for header in headers:
        if not wanted or _name(header.shown) in wanted:
            found.append(Row(_clean(header.shown, words), _meaning(header.shown, words)))
        elif found[-1] != _LEFT_OUT:
            found.append(_LEFT_OUT)
    found.append(Row(_EMPTY_LINE, words.lab("http.empty-line")))
    if message.body:
        said = words.maybe(f"parts.{message.kind}-body") or words.lab("http.body", size=len(message.body))
        texts = message.body.decode("utf-8", "backslashreplace").splitlines() or [""]
        found += [Row(_clean(text, words), "" if place else said) for place, text in enumerate(texts[:_BODY_LINES])]
        if left := sum(len(text.encode()) + 1 for text in texts[_BODY_LINES:]):
            found.append(Row(words.lab("http.cut", size=left), ""))
    return tuple(found)


def _name(header: str) -> str:
    return header.partition(":")[0].strip().lower()


def _meaning(header: str, words: Words) -> str:
    name = _name(header)
    own = words.maybe(f"parts.{name}")
    if own is not None:
        return own
    terms = load_glossary(words.language).terms
    term = terms.get(f"header-{name}")
    return words.lab("http.header") if term is None else term.short


def _clean(text: str, words: Words) -> str:
    plain = shown(text)
    if len(plain) <= _LONGEST:
        return plain
    return plain[:_LONGEST] + words.lab("http.cut", size=len(text.encode()) - len(plain[:_LONGEST].encode()))


def notes(message: Message, file: str, words: Words) -> tuple[str, ...]:
    """Return what is to be said under it: what ended it, what the libraries object to, and where it stands."""
    said = [words.lab("http.refused", library=each.library, why=each.refused) for each in message.refused]
    if message.differences and not message.refused:
        said.append(words.lab("http.disagree", fields=", ".join(message.differences)))
    if message.valid:
        said.append(words.lab(f"http.ended-{message.ends_by}", missing=message.missing))
    said.append(words.plural("http.frames", len(message.frames), frames=_numbers(message.frames), file=file))
    return tuple(said)


def _numbers(frames: Sequence[int]) -> str:
    if len(frames) > 3:  # noqa: PLR2004 - more than a reader wants to read
        return f"{frames[0]} … {frames[-1]}"
    return ", ".join(map(str, frames))


def draw(found: Sequence[Row], width: int) -> list[Line]:
    """Return the lines at the left with their meanings beside them."""
    most = int(width * _LEFT)
    short = [cell_len(row.text) for row in found if cell_len(row.text) <= most]
    left = max(short, default=0) + _GAP
    return [one for row in found for one in _draw(row, left, width)]


def _draw(row: Row, left: int, width: int) -> Iterator[Line]:
    meaning = [line(Span(text, Role.DIM)) for text in fold(row.meaning, width - left)]
    if cell_len(row.text) <= left - _GAP:
        first, *rest = meaning or [()]
        yield (Span(pad(row.text, left), Role.COMMAND), *first)
        yield from indented(rest, left)
        return
    for text in _broken(row.text, width):
        yield line(Span(text, Role.COMMAND))
    yield from indented(meaning, left)


def _broken(text: str, width: int) -> Iterator[str]:
    """Yield a line in pieces that fit: at blanks where there are any, else anywhere."""
    for part in fold(text, width):
        rest = part
        while cell_len(rest) > width:
            size = width
            while cell_len(rest[:size]) > width:
                size -= 1
            yield rest[:size]
            rest = rest[size:]
        yield rest
