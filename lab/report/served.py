"""Who was served when: for each client a bar from its SYN to its close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rich.cells import cell_len

from lab.judge.serving.services import Service
from lab.report.ink import Line, Role, Span, cells, line, pad
from lab.report.lengths import duration

ANSWERED: Final = "█"
WAITING: Final = "."
OPEN: Final = "─"
_GAP: Final = 2
_NARROWEST: Final = 16
_WIDEST: Final = 60


def draw(found: Sequence[Service], said: Callable[[str | None], str], width: int) -> list[Line]:
    """Return a bar for each connection, all on one scale, at most `width` cells wide.

    `said` gives the words behind a bar: how long it waited for its first answer, None when none came.
    """
    begun, ended = min(one.begun_ns for one in found), max(one.ended_ns for one in found)
    names = max(cell_len(one.name) for one in found) + _GAP
    notes = [said(None if one.first_wait_ns is None else duration(one.first_wait_ns)) for one in found]
    room = width - names - _GAP - max(map(cell_len, notes))
    room = max(_NARROWEST, min(_WIDEST, room))
    step_ns = max(1, (ended - begun) / room)
    lines = []
    for one, note in zip(found, notes, strict=True):
        bar = "".join(_cell(one, begun + at * step_ns, begun + (at + 1) * step_ns) for at in range(room))
        whole = line(pad(one.name, names), *_coloured(bar), " " * _GAP, Span(note, Role.DIM))
        lines += [whole] if cells(whole) <= width else [whole[:-2], line(" " * names, whole[-1])]
    return lines


def _cell(one: Service, begin: float, end: float) -> str:
    if any(begin <= answer < end for answer in one.answers):
        return ANSWERED
    if any(asked < end and (answered is None or answered >= end) for asked, answered in one.exchanges):
        return WAITING if begin <= one.ended_ns else " "
    return OPEN if one.begun_ns < end and begin <= one.ended_ns else " "


def _coloured(bar: str) -> list[Span]:
    roles = {ANSWERED: Role.STATE, WAITING: Role.INFERRED}
    spans: list[Span] = []
    for letter in bar:
        role = roles.get(letter, Role.DIM)
        if spans and spans[-1].role is role:
            spans[-1] = Span(spans[-1].text + letter, role)
        else:
            spans.append(Span(letter, role))
    return spans
