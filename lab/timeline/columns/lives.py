"""The lives of the lab's sockets, each with the connection whose end it was, by the rules of lab/timeline/lives.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.kernel.columns.calls import CallColumns
from lab.kernel.columns.transitions import NUMBERS, TransitionColumns
from lab.kernel.homes import Homes, everywhere
from lab.kernel.trace import KernelTrace
from lab.timeline.columns.joining import Connections
from lab.timeline.columns.times import NONE, Clock, Mask, Rows, Times, at, numbered
from lab.timeline.columns.unusual import UnusualError
from lab.timeline.lives import SLACK_NS, Life
from lab.wire.state import State

_CLOSED, _LISTEN, _SYN_SENT, _SYN_RECEIVED = (
    NUMBERS[state] for state in (State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED)
)
_PORT: Final = np.uint64(0xFFFF)


@dataclass(frozen=True)
class LifeColumns:
    """Lives in the order in which they began; all but the last arrays have an entry for each.

    Transitions of one life follow one another in `rows`, from `first` on, `count` of them.
    """

    changes: TransitionColumns
    connections: Connections
    rows: Rows
    first: Rows
    count: Rows
    socket: NDArray[np.uint64]
    host: Rows
    local: NDArray[np.uint64]
    peer: NDArray[np.uint64]
    begun_ns: Rows
    closed_ns: Rows
    """NONE while the kernel had not let it go."""
    listens: Mask
    serves: Mask
    talk: Rows
    of: Rows
    """By transition: its life, NONE for a socket that is not the lab's."""

    def __len__(self) -> int:
        return len(self.first)

    def last(self) -> Rows:
        """Return each life's last transition."""
        found: Rows = self.rows[self.first + self.count - 1]
        return found

    def life(self, number: int) -> Life:
        """Return a life as the exact way has it."""
        begin = int(self.first[number])
        endpoint = self.changes.addresses.endpoint
        talk = int(self.talk[number])
        return Life(
            int(self.socket[number]),
            self.connections.hosts.names[int(self.host[number])],
            endpoint(int(self.local[number])),
            endpoint(int(self.peer[number])),
            [self.changes[row] for row in self.rows[begin : begin + int(self.count[number])].tolist()],
            None if talk == NONE else talk,
        )

    def behind(self, calls: CallColumns, clock: Clock) -> Rows:
        """Return of each call the life that its socket had meanwhile, as `Lives.behind`."""
        known = np.unique(self.socket)
        side = np.searchsorted(known, self.socket)
        asked = np.searchsorted(known, calls.socket)
        asked = np.where(at(known, np.minimum(asked, len(known) - 1), 0) == calls.socket, asked, NONE)
        asked[calls.socket == 0] = NONE
        until = np.where(calls.ended_ns == NONE, np.iinfo(np.int64).max, calls.ended_ns)
        found = Times(clock, side, self.begun_ns, np.arange(len(self))).last(asked, until)
        closed = at(self.closed_ns, found, NONE)
        return np.where((closed == NONE) | (closed >= calls.begun_ns), found, NONE)


