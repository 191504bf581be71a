"""The picture of `make watch`: what `ss` says on both hosts now, and what changed since it was last asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from lab.kernel.rows import SocketRow
from lab.report import changes, table
from lab.report.ink import Line, Role, Span, cells, clipped, without_blanks
from lab.report.style import NARROWEST
from lab.text.catalog import messages

if TYPE_CHECKING:
    from rich.console import Console

SIDE_BY_SIDE: Final = 120
"""The least width, in cells, for the hosts to stand beside each other."""
_BETWEEN: Final = 3
_WIDEST: Final = 240

Rows = Mapping[str, Sequence[SocketRow]]


def watch_width(console: Console) -> int:
    """Return how wide the picture is on this terminal."""
    return max(NARROWEST, min(console.width, _WIDEST))


def watch_lines(now: Rows, before: Rows | None, addresses: Mapping[str, str], language: str, width: int) -> list[Line]:
    """Return the picture: each host's rows by host name, now and at the look before (None: nothing is marked).

    New rows carry `+`, rows that vanished are shown once more with `-`, rows with a changed cell `*`. The hosts stand
    beside each other when the width allows, else one above the other.
    """
    texts = messages(language)
    words = table.TableWords(texts.get("report.rows.more"), texts.get("report.watch.none"))
    entries = {
        host: changes.follow(rows, None if before is None else before.get(host, ())) for host, rows in now.items()
    }
    titles = {host: f"{host} {addresses.get(host, '')}".rstrip() for host in now}
    if width >= SIDE_BY_SIDE:
        half = (width - _BETWEEN) // 2
        own = {host: tuple(_without_own(entry, addresses.get(host, "")) for entry in entries[host]) for host in now}
        columns = [table.in_columns([table.HostTable(titles[host], own[host])], half, words) for host in now]
        found = [column for column in columns if column is not None]
        if len(found) == len(columns):
            return _beside(found, half)
    stacked: list[Line] = []
    for host in now:
        stacked += [
            *([()] if stacked else []),
            *table.draw([table.HostTable(titles[host], entries[host])], width, words, above=True),
        ]
    return stacked


def on_screen(lines: Sequence[Line], width: int, height: int) -> list[Line]:
    """Return the lines as a full screen shows them: what finds no room to the right or below is an ellipsis."""
    shown = [clipped(one, width) for one in lines]
    return shown if len(shown) <= height else [*shown[: height - 1], (Span("…", Role.DIM),)]


def _without_own(entry: changes.Entry, address: str) -> changes.Entry:
    """Leave out the host's own address, which stands above: what tells its rows apart is the port."""
    state, recv_q, send_q, local, peer, process = entry.cells
    return entry._replace(cells=(state, recv_q, send_q, local.removeprefix(address), peer, process))


def _beside(columns: Sequence[Sequence[Line]], width: int) -> list[Line]:
    lines: list[Line] = []
    for row in zip_longest(*columns, fillvalue=()):
        spans: list[Span] = []
        for place, one in enumerate(row):
            bare = without_blanks(one)
            spans += bare
            if place + 1 < len(row):
                spans.append(Span(" " * (width - cells(bare) + _BETWEEN)))
        lines.append(tuple(spans))
    return lines
