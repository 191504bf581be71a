"""Which connections a run had, and how each segment of them passed from one host's capture to the other's."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from lab.recording.captures import BETWEEN
from lab.recording.run import Run
from lab.wire.conversation import Conversation
from lab.wire.segment import Endpoint, Segment
from lab.wire.sequence import MODULUS

SLACK_NS: Final = 1_000_000
"""How much earlier than its departure an arrival may be stamped: both stamps are the same clock's, this is plenty."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A connection as both hosts' captures have it: `near` is the client's, `far` the server's, None where none is."""

    name: str | None
    client: Endpoint
    server: Endpoint
    client_host: str
    server_host: str
    near: Conversation | None
    far: Conversation | None

    @property
    def begun_ns(self) -> int:
        """When the first segment of it was captured, on either host."""
        return min(one.segments[0].time_ns for one in (self.near, self.far) if one)

    @property
    def conversation(self) -> Conversation:
        """Either; the server's where there are both."""
        found = self.far or self.near
        if found is None:
            raise ValueError("a connection that nobody captured")
        return found


class Passage(NamedTuple):
    """A segment on its way: `sent` is the sender's record of it, `arrived` the receiver's, None where not captured."""

    sent: Segment | None
    arrived: Segment | None
    from_client: bool
    again: bool

    @property
    def segment(self) -> Segment:
        """Either record of it, the sender's where there are both."""
        found = self.sent or self.arrived
        if found is None:
            raise ValueError("a segment that nobody captured")
        return found


def join(run: Run) -> list[Joined]:
    """Return the connections between hosts of the lab, in the order of their first segment.

    They are told apart as `conversations` does: by both endpoints and the client's ISN.
    """
    hosts = run.recording.homes
    found: dict[tuple[Endpoint, Endpoint, int], dict[str, Conversation]] = {}
    for record in run.recording.captures:
        for each in record.conversations:
            if each.client.address in hosts and each.server.address in hosts:
                found.setdefault((each.client, each.server, each.isn(each.client)), {})[record.host] = each
    joined = []
    for (client, server, _), seen in found.items():
        client_host, server_host = hosts[client.address], hosts[server.address]
        near, far = seen.get(client_host), seen.get(server_host) or seen.get(BETWEEN)
        if near or far:
            joined.append(Joined(None, client, server, client_host, server_host, near, far))
    joined.sort(key=lambda each: each.begun_ns)
    for number, name in _names(joined, run).items():
        joined[number] = replace(joined[number], name=name)
    return joined


def _names(joined: list[Joined], run: Run) -> dict[int, str]:
    """Return the exercise's names for its clients' connections, by their index.

    The kernel gives a port out again, also for the same server: of several the one begun nearest to the client's start.
    A client that was refused is gone before anything tells its port: it had the one connection with whom it dialled
    that is no other client's (as in `Run.conversation`).
    """
    known = {party.local for party in run.play.parties}
    by_client: dict[Endpoint, list[int]] = {}
    for number, each in enumerate(joined):
        by_client.setdefault(each.client, []).append(number)
    found: dict[int, str] = {}
    for party in run.play.parties:
        if party.role != "client" or not (party.local or party.remote):
            continue
        acted = run.acted_ns(party.name)
        if party.local:
            some = [
                number for number in by_client.get(party.local, ()) if party.remote in (None, joined[number].server)
            ]
        else:
            strange = (number for client, all_of in by_client.items() if client not in known for number in all_of)
            some = [number for number in strange if joined[number].server == party.remote]
            some = some if len(some) == 1 else []
        if some:
            found[min(some, key=lambda number: abs(joined[number].begun_ns - acted))] = party.name
    return found


def passages(joined: Joined) -> list[Passage]:
    """Return the connection's segments in the order of their departure (their arrival where that was not captured)."""
    near, far = joined.near, joined.far
    again = {id(each) for one in (near, far) if one for each in one.retransmissions}
    found: list[Passage] = []
    for from_client, here, there in ((True, near, far), (False, far, near)):
        source = joined.client if from_client else joined.server
        sent = [each for each in here.segments if each.src == source] if here else []
        come = [each for each in there.segments if each.src == source] if there else []
        for departure, arrival in _paired(sent, come):
            repeated = id(departure) in again or id(arrival) in again
            found.append(Passage(departure, arrival, from_client, repeated))
    return sorted(found, key=lambda each: each.segment.time_ns)


def _paired(sent: list[Segment], come: list[Segment]) -> Iterator[tuple[Segment | None, Segment | None]]:
    """Pair what left with what arrived: the same header and length; of several alike the latest that had left."""
    waiting: dict[tuple[object, ...], list[Segment]] = {}
    for each in sent:
        waiting.setdefault(_likeness(each), []).append(each)
    alone: list[Segment] = []
    for each in come:
        alike = waiting.get(_likeness(each), [])
        left = bisect_right(alike, each.time_ns, key=_when)
        if left or (alike and alike[0].time_ns <= each.time_ns + SLACK_NS):
            yield alike.pop(max(0, left - 1)), each
        else:
            alone.append(each)
    yield from ((each, None) for each in _left(waiting.values()))
    yield from ((None, each) for each in alone)


def _when(segment: Segment) -> int:
    return segment.time_ns


def _likeness(segment: Segment) -> tuple[object, ...]:
    # The payload itself may be cut at another length in each capture.
    return segment.seq, segment.ack, segment.flags, segment.length, segment.window


def _left(waiting: Iterable[list[Segment]]) -> Iterator[Segment]:
    for some in waiting:
        yield from some


def relative(segment: Segment, joined: Joined) -> tuple[int, int | None]:
    """Return (sequence number, acknowledgement) counted from each flow's ISN, as `Conversation.relative` does."""
    seq, ack = joined.conversation.relative(segment)
    return seq % MODULUS, ack
