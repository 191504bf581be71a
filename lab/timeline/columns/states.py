"""Each end's states as the kernel told them, completed by what only the capture tells: as lab/timeline/states.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.kernel.columns.transitions import NUMBERS, number_of
from lab.timeline.columns.joining import ACK, FIN, RST, Connections
from lab.timeline.columns.lives import LifeColumns
from lab.timeline.columns.seen import SeenEnds
from lab.timeline.columns.times import NONE, Mask, Rows, at
from lab.timeline.model import StateChange
from lab.wire.state import State

_CLOSED, _LISTEN, _FIN_WAIT_1, _FIN_WAIT_2, _TIME_WAIT, _SYN_RECEIVED = (
    NUMBERS[state]
    for state in (
        State.CLOSED, State.LISTEN, State.FIN_WAIT_1, State.FIN_WAIT_2, State.TIME_WAIT, State.SYN_RECEIVED,
    )
)  # fmt: skip
_OF: Final = {number: state for state, number in NUMBERS.items()}
_NEVER: Final = np.iinfo(np.int64).max
_FURTHER: Final = 1 << 30
"""What is filled in at the end of a life comes behind all that the kernel told of it."""


@dataclass(frozen=True)
class States:
    """Changes of state; of a listener those of talk NONE.

    `told` by the kernel, else proved by a capture and perhaps `shown` by `ss`.
    """

    talk: Rows
    at_server: Mask
    host: Rows
    time_ns: Rows
    new: NDArray[np.int8]
    old: NDArray[np.int8]
    pid: NDArray[np.int32]
    told: Mask
    shown: Mask
    place: Rows
    """Which comes first of those of one time and one connection."""

    def __len__(self) -> int:
        return len(self.talk)

    @property
    def side(self) -> Rows:
        """Twice its connection, and one more at the server; NONE for a listener's."""
        return np.where(self.talk == NONE, NONE, self.talk * 2 + self.at_server)

    def changes(self, rows: Rows) -> list[StateChange]:
        """Return what became of the ends; those alike are the same object."""
        made: dict[tuple[int, int], StateChange] = {}
        found = []
        for pair in zip(self.new[rows].tolist(), self.old[rows].tolist(), strict=True):
            change = made.get(pair)
            if change is None:
                change = made[pair] = StateChange(_OF[pair[0]], _OF[pair[1]])
            found.append(change)
        return found


class _Ends(NamedTuple):
    """What the capture of each connection's own end tells of its close and its opening, in ns; NONE where it does not.

    `acknowledged_ns` is when its own FIN was acknowledged, before the peer's FIN or with it; `fin_ns` when the peer's
    FIN came; `odd` where one came before its own.
    """

    opened_ns: Rows
    acknowledged_ns: Rows
    fin_ns: Rows
    together: Mask
    odd: Mask


def states(columns: LifeColumns, seen: SeenEnds) -> States:
    """Return the states of listeners and of both ends of connections; ends that did the unusual are marked as odd."""
    found, changes = columns.connections, columns.changes
    life, last = columns.of, columns.last()
    dials = ~columns.serves
    lingers = (
        (columns.closed_ns != NONE) & (columns.talk != NONE)
        & np.isin(changes.old[last], number_of(State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSING))
    )  # fmt: skip
    told = np.flatnonzero(life != NONE)
    told = told[(columns.listens | (columns.talk != NONE))[life[told]]]
    over = np.zeros(len(life), np.bool_)
    over[last[lingers]] = True
    told = told[~over[told]]
    mine = life[told]
    parts = [
        States(
            columns.talk[mine].astype(np.int32),
            (columns.listens | ~dials)[mine],
            columns.host[mine].astype(np.int32),
            changes.time_ns[told],
            changes.new[told],
            changes.old[told],
            changes.pid[told],
            np.ones(len(told), np.bool_),
            np.zeros(len(told), np.bool_),
            (told + 1).astype(np.int32),
        )
    ]
    _mark_odd(columns, told)
    client, server = (_ends(found, at_server=at_server) for at_server in (False, True))
    parts += [_requests(columns, server, seen), *_lingering(columns, np.flatnonzero(lingers), client, server, seen)]
    return States(*(np.concatenate(each) for each in zip(*(_columns(part) for part in parts), strict=True)))


def _columns(part: States) -> list[NDArray[np.int64]]:
    return [getattr(part, name) for name in States.__dataclass_fields__]


def _mark_odd(columns: LifeColumns, told: Rows) -> None:
    """Mark the connections of lives that did not begin, or ended, as those of a plain connection do."""
    found, changes = columns.connections, columns.changes
    first = columns.rows[columns.first]
    old, new = changes.old[first], changes.new[first]
    begun = np.where(
        columns.serves,
        (old == _LISTEN) & (new == _SYN_RECEIVED),
        (old == _CLOSED) & (new == NUMBERS[State.SYN_SENT]),
    )
    found.odd[columns.talk[(columns.talk != NONE) & ~begun]] = True
    ended = (changes.new[told] == _CLOSED) & (changes.old[told] != NUMBERS[State.LAST_ACK])
    talk = columns.talk[columns.of[told[ended]]]
    found.odd[talk[talk != NONE]] = True


