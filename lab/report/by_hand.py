"""The by-hand page of an exercise: which terminals to open, each exact line to type, and what one should see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.cells import cell_len

from lab.exercise import TERMINALS, Exercise
from lab.report.fold import fold, titled
from lab.report.ink import EMPTY, Line, Role, Span, indented, line, pad
from lab.report.typed import Typed, beside, typed
from lab.report.words import Words
from lab.settings import PROFILES

OPENS: Final = {
    "server": "make shell-server",
    "watcher": "make shell-server",
    "client": "make shell-client",
    "client2": "make shell-client",
    "root": "make shell-server ROOT=1",
    "croot": "make shell-client ROOT=1",
    **{host: f"make shell-{host}" for host in PROFILES},
}
"""What opens each of them."""
_GAP: Final = 3
_LEAST: Final = 20
"""Cells for what a terminal is for; with fewer it stands below."""


def by_hand_lines(exercise: Exercise, addresses: Mapping[str, str], language: str, width: int) -> Iterator[Line]:
    """Yield the page's lines, at most `width` cells wide; `addresses` are the hosts' by name.

    A line to type is never folded: one that is too long the terminal itself folds, and it is copied as one line.
    """
    words = Words(exercise.texts(language), language, addresses)
    yield from titled(words.lab("hand.title", number=exercise.number, title=words.own("title")), width)
    yield EMPTY
    yield from _prose(words.lab("hand.setup", up="make up", down="make down"), width, 0)
    yield from _prose(words.lab("hand.terminals"), width, 0)
    yield EMPTY
    used = {one.terminal for step in exercise.steps for one in step.type}
    yield from _terminals([name for name in TERMINALS if name in used], words, width)
    every = [one for step in exercise.steps for one in typed(step.type, words)]
    labels = max((cell_len(one.label) for one in every), default=0) + 1
    for number, step in enumerate(exercise.steps, start=1):
        if step.type:
            yield EMPTY
            yield from titled(words.own(f"steps.{step.id}.title"), width, number)
            yield from _step(typed(step.type, words), words.listed(f"hand.{step.id}.sees"), labels, width)


def _terminals(names: Sequence[str], words: Words, width: int) -> Iterator[Line]:
    labels = max((cell_len(words.lab(f"terminal.{name}")) for name in names), default=0) + _GAP
    opens = max((cell_len(OPENS[name]) for name in names), default=0) + _GAP
    left = _GAP + labels + opens
    for name in names:
        start = line(" " * _GAP, Span(pad(words.lab(f"terminal.{name}"), labels), Role.HOST))
        purpose = words.lab(f"hand.purpose-{name}")
        if width - left < _LEAST:
            yield from beside(start, OPENS[name], 2 * _GAP, width)
            yield from indented([line(Span(part, Role.DIM)) for part in fold(purpose, width - 2 * _GAP)], 2 * _GAP)
            continue
        first, *rest = fold(purpose, width - left)
        yield (*start, Span(pad(OPENS[name], opens), Role.COMMAND), Span(first, Role.DIM))
        yield from indented([line(Span(part, Role.DIM)) for part in rest], left)


def _step(lines: Sequence[Typed], sees: Sequence[str], labels: int, width: int) -> Iterator[Line]:
    for place, one in enumerate(lines):
        yield from beside(line(" " * _GAP, Span(pad(one.label, labels), Role.DIM)), one.text, _GAP, width)
        seen = sees[place] if place < len(sees) else ""
        margin = _GAP + labels
        yield from indented([line(Span(part, Role.DIM)) for part in fold(seen, width - margin)], margin)


def _prose(text: str, width: int, margin: int) -> Iterator[Line]:
    yield from indented([line(part) for part in fold(text, width - margin)], margin)
