"""The lines of an HTTP message as an exercise writes them, beside those that were captured.

    POST / HTTP/1.1
    Host: {server}:8000
    User-Agent: python-requests/…
    ...
    Content-Length: 23

    key1=value1&key2=value2

The start line and the headers in their order, then an empty line, then the body; without an empty line there is no
body. `…` stands for any characters within a line; `...` alone for any number of lines, in the head or as the body;
`{server}` for the address of that host. All else must be as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import dedent
from typing import Final

from lab.foreign import shown
from lab.judge.errors import ExerciseError
from lab.judge.verdict import Comparison, Pair
from lab.wire.http import Message as HttpMessage

_ANY_LINES: Final = "..."
_ANYTHING: Final = "…"
_WIDEST: Final = 60
_EMPTY_LINE: Final = "↵"
"""How the empty line after the headers is shown."""


@dataclass(frozen=True, slots=True)
class Written:
    """A message as written: the lines of its head, and those of its body; None for any body."""

    head: tuple[str, ...]
    body: tuple[str, ...] | None

    def resolved(self, addresses: Mapping[str, str]) -> Written:
        """Return it with the hosts' names between braces replaced by their addresses."""

        def filled(line: str) -> str:
            for host, address in addresses.items():
                line = line.replace(f"{{{host}}}", address)
            return line

        body = None if self.body is None else tuple(map(filled, self.body))
        return Written(tuple(map(filled, self.head)), body)


def parse_written(text: str, *, id: str) -> Written:  # noqa: A002 - the exercise's word
    """Read a message as an exercise writes it; ExerciseError naming the expectation `id` when there is no line."""
    lines = [line.rstrip() for line in dedent(text).strip("\n").rstrip().splitlines()]
    if not lines:
        raise ExerciseError("http-empty", id=id)
    end = lines.index("") if "" in lines else len(lines)
    body = tuple(lines[end + 1 :])
    return Written(tuple(lines[:end]), None if body == (_ANY_LINES,) else body)


@dataclass(frozen=True)
class Compared:
    """Written lines beside captured ones. `first` is the place of the first captured line that differs."""

    pairs: tuple[Pair, ...]
    first: int | None

    @property
    def agree(self) -> bool:
        """Whether each line is as it is written."""
        return all(pair.agrees for pair in self.pairs)

    @cached_property
    def comparison(self) -> Comparison:
        """The lines under one heading."""
        return Comparison(("Line",), self.pairs)

    @property
    def counts(self) -> dict[str, int]:
        """How many lines differ, are missing, and were not expected."""
        return {
            "differing": sum(bool(pair.differs) for pair in self.pairs),
            "missing": sum(pair.observed is None for pair in self.pairs),
            "extra": sum(pair.expected is None for pair in self.pairs),
        }


def compare_lines(written: Written, message: HttpMessage) -> Compared:
    """Lay a message as written beside a captured one."""
    head = [line.shown for line in message.lines]
    pairs = _align(written.head, head)
    if written.body is not None:
        body = message.body.decode("utf-8", "backslashreplace").splitlines() if message.body else []
        beside = _align(written.body, body)
        if beside:
            pairs += [((_EMPTY_LINE, _EMPTY_LINE)), *beside]
    first, place = None, 0
    for expected, observed in pairs:
        if first is None and not (expected is not None and observed is not None and _matches(expected, observed)):
            first = place
        place += observed is not None
    return Compared(tuple(_pair(*each) for each in pairs), first)


def _matches(written: str, seen: str) -> bool:
    pattern = ".+".join(re.escape(part) for part in written.split(_ANYTHING))
    return re.fullmatch(pattern, seen, re.DOTALL) is not None


def _pair(expected: str | None, observed: str | None) -> Pair:
    cells = [None if text is None else (_short(text),) for text in (expected, observed)]
    same = expected is None or observed is None or _matches(expected, observed)
    return Pair(cells[0], cells[1], frozenset() if same else frozenset({0}))


def _short(text: str) -> str:
    """Return a line as a comparison shows it: what is not printable as an escape, and no longer than there is room."""
    plain = shown(text)
    return plain if len(plain) <= _WIDEST else plain[: _WIDEST - 1] + "…"


_Side = tuple[str | None, str | None]


def _align(written: Sequence[str], seen: Sequence[str]) -> list[_Side]:
    """Return the cheapest alignment in order; what an `...` stands for is left out."""
    lines = [line for line in written if line != _ANY_LINES]
    places = [place for place, line in enumerate(written) if line == _ANY_LINES]
    anything = {place - before for before, place in enumerate(places)}
    costs = [[0.0] * (len(seen) + 1) for _ in range(len(lines) + 1)]
    for i in reversed(range(len(lines) + 1)):
        for j in reversed(range(len(seen) + 1)):
            costs[i][j] = min(_steps(lines, seen, i, j, anything, costs), default=(0.0, 0, 0))[0]
    pairs: list[_Side] = []
    i = j = 0
    while i < len(lines) or j < len(seen):
        _, down, right = min(_steps(lines, seen, i, j, anything, costs))
        if down or i not in anything:
            pairs.append((lines[i] if down else None, seen[j] if right else None))
        i, j = i + down, j + right
    return pairs


def _steps(
    lines: Sequence[str], seen: Sequence[str], i: int, j: int, anything: set[int], costs: list[list[float]]
) -> list[tuple[float, int, int]]:
    """Return the ways on from line i and captured line j: what each costs in all, and how far it goes."""
    ways = []
    if i < len(lines) and j < len(seen):
        ways.append((_cost(lines[i], seen[j]) + costs[i + 1][j + 1], 1, 1))
    if i < len(lines):
        ways.append((1 + costs[i + 1][j], 1, 0))
    if j < len(seen):
        ways.append(((0 if i in anything else 1) + costs[i][j + 1], 0, 1))
    return ways


def _cost(written: str, seen: str) -> float:
    """Return what two lines beside each other cost: less than both alone, except headers of different names."""
    if _matches(written, seen):
        return 0
    one, other = (re.match(r"[!-9;-~]+:", line) for line in (written, seen))
    if one and other:
        return 0.9 if one[0].lower() == other[0].lower() else 2.1
    return 1.9