def lives(trace: KernelTrace, changes: TransitionColumns, found: Connections, clock: Clock) -> LifeColumns:
    """Return the lives of the sockets on the hosts' addresses."""
    local, host = _at_home(trace, changes, found)
    order = np.argsort(changes.socket, kind="stable")
    old, new, socket = changes.old[order], changes.new[order], changes.socket[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (socket[1:] != socket[:-1]) | (new[:-1] == _CLOSED)
    begins |= ((old == _CLOSED) & ((new == _SYN_SENT) | (new == _LISTEN))) | ((old == _LISTEN) & (new == _SYN_RECEIVED))
    first = np.flatnonzero(begins)
    mine = host[order] >= 0
    ours = mine[first] if len(first) else np.zeros(0, np.bool_)
    run = np.cumsum(begins) - 1
    if (mine & ~ours[run]).any():
        raise UnusualError("a socket that came to the lab's addresses")
    count = np.diff(first, append=len(order))
    by_begin = np.flatnonzero(ours)
    by_begin = by_begin[np.argsort(order[first[by_begin]], kind="stable")]
    rank = np.full(len(first), NONE, np.int64)
    rank[by_begin] = np.arange(len(by_begin))
    of = np.empty(len(order), np.int32)
    of[order] = rank[run]
    first, count = first[by_begin], count[by_begin]
    last = order[first + count - 1]
    begun_ns = changes.time_ns[order[first]]
    closed = changes.new[last] == _CLOSED
    listens, serves, dials = (
        _any(of, changes.new == state, len(first)) for state in (_LISTEN, _SYN_RECEIVED, _SYN_SENT)
    )
    named = (changes.local & _PORT != 0) & ~_everywhere(changes)
    lives_local = _latest(of, order, named, changes.local, local[order[first]])
    lives_peer = _latest(of, order, changes.peer & _PORT != 0, changes.peer, changes.peer[order[first]])
    columns = LifeColumns(
        changes, found, order.astype(np.int32), first, count, changes.socket[order[first]], host[order[first]],
        lives_local, lives_peer,
        begun_ns, np.where(closed, changes.time_ns[last], NONE), listens, serves,
        np.full(len(first), NONE, np.int64), of,
    )  # fmt: skip
    _assign(columns, dials, clock)
    return columns


def _at_home(trace: KernelTrace, changes: TransitionColumns, found: Connections) -> tuple[NDArray[np.uint64], Rows]:
    """Return each socket's own end, on its host's address if it is on all of them, and the host."""
    local = changes.local.copy()
    homes = Homes(trace.agents, trace.started)
    for row in np.flatnonzero(_everywhere(changes)).tolist():
        local[row] = changes.addresses.integer(homes.end_of(changes[row]))
    return local, found.hosts.of(local)


def _everywhere(changes: TransitionColumns) -> Mask:
    known, which = np.unique(changes.local >> np.uint64(16), return_inverse=True)
    found = [everywhere(changes.addresses.endpoint(each << 16)) for each in known.tolist()]
    return np.array([*found, False])[which]


def _any(of: Rows, which: Mask, count: int) -> Mask:
    found = np.zeros(count + 1, np.bool_)
    found[of[which]] = True
    return found[:count]


def _latest(
    of: Rows, order: Rows, which: Mask, values: NDArray[np.uint64], otherwise: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Return for each life the value of its last transition that is one of `which`."""
    found = np.append(otherwise, np.uint64(0))
    some = order[which[order]]
    found[of[some]] = values[some]
    return found[:-1]


def _assign(columns: LifeColumns, dials: Mask, clock: Clock) -> None:
    """Give each life its connection, as `lives._assign` does; mark connections with two lives at one end as odd."""
    found = columns.connections
    count = len(found)
    mine, theirs = np.where(dials, columns.local, columns.peer), np.where(dials, columns.peer, columns.local)
    pair = numbered(np.concatenate((found.server, theirs)), np.concatenate((found.client, mine)))
    begun = Times(clock, pair[:count], found.begun_ns, np.arange(count))
    nameless = dials & (columns.local & _PORT == 0) & ~columns.listens
    talk = np.where(
        dials,
        begun.first(pair[count:], columns.begun_ns - SLACK_NS),
        begun.last(pair[count:], columns.begun_ns + SLACK_NS),
    )
    talk[columns.listens | nameless] = NONE
    columns.talk[:] = talk
    _assign_nameless(columns, np.flatnonzero(nameless), talk[dials & (talk != NONE)])
    talk, some = columns.talk, np.flatnonzero(columns.talk != NONE)
    whose = np.where(dials, at(found.client_host, talk, NONE), at(found.server_host, talk, NONE))
    side = talk * 2 + ~dials
    lives_at = np.bincount(side[some], minlength=2 * count).reshape(-1, 2)
    found.odd[(lives_at != 1).any(axis=1)] = True
    found.odd[talk[some[(whose != columns.host)[some] | (dials & columns.serves)[some]]]] = True


def _assign_nameless(columns: LifeColumns, lives_rows: Rows, taken: Rows) -> None:
    """Give each life that was never told which port it got the next connection from there that nobody has."""
    found = columns.connections
    used = set(taken.tolist())
    reached: dict[tuple[int, int], int] = {}
    for row in lives_rows.tolist():
        target = int(columns.host[row]), int(columns.peer[row])
        some = np.flatnonzero((found.client_host == target[0]) & (found.server == np.uint64(target[1])))
        begin = int(np.searchsorted(found.begun_ns[some], columns.begun_ns[row] - SLACK_NS, "left"))
        place = max(reached.get(target, 0), begin)
        while place < len(some) and int(some[place]) in used:
            place += 1
        reached[target] = place + 1
        if place < len(some):
            columns.talk[row] = some[place]
            found.odd[some[place]] = True
