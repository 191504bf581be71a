"""The ledger on a terminal: a claim's number and ruling at the left, its sentences folded beside them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from lab.judge.claims import Ruling
from lab.report.claims import ROLES
from lab.report.fold import fold
from lab.report.ink import EMPTY, Line, Role, Span, indented, line, pad
from lab.report.ledger import EntryStory, LedgerStory
from lab.report.style import emit_all, page_width
from lab.report.words import Words

if TYPE_CHECKING:
    from rich.console import Console

_GAP: Final = 2
_PLACES: Final = 2
"""How many places of evidence are printed for a case; the document has all of them."""


def show_ledger(console: Console, story: LedgerStory) -> None:
    """Print the ledger."""
    emit_all(console, ledger_lines(story, page_width(console)))


def ledger_lines(story: LedgerStory, width: int) -> Iterator[Line]:
    """Yield the ledger part by part, then the counts and what was passed over."""
    words = story.words
    yield line(Span(words.lab("claims.heading"), Role.TITLE))
    ids = max(cell_len(one.entry.id) for one in story.entries) + _GAP
    rulings = max(cell_len(one.label) for one in story.entries) + _GAP
    for part, entries in groupby(story.entries, key=lambda one: one.entry.id[0]):
        yield EMPTY
        yield line(Span(f"{part}  {words.lab(f'ledger.part.{part}')}", Role.TITLE))
        for one in entries:
            yield from _entry(one, words, ids, rulings, width)
    yield EMPTY
    yield from (line(Span(part, Role.STRONG)) for part in fold(story.counts, width))
    if story.broken:
        yield from (line(Span(part, Role.FAIL)) for part in fold(story.broken, width))
    for note in story.notes:
        yield from (line(Span(part, Role.DIM)) for part in fold(note, width))


def _entry(one: EntryStory, words: Words, ids: int, rulings: int, width: int) -> Iterator[Line]:
    left = line(Span(pad(one.entry.id, ids), Role.STRONG), Span(pad(one.label, rulings), ROLES[one.entry.ruling]))
    room = width - ids - rulings
    for part, role in _sentences(one, words, room):
        yield (*left, Span(part, role))
        left = line(" " * (ids + rulings))
    for place in _places(one, words):
        yield from indented([line(Span(part, Role.DIM)) for part in fold(place, room)], ids + rulings)


def _sentences(one: EntryStory, words: Words, room: int) -> Iterator[tuple[str, Role]]:
    for part in fold(one.says, room):
        yield part, Role.PLAIN
    own = Role.DIM if one.entry.ruling in {Ruling.NOT_RUN, Ruling.CITED} else Role.STRONG
    for part in fold(one.reason, room):
        yield part, own
    for case in one.cases:
        if case.named:
            for part in fold(words.lab("claims.case", condition=case.named, holds=case.told), room):
                yield part, Role.DIM
    for part in fold(one.still or "", room):
        yield part, Role.DIM


def _places(one: EntryStory, words: Words) -> Iterator[str]:
    told = dict.fromkeys(place.words(words, short=False) for case in one.cases for place in case.places[:_PLACES])
    yield from told
