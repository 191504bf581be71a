"""From what arrives, piece by piece, to news: the whole way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lab.kernel.trace import KernelCall
from lab.kernel.tracefile import Header
from lab.live.hearing import Arrived, Heard, Hearing
from lab.live.news import Appears, Item, News, Note
from lab.live.owners import Owners, Thread
from lab.live.polls import Again, Polls
from lab.live.standing import Listeners, Standing
from lab.live.telling import Teller
from lab.live.window import Window
from lab.timeline.build import build_timeline

MOST: Final = 3_000
"""Segments and calls that are more at once than anybody reads: from there on they are only counted, …"""
CALM: Final = 500
"""… until no more come than so many at a time."""
_OFTEN_NS: Final = 1_000_000_000
"""How often at most what is over is forgotten, and what is missing is said."""


class Follower:
    """Takes what arrives and returns what is new.

    `addresses` are the hosts' by name, `begun_ns` is when the listening began, `standing` are the servers that stood
    then, `who` tells the hosts' threads.
    """

    def __init__(
        self,
        addresses: Mapping[str, str],
        hosts: Iterable[str],
        begun_ns: int,
        standing: Sequence[Standing] = (),
        who: Callable[[], Mapping[int, Thread]] = dict,
    ) -> None:
        hosts = tuple(hosts)
        self._listeners = Listeners()
        self._hearing = Hearing(hosts)
        self._owners = Owners(who)
        self._polls = Polls()
        self._again: list[Again] = []
        self._window = Window(addresses, hosts, begun_ns)
        self._teller = Teller(begun_ns, {each.pid for each in standing})
        self._gaps = _Gaps()
        self._notes = [
            _standing_note(each, addresses, begun_ns) for each in {each.local: each for each in standing}.values()
        ]
        self._records = True
        self._flood: _Flood | None = None
        self._forgot_ns = begun_ns
        self._under_way: Sequence[KernelCall] = ()
        self._owners.homes |= {each.pid: each.address for each in standing}
        told = self._listeners.told(standing, begun_ns - 1)
        self._hear(Heard({}, told, [], 0), self._owners.sort(told), begun_ns)

    @property
    def header(self) -> Header | None:
        """What the kernel's recorder says of itself; None before it records."""
        return self._hearing.header

    @property
    def refused(self) -> str:
        """Why the recorder tells nothing, a code; empty while it may."""
        return self._hearing.refused

    def take(self, arrived: Arrived) -> list[Item]:
        """Take what has arrived; return what is new. EvidenceError for what cannot be read."""
        now_ns = time.time_ns()
        notes = [*self._notes, *self._changes(arrived, now_ns)]
        self._notes = []
        return [*notes, *self.follow(self._hearing.take(arrived, now_ns), now_ns)]

    def follow(self, heard: Heard, now_ns: int) -> list[Item]:
        """Take what was heard; return what is new."""
        self._gaps.lost(heard)
        calls, again = self._polls.take(self._owners.sort(self._listeners.named(heard.told, self._owners.homes)))
        self._again += again
        self._under_way = heard.under_way
        if self._flood is None:
            self._hear(heard, calls, now_ns)
            if self._window.size > MOST:
                last_ns, segments, left_out = self._window.cut(MOST)
                self._flood = _Flood(last_ns)
                self._gaps.left_out(segments, left_out)
        else:
            self._count(heard, calls, now_ns, self._flood)
        news = self._tell(heard.settled_ns, now_ns)
        return [*news, *self._gaps.notes(now_ns)]

    def _hear(self, heard: Heard, calls: Iterable[KernelCall], now_ns: int) -> None:
        under_way = [
            call for call in heard.under_way if self._owners.owns(call.pid) and not self._polls.expects(call, now_ns)
        ]
        self._window.homes = self._owners.homes
        self._window.hear(heard, calls, under_way)

    def _count(self, heard: Heard, calls: Sequence[KernelCall], now_ns: int, flood: _Flood) -> None:
        """Take what still belongs to what is told of the flood, and only count the rest."""
        early = [call for call in calls if call.begun_ns <= flood.last_ns]
        later = [call for call in calls if call.begun_ns > flood.last_ns]
        count = sum(map(len, heard.segments.values()))
        heard.segments = {
            host: tuple(each for each in some if each.time_ns <= flood.last_ns) for host, some in heard.segments.items()
        }
        count -= sum(map(len, heard.segments.values()))
        heard.under_way = [call for call in heard.under_way if call.begun_ns <= flood.last_ns]
        self._hear(heard, early, now_ns)
        self._window.glance(later, told=flood.told)
        self._gaps.left_out(count, len(later))
        flood.calm = count + len(later) < CALM

    def _tell(self, until_ns: int, now_ns: int) -> list[News | Appears]:
        flood = self._flood
        if flood and flood.told:
            if flood.calm:
                self._flood = None
                self._window.begin_again()
                self._teller.begin_again(now_ns)
            return []
        if flood:
            flood.told = until_ns > flood.last_ns
            until_ns = min(until_ns, flood.last_ns + 1)
        trace = self._window.trace() if self._records else None
        timeline = build_timeline(self._window.recording(trace, now_ns))
        ripe = [each for each in self._again if each.ended_ns < until_ns]
        self._again = [each for each in self._again if each.ended_ns >= until_ns]
        news = self._teller.tell(timeline, trace, ripe, until_ns)
        if now_ns - self._forgot_ns > _OFTEN_NS or (flood and flood.told):
            self._forgot_ns = now_ns
            self._window.forget(until_ns, self._owners.busy(self._under_way))
            self._polls.forget(self._window.pids)
            self._owners.forget(self._window.pids)
        return news

    def _changes(self, arrived: Arrived, now_ns: int) -> Iterator[Note]:
        """Begin anew where who is listened to has."""
        if arrived.anew:
            self._window.forget_hosts()
            yield Note(now_ns, "anew", {"hosts": ", ".join(arrived.anew)})
        if self._records and arrived.kernel is None:
            self._records = False
            self._window.forget_kernel()
            if self._hearing.header:
                yield Note(now_ns, "recorder-gone", {})


