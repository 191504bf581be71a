"""Which socket a descriptor was at each call, by the rules of lab/timeline/descriptors.py, for threads on their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.kernel.columns.calls import NO_DESCRIPTOR, CallColumns
from lab.kernel.trace import KernelTrace
from lab.timeline.columns.lives import LifeColumns
from lab.timeline.columns.times import NONE, Clock, Mask, Rows, at
from lab.timeline.columns.unusual import UnusualError
from lab.timeline.descriptors import IP, MAKES, MAKES_EPOLL, STREAM, TYPE

_ON_MANY: Final = ("select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl")


@dataclass(frozen=True)
class Openings:
    """The sockets and the epolls behind descriptors: the first two arrays by call, the others by opening."""

    of: Rows
    """What a call works on, NONE for all else."""
    made_by: Rows
    """What a call made."""
    life: Rows
    """NONE where nothing tells which socket it is."""
    epoll: Mask


def openings(trace: KernelTrace, calls: CallColumns, columns: LifeColumns, behind: Rows, clock: Clock) -> Openings:
    """Follow the descriptors of all threads; UnusualError where threads share them, or watch many at once."""
    if calls.named(*_ON_MANY).any():
        raise UnusualError("calls on many descriptors")
    _require_apart(trace, calls)
    made = np.flatnonzero((calls.ended_ns != NONE) & (calls.result >= 0) & _makes(calls))
    used = np.flatnonzero(calls.fd != NO_DESCRIPTOR)
    epoll = calls.named(MAKES_EPOLL)
    row = np.concatenate((made, used))
    makes = np.arange(len(row)) < len(made)
    fd = np.where(makes, calls.result[row], calls.fd[row])
    time = np.where(makes, calls.ended_ns[row], calls.begun_ns[row])
    thread = _threads(trace, calls.pid[row], time, clock)
    order = np.lexsort((time, fd, thread))
    row, makes, fd, thread = row[order], makes[order], fd[order], thread[order]
    begins = np.ones(len(row), np.bool_)
    begins[1:] = (fd[1:] != fd[:-1]) | (np.diff(thread) != 0) | (~makes & calls.named("close")[row])[:-1]
    begins |= makes
    number = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    # What nobody saw made is there from the first call on that tells of a socket of the lab's.
    told = ~makes & (behind[row] != NONE)
    place = np.arange(len(row))
    there = np.where(makes[first], first, _first(number, place, told, len(first), len(row)))
    life = np.full(len(first), NONE, np.int64)
    is_epoll = makes[first] & epoll[row[first]]
    tells = np.flatnonzero(told & ~calls.named(*MAKES)[row] & ~is_epoll[number])[::-1]
    life[number[tells]] = behind[row[tells]]
    of, made_by = (np.full(len(calls), NONE, np.int64) for _ in range(2))
    uses = np.flatnonzero(~makes & (place >= there[number]))
    of[row[uses]] = number[uses]
    made_by[row[makes]] = number[makes]
    found = Openings(of, made_by, life, is_epoll)
    _name_the_silent(found, calls, columns)
    return found


def _makes(calls: CallColumns) -> Mask:
    """Tell which calls make a TCP socket or an epoll when they succeed."""
    found = calls.named(*MAKES, MAKES_EPOLL)
    asks = np.flatnonzero(calls.named("socket"))
    family, kind = calls.arguments(asks)[:, :2].T
    found[asks] = np.isin(family, list(IP)) & ((kind & np.uint64(TYPE)) == STREAM)
    return found


def _first(number: Rows, place: Rows, which: Mask, count: int, otherwise: int) -> Rows:
    found = np.full(count, otherwise, np.int64)
    some = np.flatnonzero(which)[::-1]
    found[number[some]] = place[some]
    return found


def _require_apart(trace: KernelTrace, calls: CallColumns) -> None:
    """Raise UnusualError where a thread began with another's descriptors, or where its calls overlap."""
    order = np.argsort(calls.pid, kind="stable")
    pid, begun, ended = calls.pid[order], calls.begun_ns[order], calls.ended_ns[order]
    over = np.where(ended == NONE, begun, ended)
    same = pid[1:] == pid[:-1]
    if ((ended != NONE) & (ended <= begun)).any() or (same & (begun[1:] <= over[:-1])).any():
        raise UnusualError("calls of one thread at one time")
    known, place = np.unique(pid, return_index=True)
    first = dict(zip(known.tolist(), begun[place].tolist(), strict=True))
    for each in trace.started:
        if each.parent is not None and first.get(each.parent, each.time_ns + 1) <= each.time_ns:
            raise UnusualError("a thread that began with another's descriptors")


def _threads(trace: KernelTrace, pid: NDArray[np.int32], time_ns: Rows, clock: Clock) -> Rows:
    """Return a number for each thread; the machine may give a number out again, and who has it then begins anew."""
    known, which = np.unique(pid, return_inverse=True)
    place = {each: number for number, each in enumerate(known.tolist())}
    forks = [(place[each.pid], each.time_ns) for each in trace.started if each.parent is not None and each.pid in place]
    sides, times = np.array(forks, np.int64).reshape(-1, 2).T
    begins = np.sort(clock.key(sides, times))
    before: Rows = np.searchsorted(begins, clock.key(which, time_ns), "right")
    return which * (len(forks) + 1) + before


def _name_the_silent(found: Openings, calls: CallColumns, columns: LifeColumns) -> None:
    """Give accepted sockets of which no call tells the next in their listener's queue, as `_name_the_silent` does."""
    accepts = np.flatnonzero(calls.named("accept", "accept4") & (found.made_by != NONE) & (found.of != NONE))
    accepts = accepts[np.argsort(calls.ended_ns[accepts], kind="stable")]
    opening, listener = found.made_by[accepts], at(found.life, found.of[accepts], NONE)
    silent = np.flatnonzero((found.life[opening] == NONE) & (listener != NONE))
    if not len(silent):
        return
    known = np.zeros(len(columns) + 1, np.bool_)
    known[at(found.life, found.of, NONE)] = True
    known[found.life[opening]] = True
    waiting: dict[int, list[int]] = {}
    for each in silent.tolist():
        at_place = int(listener[each])
        if at_place not in waiting:
            born = columns.serves & (columns.local == columns.local[at_place]) & ~known[:-1]
            waiting[at_place] = np.flatnonzero(born).tolist()[::-1]
        queue = waiting[at_place]
        if queue and int(columns.begun_ns[queue[-1]]) <= int(calls.ended_ns[accepts[each]]):
            found.life[opening[each]] = queue.pop()
