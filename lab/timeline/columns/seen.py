"""Which ends of plain connections `ss` showed, and in which states: asked one by one, of those alone that it showed."""

from __future__ import annotations

import numpy as np

from lab.timeline.columns.lives import LifeColumns
from lab.timeline.columns.times import Mask, Rows, numbered
from lab.timeline.looks import Looks
from lab.wire.segment import Endpoint
from lab.wire.state import State

_NEVER = 1 << 62


class SeenEnds:
    """Finds what looks of `ss` showed of the ends of lives."""

    def __init__(self, columns: LifeColumns, looks: Looks) -> None:
        self._columns = columns
        self._looks = looks
        self._any = _shown_at_all(columns, looks)

    def shown(self, lives: Rows, state: State, begun_ns: Rows, until_ns: Rows) -> Mask:
        """Tell of each life whether some look within its time shows its end in that state."""
        found = np.zeros(len(lives), np.bool_)
        for place in np.flatnonzero(self._any[lives]).tolist():
            host, ends = self._ends(int(lives[place]))
            found[place] = self._looks.shows(host, ends, state, int(begun_ns[place]), int(until_ns[place]))
        return found

    def vanish(self, lives: Rows, since_ns: Rows) -> Mask:
        """Tell of each life whether a look shows its end from this time on, and the next one does not."""
        found = np.zeros(len(lives), np.bool_)
        for place in np.flatnonzero(self._any[lives]).tolist():
            host, ends = self._ends(int(lives[place]))
            found[place] = self._looks.vanishing(host, ends, int(since_ns[place]), _NEVER) is not None
        return found

    def _ends(self, life: int) -> tuple[str, tuple[Endpoint, Endpoint]]:
        columns = self._columns
        endpoint = columns.changes.addresses.endpoint
        host = columns.connections.hosts.names[int(columns.host[life])]
        return host, (endpoint(int(columns.local[life])), endpoint(int(columns.peer[life])))


def _shown_at_all(columns: LifeColumns, looks: Looks) -> Mask:
    integer = columns.changes.addresses.integer
    ends = {(local, peer) for _, local, peer in looks.places if peer is not None}
    one, other = (np.array([integer(pair[at]) for pair in ends], np.uint64) for at in (0, 1))
    pair = numbered(np.concatenate((columns.local, one)), np.concatenate((columns.peer, other)))
    found: Mask = np.isin(pair[: len(columns)], pair[len(columns) :])
    return found
