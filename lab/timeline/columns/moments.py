"""The moments and the connections of a timeline that is kept in columns: made when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap

import numpy as np
from numpy.typing import NDArray

from lab.kernel.columns.views import Views
from lab.recording.play import Step
from lab.timeline.columns.calls import KeptCalls
from lab.timeline.columns.joining import ACK, Connections, Passages
from lab.timeline.columns.states import States
from lab.timeline.columns.times import NONE, Rows
from lab.timeline.draft import Draft
from lab.timeline.model import Lane, Moment, SegmentSent, Source, Talk, What
from lab.timeline.steps import Steps
from lab.wire.segment import Segment

_Head = tuple[Lane, str, int | None, int, int | None, int, Source, What]
"""What of a moment stands between its number and its cause."""


@dataclass(frozen=True)
class Table:
    """Where moments come from: calls, segments and states by columns, and the drafts of odd connections.

    A *row* counts through all of these, one after another.
    """

    connections: Connections
    calls: KeptCalls
    sent: Passages
    changes: States
    drafts: Sequence[Draft]
    resolutions: Mapping[str, int]

    @property
    def begins(self) -> tuple[int, int, int, int]:
        """At which rows segments, states and drafts begin, and where all end."""
        segments = len(self.calls)
        states = segments + len(self.sent)
        drafts = states + len(self.changes)
        return segments, states, drafts, drafts + len(self.drafts)

    def talk(self) -> NDArray[np.int32]:
        """Return the connection of each row."""
        drafts = [NONE if each.talk is None else each.talk for each in self.drafts]
        parts = (self.calls.talk, self.sent.talk, self.changes.talk, np.array(drafts, np.int64))
        return np.concatenate(parts, dtype=np.int32, casting="same_kind")

    def begun_ns(self) -> Rows:
        """Return the time of each row."""
        drafts = np.array([each.time_ns for each in self.drafts], np.int64)
        return np.concatenate((self.calls.begun_ns, self.sent.time_ns, self.changes.time_ns, drafts))

    def ended_ns(self) -> Rows:
        """Return until when each row lasted, its own time where that is all."""
        sent, begun = self.sent, self.begun_ns()
        drafts = [each.time_ns if each.ended_ns is None else each.ended_ns for each in self.drafts]
        arrived = np.where(sent.left, sent.arrived_ns, NONE)
        ended = np.concatenate((self.calls.ended_ns, arrived, self.changes.time_ns, np.array(drafts, np.int64)))
        np.maximum(begun, ended, out=ended)
        return ended

    def heads(self, rows: Rows) -> list[_Head]:
        """Return the moments of these rows, without number, cause and step."""
        segments, states, drafts, end = self.begins
        found: dict[int, _Head] = {}
        for begin, until, make in (
            (0, segments, self._calls),
            (segments, states, self._segments),
            (states, drafts, self._states),
            (drafts, end, self._drafts),
        ):
            some = rows[(rows >= begin) & (rows < until)]
            if len(some):
                found |= zip(some.tolist(), make(some - begin), strict=True)
        return [found[row] for row in rows.tolist()]

    def _calls(self, places: Rows) -> list[_Head]:
        calls, names = self.calls, self.connections.hosts.names
        columns = zip(
            calls.serves[places].tolist(), calls.host[places].tolist(), calls.talk[places].tolist(),
            calls.begun_ns[places].tolist(), calls.ended_ns[places].tolist(), calls.made(places.tolist()), strict=True,
        )  # fmt: skip
        return [
            (
                Lane.SERVER_CALLS if serves else Lane.CLIENT_CALLS,
                names[host],
                None if talk == NONE else talk,
                begun_ns,
                None if ended_ns == NONE else ended_ns,
                0,
                Source.KERNEL,
                made,
            )
            for serves, host, talk, begun_ns, ended_ns, made in columns
        ]

    def _states(self, places: Rows) -> list[_Head]:
        changes, names = self.changes, self.connections.hosts.names
        columns = zip(
            changes.at_server[places].tolist(), changes.host[places].tolist(), changes.talk[places].tolist(),
            changes.time_ns[places].tolist(), changes.told[places].tolist(), changes.shown[places].tolist(),
            changes.changes(places), strict=True,
        )  # fmt: skip
        return [
            (
                Lane.SERVER_STATE if at_server else Lane.CLIENT_STATE,
                names[host],
                None if talk == NONE else talk,
                time_ns,
                None,
                0,
                Source.KERNEL if told else Source.SS if shown else Source.INFERRED,
                change,
            )
            for at_server, host, talk, time_ns, told, shown, change in columns
        ]

    def _segments(self, places: Rows) -> list[_Head]:
        sent, found, names = self.sent, self.connections, self.connections.hosts.names
        talk, by_client, left = sent.talk[places], sent.from_client[places], sent.left[places]
        near, far = sent.near[places], sent.far[places]
        whose = np.where(by_client == left, near, far)
        hosts = np.where(by_client, found.client_host[talk], found.server_host[talk])
        stamped = np.where(by_client == left, found.client_host[talk], found.server_host[talk])
        precision = [self.resolutions.get(name, 0) for name in names]
        seq, ack = sent.seq[places].tolist(), sent.ack[places].tolist()
        acknowledges = ((sent.flags[places] & ACK) != 0).tolist()
        arrived = np.where(left, sent.arrived_ns[places], NONE).tolist()
        segments, times = self._rows(whose), sent.time_ns[places].tolist()
        rows = zip(
            talk.tolist(), by_client.tolist(), hosts.tolist(), stamped.tolist(), seq, ack, acknowledges, arrived,
            self._numbers(near), self._numbers(far), segments, times, strict=True,
        )  # fmt: skip
        return [
            (
                Lane.WIRE,
                names[host],
                number,
                time_ns,
                None if come == NONE else come,
                precision[stamp],
                Source.CAPTURE,
                SegmentSent(segment, from_client, offset, upto if says else None, one, other, again=False, reason=None),
            )
            for number, from_client, host, stamp, offset, upto, says, come, one, other, segment, time_ns in rows
        ]

    def _drafts(self, places: Rows) -> list[_Head]:
        return [
            (one.lane, one.host, one.talk, one.time_ns, one.ended_ns, one.precision_ns, one.source, one.what)
            for one in (self.drafts[place] for place in places.tolist())
        ]

    def _rows(self, places: Rows) -> list[Segment]:
        """Return the segments at these places of all captures."""
        found: dict[int, Segment] = {}
        begin = 0
        for each in self.connections.seen:
            some = places[(places >= begin) & (places < begin + len(each.talks.order))]
            rows = each.segments.rows(each.talks.order[some - begin])
            found |= zip(some.tolist(), rows, strict=True)
            begin += len(each.talks.order)
        return [found[place] for place in places.tolist()]

    def _numbers(self, places: Rows) -> list[int | None]:
        """Return the frame numbers at these places of all captures, None where there is none."""
        numbers = np.full(len(places), NONE, np.int64)
        begin = 0
        for each in self.connections.seen:
            some = (places >= begin) & (places < begin + len(each.talks.order))
            numbers[some] = each.segments.number[each.talks.order[places[some] - begin]]
            begin += len(each.talks.order)
        return [None if number == NONE else number for number in numbers.tolist()]


class MomentColumns(Views[Moment]):
    """The moments in their one order: which row each is, and the number of the one that brought it about."""

    def __init__(self, table: Table, row: NDArray[np.int32], cause: NDArray[np.int32], steps: Sequence[Step]) -> None:
        super().__init__(len(row))
        self.table = table
        self.row = row
        self.cause = cause
        self._steps = steps

    def made(self, begin: int, end: int) -> list[Moment]:
        """Return the moments of these numbers."""
        steps = Steps(self._steps)
        heads = self.table.heads(self.row[begin:end].astype(np.int64))
        rows = (
            (number, *head, None if cause == NONE else cause, steps.at(head[3]))
            for number, head, cause in zip(range(begin, end), heads, self.cause[begin:end].tolist(), strict=True)
        )
        return list(starmap(Moment, rows))


class TalkColumns(Views[Talk]):
    """The connections, each with the numbers of its moments: those of the first from `first[0]` up to `first[1]`."""

    def __init__(self, moments: MomentColumns) -> None:
        table = moments.table
        super().__init__(len(table.connections))
        talk = table.talk()[moments.row]
        order = np.argsort(talk, kind="stable").astype(np.int32)
        talk = talk[order]
        loose = np.searchsorted(talk, 0)
        self._numbers, talk = order[loose:], talk[loose:]
        self._first = np.searchsorted(talk, np.arange(len(self) + 1))
        rows = moments.row[self._numbers]
        # They are in the order of time.
        self._begun_ns = table.begun_ns()[rows[self._first[:-1]]]
        self._ended_ns = np.maximum.reduceat(table.ended_ns()[rows], self._first[:-1])
        self._connections = table.connections

    def made(self, begin: int, end: int) -> list[Talk]:
        """Return these connections."""
        some, found = slice(begin, end), self._connections
        names, endpoint, first = found.hosts.names, found.addresses.endpoint, self._first
        return [
            Talk(
                number,
                found.names.get(number),
                endpoint(client),
                endpoint(server),
                names[client_host],
                names[server_host],
                begun_ns,
                ended_ns,
                tuple(self._numbers[first[number] : first[number + 1]].tolist()),
            )
            for number, client, server, client_host, server_host, begun_ns, ended_ns in zip(
                range(begin, end), found.client[some].tolist(), found.server[some].tolist(),
                found.client_host[some].tolist(), found.server_host[some].tolist(), self._begun_ns[some].tolist(),
                self._ended_ns[some].tolist(), strict=True,
            )
        ]  # fmt: skip
