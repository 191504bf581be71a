"""The calls that the timeline tells of, each with its connection, by the rules of lab/timeline/calls.py."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.kernel.columns.calls import CallColumns
from lab.kernel.syscalls import KERNEL_ONLY
from lab.timeline.about import FIONBIO, REQUESTS
from lab.timeline.calls import KEYBOARD, ON_MANY, ON_SOCKETS, call_made, family, likeness
from lab.timeline.columns.descriptors import Openings
from lab.timeline.columns.joining import Connections
from lab.timeline.columns.lives import LifeColumns
from lab.timeline.columns.times import NONE, Mask, Rows, at
from lab.timeline.columns.unusual import UnusualError
from lab.timeline.model import CallMade, Signal
from lab.timeline.programs import Programs


@dataclass(frozen=True)
class KeptCalls:
    """The calls of the lab's programs that are moments, in the order in which they began."""

    calls: CallColumns
    row: Rows
    """Which of `calls` each is; the other arrays are as long."""
    talk: Rows
    serves: Mask
    """Whether it stands in the server's lane."""
    host: Rows
    begun_ns: Rows
    ended_ns: Rows
    pid: NDArray[np.int32]
    signals: dict[int, Signal]
    """What became of those that a signal broke off, by their place here."""
    parties: dict[int, str | None]
    """The play's name for the program of each thread."""

    def __len__(self) -> int:
        return len(self.row)

    def named(self, *names: str) -> Mask:
        """Tell of each whether programs call it one of these."""
        return families(self.calls, *names)[self.row]

    @property
    def side(self) -> Rows:
        """Twice its connection, and one more at the server; NONE for one of no connection."""
        return np.where(self.talk == NONE, NONE, self.talk * 2 + self.serves)

    def made(self, places: Sequence[int]) -> list[CallMade]:
        """Return what these calls were."""
        return [
            call_made(self.calls[row], self.parties[pid], self.signals.get(place))
            for place, row, pid in zip(places, self.row[places].tolist(), self.pid[places].tolist(), strict=True)
        ]


def families(calls: CallColumns, *names: str) -> Mask:
    """Tell of each call whether programs call it one of these."""
    return np.isin(calls.number, [number for number, name in calls.names.items() if family(name) in names])


def kept_calls(
    calls: CallColumns, columns: LifeColumns, opened: Openings, programs: Programs, found: Connections
) -> KeptCalls:
    """Return the calls that are moments; connections with calls of several threads at one end are marked as odd."""
    pids, which = np.unique(calls.pid, return_inverse=True)
    running = [programs.of(pid) for pid in pids.tolist()]
    if any(one and one.host not in found.hosts.number for one in running):
        raise UnusualError("a program on a host without an address")
    host = np.array([found.hosts.number[one.host] if one else NONE for one in running], np.int64)[which]
    serves = np.array([bool(one and one.serves) for one in running], np.bool_)[which]
    on = np.where(families(calls, "socket", "epoll_create"), opened.made_by, opened.of)
    typed = families(calls, "read") & (calls.fd == KEYBOARD) & (on == NONE)
    works = families(calls, *ON_SOCKETS) & (typed | ((on != NONE) & ~at(opened.epoll, on, 0).astype(np.bool_)))
    keep = (host != NONE) & (works | families(calls, *ON_MANY))
    asks = np.flatnonzero(keep & families(calls, "ioctl"))
    if len(asks):
        about = [request for request, name in REQUESTS.items() if name == FIONBIO]
        keep[asks] = np.isin(calls.arguments(asks)[:, 1], np.array(about, np.uint64))
    life = at(opened.life, on, NONE)
    serves = np.where(life == NONE, serves, at(columns.listens | columns.serves, life, 0).astype(np.bool_))
    on_talk = np.where(families(calls, "accept"), opened.made_by, on)
    talk = at(columns.talk, at(opened.life, on_talk, NONE), NONE)
    row = np.flatnonzero(keep)
    parties = {pid: one.party if one else None for pid, one in zip(pids.tolist(), running, strict=True)}
    kept = KeptCalls(
        calls, row.astype(np.int32), talk[row].astype(np.int32), serves[row], host[row].astype(np.int32),
        calls.begun_ns[row], calls.ended_ns[row], calls.pid[row], _signals(calls, row, programs), parties,
    )  # fmt: skip
    _mark_odd(kept, found)
    return kept


def _signals(calls: CallColumns, row: Rows, programs: Programs) -> dict[int, Signal]:
    """Return what became of calls that a signal broke off, by their place in `row`: as lab/timeline/signals.py."""
    broken = np.isin(calls.result, [-errno.EINTR, *(-number for number in KERNEL_ONLY)])
    found: dict[int, Signal] = {}
    if not broken.any():
        return found
    order = np.argsort(calls.pid, kind="stable")
    following = np.full(len(order), NONE, np.int64)
    same = calls.pid[order][1:] == calls.pid[order][:-1]
    following[order[:-1][same]] = order[1:][same]
    for place in np.flatnonzero(broken[row]).tolist():
        call, after = calls[int(row[place])], int(following[row[place]])
        if after != NONE:
            found[place] = Signal.ANEW if likeness(call) == likeness(calls[after]) else Signal.ELSE
        else:
            found[place] = Signal.ENDED if programs.killed_in(call) else Signal.LAST
    return found


def _mark_odd(kept: KeptCalls, found: Connections) -> None:
    some = np.flatnonzero(kept.talk != NONE)
    side, pid = kept.side[some], kept.pid[some]
    least, most = np.full(2 * len(found), np.iinfo(np.int32).max), np.full(2 * len(found), -1)
    np.minimum.at(least, side, pid)
    np.maximum.at(most, side, pid)
    found.odd[np.flatnonzero((most > least).reshape(-1, 2).any(axis=1))] = True
    accepted = np.zeros(len(found), np.bool_)
    accepted[kept.talk[some[(kept.named("accept") & kept.serves)[some]]]] = True
    found.odd[~accepted] = True
