"""The page of a run as a picture (SVG) that any browser shows: nothing in it comes from elsewhere, not even a font.

rich can export SVG too, but squeezes a run of text to one cell per character, where a Chinese one takes two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.errors import UsageError
from lab.report.asking import question_lines
from lab.report.ending import verdict_lines
from lab.report.fold import fold_printed
from lab.report.ink import EMPTY, Line, Role, Span, line
from lab.report.markup import escape
from lab.report.story import StepStory, Story
from lab.report.style import WIDEST
from lab.report.terminal import head, loose, step_body, step_end, step_head, tail

_NAMESPACE: Final = "http://www.w3.org/2000/svg"
_CELL: Final = 8.4
"""Width of a cell, in the units of the drawing: six tenths of the font's size, as monospaced fonts have it."""
_FONT: Final = 14
_LINE: Final = 19
_EDGE: Final = 20
_DRAWN: Final = frozenset("─│┊└█▶◀")
"""Characters that must touch their neighbours, whatever font has them."""

_INK: Final = {
    Role.PLAIN: "#d0d7de",
    Role.TITLE: "#ffffff;font-weight:bold",
    Role.STRONG: "#ffffff;font-weight:bold",
    Role.DIM: "#8b949e",
    Role.HOST: "#56d4dd;font-weight:bold",
    Role.COMMAND: "#56d4dd",
    Role.STATE: "#56d364;font-weight:bold",
    Role.INFERRED: "#e3b341",
    Role.NEW: "#56d364",
    Role.GONE: "#ff7b72",
    Role.PASS: "#56d364;font-weight:bold",
    Role.FAIL: "#ff7b72;font-weight:bold",
    Role.UNDECIDED: "#e3b341;font-weight:bold",
    Role.SKIPPED: "#8b949e",
    Role.DIFFERS: "#ff7b72;font-weight:bold",
    Role.ASK: "#d2a8ff;font-weight:bold",
}


def picture_document(story: Story, language: str, steps: Sequence[str] = ()) -> str:
    """Return the page, or only the steps of these ids with its head and its verdict, as an SVG document.

    Raises UsageError `unknown-step` for an id that the exercise does not have.
    """
    return draw(_lines(story, _chosen(story, steps)), story.title, language)


def draw(lines: Iterable[Line], title: str, language: str) -> str:
    """Return lines as an SVG document of 100 cells' width with that title."""
    rows = [_row(one, number) for number, one in enumerate(each for one in lines for each in _within(one))]
    width, height = round(WIDEST * _CELL + 2 * _EDGE), len(rows) * _LINE + 2 * _EDGE
    styles = "\n".join(f".{role.value}{{fill:{ink}}}" for role, ink in _INK.items())
    return "\n".join(
        (
            f'<svg xmlns="{_NAMESPACE}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
            f'<title xml:lang="{language}">{escape(title)}</title>',
            f"<style>\ntext{{font:{_FONT}px ui-monospace,monospace}}\n{styles}\n</style>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
            f'<g xml:lang="{language}">',
            *(row for row in rows if row),
            "</g>",
            "</svg>",
            "",
        )
    )


def _chosen(story: Story, ids: Sequence[str]) -> tuple[StepStory, ...]:
    known = [step.id for step in story.steps]
    for one in ids:
        if one not in known:
            raise UsageError("unknown-step", step=one, known=", ".join(known))
    return tuple(step for step in story.steps if not ids or step.id in ids)


def _lines(story: Story, steps: Sequence[StepStory]) -> Iterator[Line]:
    whole = len(steps) == len(story.steps)
    yield line(Span("$ ", Role.DIM), Span(f"make exercise-{story.number}", Role.COMMAND))
    yield EMPTY
    yield from head(story, WIDEST)
    for step in steps:
        yield from step_head(step, story, WIDEST)
        if step.question:
            yield from question_lines(step.question, step.choices, WIDEST)
            yield EMPTY
        yield from step_body(step, story, WIDEST)
        yield from step_end(step, story, WIDEST, None)
    if whole:
        yield from loose(story, WIDEST)
        yield from tail(story, WIDEST)
    else:
        yield line(Span("…", Role.DIM))
        yield EMPTY
        yield from verdict_lines(story, WIDEST)


def _within(one: Line) -> Iterator[Line]:
    """Fold a line that is too long in its last span: a picture, unlike a terminal, does not go on in the next line."""
    if not one or sum(cell_len(span.text) for span in one) <= WIDEST:
        yield one
        return
    *before, last = one
    begin = sum(cell_len(span.text) for span in before)
    first, *rest = fold_printed(last.text, WIDEST - begin)
    yield (*before, Span(first, last.role))
    for more in rest:
        yield line(" " * begin, Span(more, last.role))


class _Piece(NamedTuple):
    """Some characters of one kind, from a cell on."""

    cell: int
    text: str
    role: Role


def _row(one: Line, number: int) -> str:
    baseline = _EDGE + number * _LINE + _FONT
    return "\n".join(_text(piece, baseline) for piece in _pieces(one))


def _pieces(one: Line) -> Iterator[_Piece]:
    """Yield what is to be placed by itself, so that no font's own widths move what follows.

    Split at blanks, where Chinese meets Latin, and around drawing characters. Blanks themselves are not drawn.
    """
    cell = 0
    for span in one:
        for _, letters in groupby(span.text, _kind):
            text = "".join(letters)
            if text.strip():
                yield _Piece(cell, text, span.role)
            cell += cell_len(text)


def _kind(letter: str) -> str:
    if letter == " " or letter in _DRAWN:
        return letter
    return "wide" if cell_len(letter) > 1 else "narrow"


def _text(piece: _Piece, baseline: int) -> str:
    x, length = _EDGE + piece.cell * _CELL, cell_len(piece.text) * _CELL
    stretch = ' lengthAdjust="spacingAndGlyphs"' if piece.text[0] in _DRAWN else ""
    return (
        f'<text class="{piece.role.value}" x="{x:.1f}" y="{baseline}" textLength="{length:.1f}"{stretch}>'
        f"{escape(piece.text)}</text>"
    )
