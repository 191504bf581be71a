"""Match expected rows with observed ones, both as sets, and lay them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.judge.sockets.cells import Wanted, show
from lab.judge.verdict import Comparison, Pair
from lab.kernel.rows import SocketRow

Line = Sequence[Wanted]


@dataclass(frozen=True, slots=True)
class Match:
    """The rows side by side: `pairs` in the table's order then the rows too many, and each one's observed row."""

    comparison: Comparison
    rows: tuple[SocketRow | None, ...]

    @property
    def agrees(self) -> bool:
        """Whether every expected row was seen, and no other."""
        return all(pair.agrees for pair in self.comparison.pairs)

    @property
    def first_difference(self) -> SocketRow | None:
        """The first observed row that is not as expected."""
        rows = zip(self.comparison.pairs, self.rows, strict=True)
        return next((row for pair, row in rows if row is not None and not pair.agrees), None)

    @property
    def counts(self) -> dict[str, int]:
        """How many pairs differ, how many expected rows are missing, and how many rows nobody expected."""
        pairs = self.comparison.pairs
        missing = sum(pair.observed is None for pair in pairs)
        extra = sum(pair.expected is None for pair in pairs)
        return {"differing": sum(not p.agrees for p in pairs) - missing - extra, "missing": missing, "extra": extra}


def match_rows(columns: tuple[str, ...], wanted: Sequence[Line], seen: Sequence[SocketRow]) -> Match:
    """Pair the rows: those that agree, then those of the same Local and Peer, then the most alike.

    What is left over is missing, or too many.
    """
    partner = _agreeing(wanted, seen)
    _add_alike(columns, wanted, seen, partner)
    pairs = [_pair(columns, line, seen[partner[i]] if i in partner else None) for i, line in enumerate(wanted)]
    rows = [seen[partner[i]] if i in partner else None for i in range(len(wanted))]
    taken = set(partner.values())
    for j, row in enumerate(seen):
        if j not in taken:
            pairs.append(Pair(None, tuple(show(column, row) for column in columns), frozenset()))
            rows.append(row)
    return Match(Comparison(columns, tuple(pairs)), tuple(rows))


def _differs(line: Line, row: SocketRow) -> frozenset[int]:
    return frozenset(i for i, cell in enumerate(line) if not cell.matches(row))


def _pair(columns: tuple[str, ...], line: Line, row: SocketRow | None) -> Pair:
    expected = tuple(cell.shown for cell in line)
    if row is None:
        return Pair(expected, None, frozenset())
    observed = tuple(show(column, row, cell) for column, cell in zip(columns, line, strict=True))
    return Pair(expected, observed, _differs(line, row))


def _agreeing(wanted: Sequence[Line], seen: Sequence[SocketRow]) -> dict[int, int]:
    """Return the largest matching of rows that agree wholly (augmenting paths: a wildcard must not steal a row)."""
    agrees = [[j for j, row in enumerate(seen) if not _differs(line, row)] for line in wanted]
    holder: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in agrees[i]:
            if j not in tried:
                tried.add(j)
                if j not in holder or place(holder[j], tried):
                    holder[j] = i
                    return True
        return False

    for i in range(len(wanted)):
        place(i, set())
    return {i: j for j, i in holder.items()}


def _add_alike(
    columns: tuple[str, ...], wanted: Sequence[Line], seen: Sequence[SocketRow], partner: dict[int, int]
) -> None:
    who = frozenset(columns.index(name) for name in ("Local", "Peer") if name in columns)
    taken = set(partner.values())
    candidates = []
    for i, line in enumerate(wanted):
        for j, row in enumerate(seen):
            if i not in partner and j not in taken:
                differs = _differs(line, row)
                stranger = bool(differs & who) or not who
                candidates.append((stranger, len(differs), i, j))
    for stranger, differing, i, j in sorted(candidates):
        too_unlike = stranger and 2 * differing > len(columns)
        if i not in partner and j not in taken and not too_unlike:
            partner[i] = j
            taken.add(j)
