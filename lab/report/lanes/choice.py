"""What of a timeline is shown: which connections, and from when to when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lab.errors import UsageError
from lab.timeline.model import CallMade, Lane, Moment, Queue, Talk, Timeline

_MOST_NAMED: Final = 12

Window = tuple[int, int]
"""From when (inclusive) to when (exclusive), ns since the epoch."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Some connections of a timeline within a span of time.

    `zero_ns` is when the first of them began: times on a page count from there. `labels` are their names by their
    numbers, the client's port where a connection has no name or shares it. `hosts` are where the lanes of calls lie.
    `threads` are those whose calls on no single connection belong to the picture, by lane; None for all of them.
    """

    talks: tuple[Talk, ...]
    window: Window
    zero_ns: int
    labels: Mapping[int, str]
    hosts: Mapping[Lane, frozenset[str]]
    threads: Mapping[Lane, frozenset[int] | None]

    @property
    def several(self) -> bool:
        """Whether it is more than one connection."""
        return len(self.talks) > 1

    def holds(self, moment: Moment) -> bool:
        """Tell whether a moment belongs to one of the connections, or to no single one and yet to them, at any time."""
        if moment.talk is not None:
            return moment.talk in self.labels
        if not isinstance(moment.what, CallMade):
            return moment.host in self.hosts[Lane.SERVER_CALLS]
        threads = self.threads[moment.lane]
        return moment.host in self.hosts[moment.lane] and (threads is None or moment.what.pid in threads)

    @property
    def owners(self) -> Mapping[str, int]:
        """Under which connection a client's calls on no single one are told: its first, by its name."""
        return {talk.name: talk.number for talk in reversed(self.talks) if talk.name is not None}

    def waits_in(self, queue: Queue) -> bool:
        """Tell whether a queue is one of these connections', or that of the listener that they came to."""
        if queue.talk is not None:
            return queue.talk in self.labels
        return any(queue.listener == talk.server and queue.host == talk.server_host for talk in self.talks)


def named(timeline: Timeline, clients: Sequence[str]) -> tuple[Talk, ...]:
    """Return the connections of these clients, by name, by port, or by address and port; without any, all with a name.

    A timeline without names gives all that it has. Raises UsageError `unknown-client` for one that is not there.
    """
    if not clients:
        return tuple(talk for talk in timeline.talks if talk.name) or tuple(timeline.talks)
    found: dict[int, Talk] = {}
    for client in clients:
        some = [talk for talk in timeline.talks if client in (talk.name, str(talk.client), str(talk.client.port))]
        if not some:
            known = [*dict.fromkeys(talk.name or str(talk.client.port) for talk in timeline.talks)]
            more = ["…"] if len(known) > _MOST_NAMED else []
            raise UsageError("unknown-client", client=client, known=", ".join(known[:_MOST_NAMED] + more) or "-")
        found |= {talk.number: talk for talk in some}
    return tuple(found[number] for number in sorted(found))


def choose(timeline: Timeline, talks: Sequence[Talk], window: Window | None = None) -> Choice:
    """Return the choice of these connections, within a window where one is given."""
    begun = min((_begun(timeline, talk) for talk in talks), default=timeline.begun_ns)
    ended = max((talk.ended_ns for talk in talks), default=timeline.ended_ns) + 1
    first, last = window or (begun, ended)
    names = Counter(talk.name for talk in talks)
    labels = {
        talk.number: talk.name if talk.name and names[talk.name] == 1 else f"{talk.name or ''}:{talk.client.port}"
        for talk in talks
    }
    hosts = {
        Lane.CLIENT_CALLS: frozenset(talk.client_host for talk in talks),
        Lane.SERVER_CALLS: frozenset(talk.server_host for talk in talks),
    }
    window = max(first, begun), min(last, ended)
    return Choice(tuple(talks), window, begun, labels, hosts, _threads(timeline, talks))


def _begun(timeline: Timeline, talk: Talk) -> int:
    """Return when a connection began: a server may have waited in accept() for it long before."""
    moments = (timeline.moments[number] for number in talk.moments)
    return next((moment.time_ns for moment in moments if moment.lane is not Lane.SERVER_CALLS), talk.begun_ns)


def _threads(timeline: Timeline, talks: Sequence[Talk]) -> dict[Lane, frozenset[int] | None]:
    """Return who made the connections' calls; a server that made none yet may be any program there."""
    numbers, names = {talk.number for talk in talks}, {talk.name for talk in talks if talk.name}
    found: dict[Lane, set[int]] = {Lane.CLIENT_CALLS: set(), Lane.SERVER_CALLS: set()}
    for moment in timeline.moments:
        if isinstance(moment.what, CallMade) and (moment.talk in numbers or moment.what.party in names):
            found[moment.lane].add(moment.what.pid)
    server = frozenset(found[Lane.SERVER_CALLS]) or None
    return {Lane.CLIENT_CALLS: frozenset(found[Lane.CLIENT_CALLS]), Lane.SERVER_CALLS: server}
