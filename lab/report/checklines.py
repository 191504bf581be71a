"""Draw the expectations of a step: a line for what holds, everything one needs to see for what does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from rich.cells import cell_len

from lab.judge.verdict import Verdict
from lab.report import comparing
from lab.report.checks import MARKS, NOT_REACHED, ROLES, Check
from lab.report.fold import fold
from lab.report.ink import EMPTY, Line, Role, Span, indented, line, pad
from lab.report.words import Words

MARGIN: Final = 6
_MARK_AT: Final = 3
_TITLES_MOST: Final = 0.48
_GAP: Final = 3
_LEAST: Final = 22
"""Cells for a reason beside what it explains."""


def draw(checks: Sequence[Check], words: Words, width: int) -> list[Line]:
    """Return the lines of several expectations, at most `width` cells wide."""
    titles = max((cell_len(one.title) for one in checks), default=0)
    beside = min(titles, int((width - MARGIN) * _TITLES_MOST))
    return [
        one
        for check in checks
        for one in (_check(check, words, width, beside) if check.reached else _unreached(check, words, titles, width))
    ]


def _unreached(check: Check, words: Words, titles: int, width: int) -> Iterator[Line]:
    """Yield one calm line: what was never tried tells nothing."""
    said = words.lab("check.not-reached")
    beside = min(titles, width - MARGIN - _GAP - cell_len(said))
    mark = line(" " * _MARK_AT, Span(pad(NOT_REACHED, MARGIN - _MARK_AT), Role.SKIPPED))
    first, *rest = fold(check.title, beside) or [""]
    yield (*mark, Span(pad(first, beside + _GAP) + said, Role.SKIPPED))
    yield from indented([line(Span(part, Role.SKIPPED)) for part in rest], MARGIN)


def _check(check: Check, words: Words, width: int, beside: int) -> Iterator[Line]:
    held = check.verdict is Verdict.PASS
    mark = Span(pad(MARKS[check.verdict], MARGIN - _MARK_AT), ROLES[check.verdict])
    start = line(" " * _MARK_AT, mark)
    if not held:
        claims = " ".join(check.claims)
        first, *rest = fold(check.title, width - MARGIN - cell_len(claims) - _GAP) or [""]
        yield (*start, Span(pad(first, width - MARGIN - cell_len(claims)), Role.STRONG), Span(claims, Role.DIM))
        yield from indented([line(Span(text, Role.STRONG)) for text in rest], MARGIN)
        yield from indented(detail(check, words, width - MARGIN), MARGIN)
        return
    yield from _two_columns(start, (check.title, beside), (check.why, width - MARGIN - beside - _GAP))


def _two_columns(start: Line, left: tuple[str, int], right: tuple[str, int]) -> Iterator[Line]:
    """Yield two texts beside each other, each folded in its own column; below each other where these are narrow."""
    if right[1] < _LEAST:
        whole = left[1] + _GAP + right[1]
        for title in fold(left[0], whole):
            yield (*start, Span(title))
            start = line(" " * MARGIN)
        yield from indented([line(Span(why, Role.DIM)) for why in fold(right[0], whole - 2)], MARGIN + 2)
        return
    for title, why in zip_longest(fold(*left), fold(*right), fillvalue=""):
        yield (*start, Span(pad(title, left[1] + _GAP)), Span(why, Role.DIM))
        start = line(" " * MARGIN)


def detail(check: Check, words: Words, width: int) -> list[Line]:
    """Return what a check that did not hold needs: expected, observed, the cells that differ, why, where, a hint."""
    lines = _sides(check, words, width)
    if check.comparison is not None and check.comparison.pairs:
        drawn = comparing.draw(check.comparison, compare_words(words), width)
        lines += [EMPTY, *drawn, EMPTY]
    label = max(cell_len(words.lab(f"check.{name}")) for name in ("normally", "look", "hint")) + _GAP
    if check.why:
        lines += _labelled(words.lab("check.normally"), label, check.why, width, Role.PLAIN)
    for index, place in enumerate(check.look):
        lines += _labelled(words.lab("check.look") if index == 0 else "", label, place, width, Role.COMMAND)
    if check.hint:
        lines += _labelled(words.lab("check.hint"), label, check.hint, width, Role.PLAIN)
    return [*lines, EMPTY]


def compare_words(words: Words) -> comparing.CompareWords:
    """Return the words of a comparison."""
    names = ("expected", "observed", "both", "missing", "unexpected")
    return comparing.CompareWords(*(words.lab(f"check.{name}") for name in names))


def _sides(check: Check, words: Words, width: int) -> list[Line]:
    """Expected and observed on one line when there is room, else one above the other."""
    expected, observed = words.lab("check.expected"), words.lab("check.observed")
    label = max(cell_len(expected), cell_len(observed)) + _GAP
    together = 2 * label + cell_len(check.expected) + cell_len(check.observed) + 2 * _GAP
    if together <= width:
        left = pad(check.expected, cell_len(check.expected) + 2 * _GAP)
        return [
            line(
                Span(pad(expected, label), Role.DIM), left, Span(pad(observed, label), Role.DIM), check.observed
            )
        ]  # fmt: skip
    return [
        *_labelled(expected, label, check.expected, width, Role.PLAIN),
        *_labelled(observed, label, check.observed, width, Role.PLAIN),
    ]


def _labelled(label: str, room: int, text: str, width: int, role: Role) -> list[Line]:
    first, *rest = fold(text, width - room) or [""]
    return [
        line(Span(pad(label, room), Role.DIM), Span(first, role)),
        *indented([line(Span(part, role)) for part in rest], room),
    ]
