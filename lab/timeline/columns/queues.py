"""The queues of a timeline in columns: all are counted when the first of them is asked for, the exact way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np

from lab.kernel.columns.calls import NONE as NEVER
from lab.kernel.columns.transitions import NUMBERS
from lab.recording.play import Play
from lab.timeline.alone import let_go_of
from lab.timeline.columns.exact import lives_of_talks
from lab.timeline.columns.lives import LifeColumns
from lab.timeline.columns.moments import MomentColumns, TalkColumns
from lab.timeline.columns.times import NONE, Mask, at
from lab.timeline.connections import passages
from lab.timeline.looks import Looks
from lab.timeline.model import Queue, SegmentSent
from lab.timeline.queues import accept_queue, handshake_done, queues_of
from lab.wire.segment import Endpoint
from lab.wire.state import State


@dataclass
class Counting(Sequence[Queue]):
    """The queues of each connection's ends, then of each place where something listened."""

    columns: LifeColumns
    moments: MomentColumns
    talks: TalkColumns
    looks: Looks
    recorded: frozenset[tuple[str, Endpoint]]
    """The listeners whose programs' calls were recorded."""
    play: Play

    def __len__(self) -> int:
        return len(self._all)

    @overload
    def __getitem__(self, place: int) -> Queue: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Queue, ...]: ...
    def __getitem__(self, place: int | slice) -> Queue | tuple[Queue, ...]:
        return self._all[place]

    @cached_property
    def _all(self) -> tuple[Queue, ...]:
        return (*self._of_ends(), *self._of_listeners())

    def _of_ends(self) -> Iterator[Queue]:
        connections = self.columns.connections
        lives = lives_of_talks(self.columns, np.ones(len(connections), np.bool_))
        for number, talk in enumerate(self.talks):
            joined = connections.joined(number)
            moments = [self.moments[each] for each in talk.moments]
            drafts = [each for each in moments if not isinstance(each.what, SegmentSent)]
            gone = let_go_of(joined, lives.get(number, ()))
            yield from queues_of(number, joined, passages(joined), drafts, self.looks, self.recorded, gone)

    def _of_listeners(self) -> Iterator[Queue]:
        columns, connections = self.columns, self.columns.connections
        names, endpoint = connections.hosts.names, connections.addresses.endpoint
        listening = np.flatnonzero(columns.listens)
        places = {(each.host, each.local): None for each in self.play.parties if each.role == "server" and each.local}
        hosts, ends = columns.host[listening].tolist(), columns.local[listening].tolist()
        places |= {(names[host], endpoint(end)): None for host, end in zip(hosts, ends, strict=True)}
        for host, listener in places:
            value = np.uint64(connections.addresses.integer(listener))
            here = columns.local == value
            born = self._established(here & columns.serves)
            if born is None:
                mine = np.flatnonzero(connections.server == value).tolist()
                done = (handshake_done(connections.joined(number).conversation.handshake) for number in mine)
                born = [time_ns for time_ns in done if time_ns is not None]
            out = self._accepted(value)
            if not out and (host, listener) not in self.recorded:
                born = []
            over = columns.closed_ns[here & columns.listens]
            queue = accept_queue((host, listener), born, out, over[over != NONE].tolist(), self.looks)
            if queue:
                yield queue

    def _established(self, which: Mask) -> list[int] | None:
        """Return when these sockets entered their listener's queue; None where there are none."""
        if not which.any():
            return None
        columns, changes = self.columns, self.columns.changes
        rows = np.flatnonzero((changes.new == NUMBERS[State.ESTABLISHED]) & (columns.of != NONE))[::-1]
        first = np.full(len(columns), NONE, np.int64)
        first[columns.of[rows]] = rows
        rows = first[which]
        found: list[int] = np.sort(changes.time_ns[rows[rows != NONE]]).tolist()
        return found

    def _accepted(self, listener: np.uint64) -> list[int]:
        """Return when an accept() returned a connection to this end."""
        calls, connections = self.moments.table.calls, self.columns.connections
        server = at(connections.server, calls.talk, 0)
        returned = (calls.ended_ns != NEVER) & (calls.calls.result[calls.row] >= 0)
        which = calls.named("accept") & (calls.talk != NONE) & returned & (server == listener)
        found: list[int] = calls.ended_ns[which].tolist()
        return found