def _ends(found: Connections, *, at_server: bool) -> _Ends:
    """Return what the captures at one end tell, by connection."""
    count = len(found)
    rows = found.far if at_server else found.near
    told = [np.full(sum(len(each.talks) for each in found.seen), NONE, np.int64) for _ in range(3)]
    together, odd = (np.zeros(len(told[0]), np.bool_) for _ in range(2))
    begin = 0
    for each in found.seen:
        talks = each.talks
        of = np.empty(len(talks.order), np.int64)
        by_place = np.argsort(talks.first)
        of[:] = np.repeat(by_place, talks.count[by_place])
        flags = each.segments.flags[talks.order]
        time = each.segments.time_ns[talks.order]
        own = talks.from_client != at_server
        fins = np.flatnonzero((flags & FIN) != 0)
        fin, peers = (_first(fins[own[fins] == mine], of, len(talks)) for mine in (True, False))
        end = (
            at(talks.seq.astype(np.int64), fin, 0) + at(each.segments.length[talks.order].astype(np.int64), fin, 0) + 1
        )
        says = np.flatnonzero(~own & ((flags & (ACK | RST)) == ACK))
        says = says[(fin[of[says]] != NONE) & (says > fin[of[says]])]
        said = _first(says[talks.ack[says] >= end[of[says]]], of, len(talks))
        here = slice(begin, begin + len(talks))
        told[0][here] = time[talks.first] if len(talks) else 0
        told[1][here], told[2][here] = at(time, said, NONE), at(time, peers, NONE)
        together[here] = (said != NONE) & (said == peers)
        odd[here] = (fin == NONE) | (said == NONE) | ((peers != NONE) & ((peers < said) | (peers < fin)))
        begin += len(talks)
    opened, acknowledged, fin_ns = (at(each, rows, NONE) for each in told)
    return _Ends(opened, acknowledged, fin_ns, _of(together, rows, count), _of(odd, rows, count))


def _of(values: Mask, rows: Rows, count: int) -> Mask:
    found = np.ones(count, np.bool_)
    found[rows != NONE] = values[rows[rows != NONE]]
    return found


def _first(places: Rows, of: Rows, count: int) -> Rows:
    found = np.full(count, NONE, np.int64)
    found[of[places[::-1]]] = places[::-1]
    return found


def _requests(columns: LifeColumns, server: _Ends, seen: SeenEnds) -> States:
    """Return SYN-RECV of requests, whose birth no event tells: from the arrival of the SYN on."""
    found = columns.connections
    some = np.flatnonzero(columns.serves & (columns.talk != NONE))
    talk = columns.talk[some]
    late = server.opened_ns[talk] > columns.begun_ns[some]
    found.odd[talk[late]] = True
    some = some[~late]
    opened = server.opened_ns[columns.talk[some]]
    shown = seen.shown(some, State.SYN_RECEIVED, opened, columns.begun_ns[some])
    return _filled(columns, some, opened, shown, _SYN_RECEIVED, _LISTEN, 0)


def _lingering(columns: LifeColumns, some: Rows, client: _Ends, server: _Ends, seen: SeenEnds) -> list[States]:
    """Return FIN-WAIT-2 and TIME-WAIT of ends whose socket the kernel has let go, as `states._lingering`."""
    found = columns.connections
    serves, talk = columns.serves[some], columns.talk[some]
    acknowledged, fin, together, odd = (
        np.where(serves, getattr(server, name)[talk], getattr(client, name)[talk])
        for name in ("acknowledged_ns", "fin_ns", "together", "odd")
    )
    before = columns.changes.old[columns.last()[some]]
    closed = columns.closed_ns[some]
    found.odd[talk[odd | (before == NUMBERS[State.CLOSING])]] = True
    until = np.where(fin == NONE, _NEVER, fin)
    waits = (before == _FIN_WAIT_1) & ~together & (until > closed)
    half = np.maximum(acknowledged, closed)
    shown = seen.shown(some[waits], State.FIN_WAIT_2, half[waits], until[waits])
    parts = [_filled(columns, some[waits], half[waits], shown, _FIN_WAIT_2, before[waits], _FURTHER)]
    ends = fin != NONE
    before = np.where(waits, _FIN_WAIT_2, before)
    ended = np.maximum(fin, closed)
    shown = seen.shown(some[ends], State.TIME_WAIT, ended[ends], np.full(int(ends.sum()), _NEVER))
    parts.append(_filled(columns, some[ends], ended[ends], shown, _TIME_WAIT, before[ends], _FURTHER + 1))
    # Between two looks it was forgotten: the exact way tells when.
    found.odd[talk[seen.vanish(some, np.where(ends, ended, np.where(waits, half, closed)))]] = True
    return parts


def _filled(
    columns: LifeColumns, lives: Rows, time_ns: Rows, shown: Mask, new: int, old: int | NDArray[np.int8], place: int
) -> States:
    """Return changes of these lives that no event told of."""
    count = len(lives)
    return States(
        columns.talk[lives].astype(np.int32),
        columns.serves[lives],
        columns.host[lives].astype(np.int32),
        time_ns,
        np.full(count, new, np.int8),
        np.broadcast_to(np.asarray(old, np.int8), count),
        np.zeros(count, np.int32),
        np.zeros(count, np.bool_),
        shown,
        np.full(count, place, np.int32),
    )
