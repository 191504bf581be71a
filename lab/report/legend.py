"""What the columns of `ss` and the letters on the arrows mean, and a page for any other word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len

from lab.report.fold import fold, titled, together
from lab.report.ink import EMPTY, Line, Role, Span, indented, line, pad
from lab.report.typed import beside
from lab.text.catalog import messages
from lab.text.glossary import Glossary, Term, load_glossary

COLUMNS: Final = (
    ("state", "State", "ESTAB"),
    ("recv-q", "Recv-Q", "0"),
    ("send-q", "Send-Q", "0"),
    ("local", "Local Address:Port", "192.168.1.102:8000"),
    ("peer", "Peer Address:Port", "192.168.1.101:58132"),
    ("process", "Process", 'users:(("serve_blocking",pid=12,fd=4))'),
    ("timer", "", "timer:(keepalive,118min,0)"),
)
"""The parts of a row of `ss -tanpo`: the glossary's key, the column's head and a sample cell."""
FLAGS: Final = ("flag-s", "flag-s-dot", "flag-dot", "flag-p", "flag-f", "flag-r", "flag-r-dot")
"""The letters that the ladders show, as the glossary's keys."""
_MARGIN: Final = 3
_GAP: Final = 3


def legend_lines(language: str, width: int) -> Iterator[Line]:
    """Yield the first-use legend: a row of `ss` taken apart, the flag letters, and why `grep 8000` misleads."""
    terms, words = load_glossary(language).terms, messages(language)
    yield from titled(words.get("report.legend.title"), width)
    yield EMPTY
    yield from _sample(width)
    yield EMPTY
    heads = max(cell_len(head) for _, head, _ in COLUMNS) + _GAP
    for key, head, cell in COLUMNS:
        name = pad(head or terms[key].title, heads)
        yield from beside(line(" " * _MARGIN, Span(name, Role.STRONG)), cell, 2 * _MARGIN, width)
        yield from _folded(terms[key].short, width, 2 * _MARGIN)
    yield EMPTY
    yield from titled(words.get("report.legend.flags"), width)
    yield EMPTY
    yield from indented([*letter_lines(language, width - _MARGIN)], _MARGIN)
    yield EMPTY
    pitfall = terms["grep-pitfall"]
    yield from titled(pitfall.title, width)
    yield EMPTY
    yield from _folded(together(pitfall.short, pitfall.text), width, _MARGIN)


def letter_lines(language: str, width: int) -> Iterator[Line]:
    """Yield the flag letters with what they mean."""
    terms = load_glossary(language).terms
    titles = max(cell_len(terms[key].title) for key in FLAGS) + _GAP
    for key in FLAGS:
        first, *rest = fold(terms[key].short, width - titles)
        yield line(Span(pad(terms[key].title, titles), Role.STRONG), first)
        yield from indented([line(part) for part in rest], titles)


def _sample(width: int) -> Iterator[Line]:
    """Yield the row whole; where it is too long its tail goes to the next line, as `ss` itself does."""
    widths = [max(len(head), len(cell)) + 1 for _, head, cell in COLUMNS]
    heads, cells = [""], [""]
    for (_, head, cell), size in zip(COLUMNS, widths, strict=True):
        if _MARGIN + len(cells[-1]) + len(cell) > width and cells[-1].strip():
            heads.append(" " * _MARGIN)
            cells.append(" " * _MARGIN)
        heads[-1] += head.ljust(size)
        cells[-1] += cell.ljust(size)
    for above, below in zip(heads, cells, strict=True):
        if above.strip():
            yield line(" " * _MARGIN, Span(above.rstrip(), Role.DIM))
        yield line(" " * _MARGIN, Span(below.rstrip(), Role.COMMAND))


def explain_lines(term: Term, glossary: Glossary, width: int) -> Iterator[Line]:
    """Yield the page of one term: what it is, more of it, where to read on."""
    yield from titled(term.title, width)
    yield EMPTY
    yield from _folded(term.short, width, _MARGIN, Role.STRONG)
    yield from _folded(term.text, width, _MARGIN)
    yield EMPTY
    related = " · ".join(glossary.terms[key].title for key in term.see if key in glossary.terms)
    for index, part in enumerate(fold(related, width - 2 * _MARGIN)):
        yield line(" " * _MARGIN, Span("→  " if index == 0 else "   ", Role.DIM), Span(part, Role.COMMAND))
    yield from _folded(term.source, width, _MARGIN, Role.DIM)


def _folded(text: str, width: int, margin: int, role: Role = Role.PLAIN) -> Iterator[Line]:
    yield from indented([line(Span(part, role)) for part in fold(text, width - margin)], margin)
