"""The list of exercises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from lab.report.fold import fold
from lab.report.ink import Line, Role, Span, line, pad

_NUMBER: Final = 4


def contents_lines(said: Mapping[int, tuple[str, str]], width: int) -> Iterator[Line]:
    """Yield each exercise's number, title and summary, folded beside the number."""
    for number, (title, summary) in said.items():
        mark = Span(pad(str(number), _NUMBER), Role.STRONG)
        for part in fold(f"{title} — {summary}", width - _NUMBER):
            yield line(mark, part)
            mark = Span(" " * _NUMBER)
