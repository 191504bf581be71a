"""The timeline as a picture (SVG) for a lesson's page: the very lines of the terminal."""

from __future__ import annotations

from lab.report.fold import fold
from lab.report.ink import EMPTY, Role, Span, line
from lab.report.picture import draw
from lab.report.style import WIDEST
from lab.report.timeline_text import TimelineText


def timeline_document(text: TimelineText, title: str, language: str) -> str:
    """Return the timeline as an SVG document, with its title above and its notes below."""
    notes = [line(Span(part, Role.DIM)) for note in text.notes for part in fold(note, WIDEST)]
    head = [line(Span(title, Role.TITLE)), EMPTY]
    return draw([*head, *text.lines(WIDEST), EMPTY, *notes], title, language)
