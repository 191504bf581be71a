"""Answers what a moment does not tell itself: its connection, its program, where it listens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lab.kernel.trace import KernelTrace, Transition
from lab.live.news import News, Part
from lab.live.polls import Again
from lab.timeline.model import CallMade, Lane, Moment, SegmentSent, StateChange, Talk, Timeline
from lab.timeline.wakes import served
from lab.wire.segment import Endpoint
from lab.wire.state import State

Connection = tuple[Endpoint, Endpoint, int]
"""Client, server, and the client's initial sequence number, which tells two connections of the same ports apart."""
End = tuple[Lane, object]
"""An end of a connection, or a listener."""


class Look:
    """Looks things up in a timeline and in the record of the kernel's that it was made from."""

    def __init__(self, timeline: Timeline, trace: KernelTrace | None) -> None:
        self._timeline = timeline
        started = trace.started if trace else ()
        self._files: Mapping[int, str] = {
            each.pid: each.program.rpartition("/")[2].removesuffix(".py") for each in started if each.program
        }
        self._parents: Mapping[int, int] = {each.pid: each.parent for each in started if each.parent is not None}
        self._listening: Mapping[tuple[int, State], Transition] = {
            (each.time_ns, each.new): each
            for each in (trace.transitions if trace else ())
            if State.LISTEN in (each.old, each.new)
        }
        self._served = served(timeline.moments)
        self._connections: dict[int, Connection] = {}
        self._both: dict[int, bool] = {}
        self._own: dict[int, set[int]] = {}
        for moment in timeline.moments:
            if isinstance(moment.what, CallMade) and moment.lane is Lane.CLIENT_CALLS and moment.talk is not None:
                self._own.setdefault(self.root(moment.what.pid), set()).add(moment.talk)

    def news(self, part: Part, time_ns: int, moment: Moment, again: Again | None = None) -> News:
        """Return the news of a moment."""
        listening = self._listener(moment)
        root = self.root(self.pid(moment))
        own = self._own.get(root, ())
        talks, calls = self._timeline.talks, self._served.get(moment.number, ())
        return News(
            part=part,
            time_ns=time_ns,
            moment=moment,
            talk=None if moment.talk is None else talks[moment.talk],
            own=talks[next(iter(own))] if len(own) == 1 else None,
            program=self._files.get(root),
            listener=listening.local if listening else None,
            ready=tuple(dict.fromkeys(talks[each.talk] for each in calls if each.talk is not None)),
            again=again,
        )

    def repeated(self, again: Sequence[Again]) -> Iterator[News]:
        """Yield the news of repeated calls: each stands where the last one that was told does."""
        for each in again:
            for moment in reversed(self._timeline.moments):
                call = moment.what
                if isinstance(call, CallMade) and (call.pid, call.name, call.fd) == (each.pid, *each.last):
                    if moment.time_ns > each.ended_ns:
                        continue
                    yield self.news(Part.AGAIN, each.ended_ns, moment, each)
                    break

    def pid(self, moment: Moment) -> int:
        """Return the thread that is behind it; 0 where nobody is."""
        if isinstance(moment.what, CallMade):
            return moment.what.pid
        listening = self._listener(moment)
        return listening.pid if listening else 0

    def root(self, pid: int) -> int:
        """Return the process that was started as a program, from this one upwards."""
        seen = {pid}
        while pid not in self._files and (parent := self._parents.get(pid)) is not None and parent not in seen:
            pid = parent
            seen.add(pid)
        return pid

    def end(self, moment: Moment) -> End:
        """Return which end of which connection a state is of, or which listener's."""
        listening = self._listener(moment)
        if listening:
            return moment.lane, (moment.host, listening.local)
        return moment.lane, self._connection(moment.talk)

    def captured_on_both(self, moment: Moment) -> bool:
        """Tell whether both hosts' captures hold segments of its connection."""
        number = moment.talk or 0
        if number not in self._both:
            sent = [
                what
                for place in self._timeline.talks[number].moments
                if isinstance(what := self._timeline.moments[place].what, SegmentSent)
            ]
            self._both[number] = any(each.client_frame for each in sent) and any(each.server_frame for each in sent)
        return self._both[number]

    def _listener(self, moment: Moment) -> Transition | None:
        if moment.talk is not None or not isinstance(moment.what, StateChange):
            return None
        return self._listening.get((moment.time_ns, moment.what.state))

    def _connection(self, number: int | None) -> Connection | None:
        if number is None:
            return None
        found = self._connections.get(number)
        if found is None:
            talk = self._timeline.talks[number]
            found = self._connections[number] = (talk.client, talk.server, self._isn(talk))
        return found

    def _isn(self, talk: Talk) -> int:
        for place in talk.moments:
            what = self._timeline.moments[place].what
            if isinstance(what, SegmentSent) and what.from_client:
                return (what.segment.seq - what.seq) & 0xFFFFFFFF
        return 0