@dataclass(slots=True)
class _Flood:
    """More than can be told: what was up to `last_ns` is told yet, the rest only counted until it is `calm`."""

    last_ns: int
    told: bool = False
    calm: bool = False


def _standing_note(standing: Standing, addresses: Mapping[str, str], time_ns: int) -> Note:
    hosts = {address: host for host, address in addresses.items()}
    where = {"host": hosts.get(standing.address, "*"), "port": standing.local.port}
    return Note(time_ns, "standing", {"program": standing.program, **where})


class _Gaps:
    """Counts what is missing, and says so now and then."""

    def __init__(self) -> None:
        self._said_ns = 0
        self._left_out = (0, 0)
        self._frames: dict[str, int] = {}
        self._events = 0

    def left_out(self, segments: int, calls: int) -> None:
        """Count what nobody could have read."""
        self._left_out = self._left_out[0] + segments, self._left_out[1] + calls

    def lost(self, heard: Heard) -> None:
        """Count what there was no room for."""
        for host, count in heard.dropped.items():
            self._frames[host] = self._frames.get(host, 0) + count
        self._events += heard.told.lost

    def notes(self, now_ns: int) -> Iterator[Note]:
        """Say what is missing, not too often."""
        if now_ns - self._said_ns < _OFTEN_NS:
            return
        if any(self._left_out):
            segments, calls = self._left_out
            yield Note(now_ns, "skipped", {"segments": segments, "calls": calls})
        for host, count in self._frames.items():
            yield Note(now_ns, "lost-frames", {"host": host, "count": count})
        if self._events:
            yield Note(now_ns, "lost-events", {"count": self._events})
        if any(self._left_out) or self._frames or self._events:
            self._said_ns = now_ns
            self._left_out, self._frames, self._events = (0, 0), {}, 0
