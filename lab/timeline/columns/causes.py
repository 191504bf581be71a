"""What brought each moment of a plain connection about, by the rules of lab/timeline/causes.py.

Plain is: no RST, nothing sent again, no two moments of a side at one time, and the calls of a side in one thread.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from lab.kernel.columns.calls import NONE as NEVER
from lab.kernel.columns.transitions import NUMBERS, number_of
from lab.timeline.causes import ROOM_NS
from lab.timeline.columns.calls import KeptCalls
from lab.timeline.columns.joining import ACK, FIN, RST, SYN, Connections, Passages
from lab.timeline.columns.states import States
from lab.timeline.columns.times import NONE, Clock, Mask, Rows, Times, at
from lab.timeline.sides import LATE_NS
from lab.wire.state import State

_DIALS: Final = ("connect",)
_CLOSES: Final = ("close", "shutdown")
_SENDS: Final = ("send", "write")
_READS: Final = ("recv", "read")


class Causes(NamedTuple):
    """By call, by segment and by state: the moment that brought it about, NONE where there is none.

    Moments are counted through: all calls, then all segments, then all states.
    """

    calls: Rows
    segments: Rows
    states: Rows


class _Sides:
    """The calls, arrivals and departures of all sides."""

    def __init__(self, clock: Clock, calls: KeptCalls, sent: Passages) -> None:
        self._clock = clock
        self._calls = calls
        self.sent = sent
        self.arrives = sent.arrived_ns != NONE
        self.arrivals = self.arriving(np.ones(len(sent), np.bool_))
        self.departures = Times(clock, sent.from_side, sent.time_ns, np.arange(len(sent)))

    def arriving(self, which: Mask) -> Times:
        """Return the arrivals of these segments."""
        return Times(self._clock, self.sent.to_side, self.sent.arrived_ns, np.flatnonzero(which & self.arrives))

    def behind(self, names: tuple[str, ...], side: Rows, time_ns: Rows) -> Rows:
        """Return the latest call of these names that had begun on a side by then and had not long returned."""
        calls = self._calls
        index = Times(
            self._clock, calls.side, calls.begun_ns, np.flatnonzero(calls.named(*names) & (calls.talk != NONE))
        )
        found = index.last(side, time_ns)
        ended = at(calls.ended_ns, found, NEVER)
        return np.where((ended == NEVER) | (time_ns <= ended + LATE_NS), found, NONE)

    def arrived_ns(self, rows: Rows) -> Rows:
        """Return when segments arrived, NONE for none."""
        found: Rows = at(self.sent.arrived_ns, rows, NONE)
        return found


def causes(clock: Clock, calls: KeptCalls, sent: Passages, changes: States, found: Connections) -> Causes:
    """Return the causes; connections that are not plain are marked as odd, and their causes count for nothing."""
    sides = _Sides(clock, calls, sent)
    found.odd[sent.talk[(sent.flags & RST) != 0]] = True
    for each in (sides.arrivals, sides.departures):
        found.odd[sent.talk[each.twice]] = True
    first_segment = len(calls)
    return Causes(
        _moved(_of_calls(sides, calls), first_segment),
        _of_segments(sides, first_segment),
        _of_states(sides, changes, first_segment),
    )


def _moved(rows: Rows, by: int) -> Rows:
    return np.where(rows == NONE, NONE, rows + by)


def _of_segments(sides: _Sides, first: int) -> Rows:
    sent = sides.sent
    side, time = sent.from_side, sent.time_ns
    last = sides.arrivals.last(side, time)
    syn = ((sent.flags & SYN) != 0) & ((sent.flags & ACK) == 0)
    fin = ~syn & ((sent.flags & FIN) != 0)
    data = ~syn & ~fin & (sent.length > 0)
    call = np.full(len(sent), NONE, np.int64)
    for which, names in ((syn, _DIALS), (fin, _CLOSES), (data, _SENDS)):
        some = np.flatnonzero(which)
        call[some] = sides.behind(names, side[some], time[some])
    # Else it was held back until an acknowledgement made room; or the program's call was not recorded.
    shortly = np.where(sides.arrived_ns(last) >= time - LATE_NS, last, NONE)
    by_segment = _moved(np.where(syn | fin | data, shortly, last), first)
    return np.where(call == NONE, by_segment, call)


def _of_states(sides: _Sides, changes: States, first: int) -> Rows:
    side, time, new = changes.side, changes.time_ns, changes.new
    last = sides.arrivals.last(side, time)
    left = sides.departures.last(side, time)
    left = np.where(at(sides.sent.time_ns, left, NONE) == time, left, NONE)
    by_segment = np.where(~changes.told & (left != NONE), left, last)
    # What ends a connection that both ends have closed is the acknowledgement of the own FIN.
    fins = np.flatnonzero((sides.sent.flags & FIN) != 0)
    fin_ns = np.zeros(2 * int(max(changes.talk.max(initial=0), sides.sent.talk.max(initial=0)) + 1), np.int64)
    fin_ns[:] = np.iinfo(np.int64).max
    np.minimum.at(fin_ns, sides.sent.from_side[fins], sides.sent.time_ns[fins])
    fin_ns[fin_ns == np.iinfo(np.int64).max] = 0
    ended = new == NUMBERS[State.CLOSED]
    by_segment[ended & ~(sides.arrived_ns(last) >= fin_ns[side])] = NONE
    found = _moved(by_segment, first)
    for states, names in (((State.SYN_SENT,), _DIALS), ((State.FIN_WAIT_1, State.LAST_ACK), _CLOSES)):
        some = np.flatnonzero(changes.told & np.isin(new, number_of(*states)))
        found[some] = sides.behind(names, side[some], time[some])
    found[changes.talk == NONE] = NONE
    return found


def _of_calls(sides: _Sides, calls: KeptCalls) -> Rows:
    """Return the segment that ended each call's wait: what arrived for it while it was under way."""
    flags = sides.sent.flags
    found = np.full(len(calls), NONE, np.int64)
    over = (calls.ended_ns != NEVER) & (calls.talk != NONE)
    brings = (sides.sent.length > 0) | ((flags & (FIN | RST)) != 0)
    for names, which, since in (
        (_DIALS, (flags & (SYN | RST)) != 0, calls.begun_ns),
        (("accept",), (flags & SYN) == 0, np.zeros(len(calls), np.int64)),
        (_READS, brings, calls.begun_ns),
    ):
        some = np.flatnonzero(over & calls.named(*names))
        first = sides.arriving(which).first(calls.side[some], since[some])
        came = sides.arrived_ns(first)
        during = (came >= calls.begun_ns[some]) & (came <= calls.ended_ns[some])
        found[some] = np.where(during, first, NONE)
    some = np.flatnonzero(over & calls.named(*_SENDS) & (calls.ended_ns - calls.begun_ns >= ROOM_NS))
    last = sides.arrivals.last(calls.side[some], calls.ended_ns[some])
    found[some] = np.where(sides.arrived_ns(last) >= calls.begun_ns[some], last, NONE)
    return found
