"""The connections of a recording and their segments, as both ends have them: see lab/timeline/connections.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lab.recording.captures import BETWEEN
from lab.recording.raw import CaptureRecord
from lab.recording.run import Run
from lab.timeline.columns.times import NONE, Mask, Rows, numbered
from lab.timeline.columns.unusual import UnusualError
from lab.timeline.connections import SLACK_NS, Joined
from lab.wire.columns.addresses import Addresses
from lab.wire.columns.conversations import ConversationColumns, read_conversations
from lab.wire.columns.reading import read_columns
from lab.wire.columns.segments import SegmentColumns
from lab.wire.columns.views import View
from lab.wire.segment import Endpoint, Flags

FIN, SYN, RST, ACK = (flag.value for flag in (Flags.FIN, Flags.SYN, Flags.RST, Flags.ACK))
_PORT_BITS: Final = np.uint64(16)
_PAIR: Final = 2
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)


class Hosts:
    """The hosts of a recording by number; NONE for an address that is none's."""

    def __init__(self, homes: dict[str, str], addresses: Addresses) -> None:
        self.names = list(dict.fromkeys(homes.values()))
        self.number = {name: number for number, name in enumerate(self.names)}
        self._homes = homes
        self._addresses = addresses

    def of(self, ends: NDArray[np.uint64]) -> Rows:
        """Return the host of each end."""
        known, which = np.unique(ends >> _PORT_BITS, return_inverse=True)
        found = [self._of(self._addresses.endpoint(each << 16)) for each in known.tolist()]
        return np.array([*found, NONE], np.int64)[which]

    def _of(self, end: Endpoint) -> int:
        return self.number.get(self._homes.get(end.address, ""), NONE)


@dataclass(frozen=True)
class Seen:
    """One capture: its host, its segments, its conversations."""

    record: CaptureRecord
    host: int
    segments: SegmentColumns
    talks: ConversationColumns


@dataclass(frozen=True)
class Connections:
    """The connections in the order of their first segment; all arrays have an entry for each.

    `near` and `far` are the conversations of the client's and of the server's capture: rows of all conversations of all
    captures, one after another (see `place_of`), NONE where there is none.
    """

    seen: tuple[Seen, ...]
    hosts: Hosts
    addresses: Addresses
    client: NDArray[np.uint64]
    server: NDArray[np.uint64]
    client_host: Rows
    server_host: Rows
    begun_ns: Rows
    near: Rows
    far: Rows
    isn_client: NDArray[np.uint32]
    isn_server: NDArray[np.uint32]
    """As the server's capture tells them, the client's where that is all there is."""
    odd: Mask
    """Of these something is unusual: they go the exact way. Whoever finds something marks it here."""
    names: dict[int, str]
    """The play's names for its clients' connections."""

    def __len__(self) -> int:
        return len(self.client)

    def place_of(self, row: int) -> tuple[Seen, int]:
        """Return which capture a row of `near` or `far` is of, and which conversation in it."""
        for each in self.seen:
            if row < len(each.talks):
                return each, row
            row -= len(each.talks)
        raise IndexError(row)

    def joined(self, number: int) -> Joined:
        """Return a connection as the exact way has it."""
        names, endpoint = self.hosts.names, self.addresses.endpoint
        near, far = (self._view(row) if (row := int(rows[number])) != NONE else None for rows in (self.near, self.far))
        if self.near[number] == self.far[number]:
            far = near
        return Joined(
            self.names.get(number),
            endpoint(int(self.client[number])),
            endpoint(int(self.server[number])),
            names[int(self.client_host[number])],
            names[int(self.server_host[number])],
            near,
            far,
        )

    def _view(self, row: int) -> View:
        seen, number = self.place_of(row)
        return View(seen.talks, number)


def connections(run: Run, addresses: Addresses) -> Connections:
    """Return the connections between hosts of the lab, as `join` does; UnusualError for captures without columns."""
    hosts = Hosts(dict(run.recording.homes), addresses)
    seen = tuple(_seen(record, hosts) for record in run.recording.captures)
    if len({each.host for each in seen}) < len(seen):
        raise UnusualError("several captures of one host")
    parts: list[dict[str, NDArray[Any]]] = []
    for number, each in enumerate(seen):
        segments, talks = each.segments, each.talks
        ends = addresses.adopted(segments.ends, segments.addresses)
        client, server = ends[talks.client], ends[talks.client ^ np.uint32(1)]
        client_host, server_host = hosts.of(client), hosts.of(server)
        parts.append(
            {
                "client": client, "server": server, "client_host": client_host, "server_host": server_host,
                "isn_client": talks.isn_client, "isn_server": talks.isn_server,
                "begun_ns": segments.time_ns[talks.order[talks.first]] if len(talks) else np.zeros(0, np.int64),
                "odd": talks.exact | ~talks.established | ~talks.whole,
                "mine": (client_host >= 0) & (server_host >= 0)
                & ((client_host == each.host) | (server_host == each.host)),
                "seen": np.full(len(talks), number),
            }
        )  # fmt: skip
    every = {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}
    if not every or not every["mine"].any():
        raise UnusualError("no connections")
    return _joined(every, seen, hosts, addresses, run)


def _seen(record: CaptureRecord, hosts: Hosts) -> Seen:
    if record.host == BETWEEN or record.host not in hosts.number:
        raise UnusualError("a capture of no host")
    segments = record.capture.segments
    if not isinstance(segments, SegmentColumns):
        if not record.data:
            raise UnusualError("a capture without a file")
        segments = read_columns(record.data, where=record.file)
    return Seen(record, hosts.number[record.host], segments, read_conversations(segments))


def _joined(
    every: dict[str, NDArray[Any]], seen: tuple[Seen, ...], hosts: Hosts, addresses: Addresses, run: Run
) -> Connections:
    rows = np.flatnonzero(every["mine"])
    number = numbered(every["isn_client"][rows], every["server"][rows], every["client"][rows])
    count = int(number.max()) + 1
    if len(np.unique(number * len(seen) + every["seen"][rows])) < len(rows):
        raise UnusualError("two conversations of one capture alike")
    first = np.full(count, len(every["mine"]), np.int64)
    np.minimum.at(first, number, rows)
    begun = np.full(count, np.iinfo(np.int64).max, np.int64)
    np.minimum.at(begun, number, every["begun_ns"][rows])
    order = np.lexsort((first, begun))
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    number = rank[number]
    near, far = (np.full(count, NONE, np.int64) for _ in range(2))
    host = np.array([each.host for each in seen])[every["seen"][rows]]
    for found, whose in ((near, "client_host"), (far, "server_host")):
        mine = host == every[whose][rows]
        found[number[mine]] = rows[mine]
    odd = (near == NONE) | (far == NONE)
    odd[number[every["odd"][rows]]] = True
    one = np.where(far == NONE, near, far)
    client_host, server_host = every["client_host"][one], every["server_host"][one]
    client, server = every["client"][one], every["server"][one]
    odd |= client_host == server_host
    begun = begun[order]
    names = _names(client, server, begun, addresses, run)
    return Connections(
        seen, hosts, addresses, client, server, client_host, server_host, begun, near, far, every["isn_client"][one],
        every["isn_server"][one], odd, names,
    )  # fmt: skip


def _names(
    client: NDArray[np.uint64], server: NDArray[np.uint64], begun: Rows, addresses: Addresses, run: Run
) -> dict[int, str]:
    """Return the play's names for its clients' connections, by the rule of lab/timeline/connections.py."""
    known = np.array([addresses.integer(each.local) for each in run.play.parties if each.local], np.uint64)
    found: dict[int, str] = {}
    for party in run.play.parties:
        if party.role != "client" or not (party.local or party.remote):
            continue
        to = None if party.remote is None else addresses.integer(party.remote)
        mine = np.ones(len(client), np.bool_) if to is None else server == np.uint64(to)
        if party.local:
            mine = mine & (client == np.uint64(addresses.integer(party.local)))
        else:
            mine = mine & ~np.isin(client, known)
        some = np.flatnonzero(mine)
        if party.local or len(some) == 1:
            away = np.abs(begun[some] - run.acted_ns(party.name))
            if len(some):
                found[int(some[np.argmin(away)])] = party.name
    return found


@dataclass(frozen=True)
class Passages:
    """Each segment on its way, of those connections that are not odd: where it stands in either end's capture.

    `near` and `far` are places (see `ConversationColumns`) in the captures one after another, NONE where it is not.
    """

    talk: Rows
    from_client: Mask
    time_ns: Rows
    """When it left; when it arrived where that was not captured."""
    arrived_ns: Rows
    """NONE where it did not, as far as was captured."""
    left: Mask
    """Whether its departure was captured."""
    near: Rows
    far: Rows
    seq: NDArray[np.uint32]
    ack: NDArray[np.uint32]
    """Relative, 0 without the ACK flag."""
    flags: NDArray[np.uint16]
    length: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.talk)

    @cached_property
    def to_side(self) -> Rows:
        """On which side it arrives: twice the connection, and one more at the server."""
        return self.talk * 2 + self.from_client

    @cached_property
    def from_side(self) -> Rows:
        """From which side it leaves."""
        return self.talk * 2 + ~self.from_client


def passages(found: Connections) -> Passages:
    """Return the segments of the connections; what cannot be paired by columns marks its connection as odd."""
    columns = _segments(found)
    mine = np.flatnonzero(columns["talk"] >= 0)
    mixed = columns["talk"][mine].astype(np.uint64)
    for name in ("seq", "ack", "like"):
        mixed = (mixed ^ columns[name][mine].astype(np.uint64)) * _MIX
        mixed ^= mixed >> np.uint64(29)
    bits = np.uint64(max(1, len(mixed)).bit_length())
    key = mixed >> bits << bits | np.arange(len(mixed), dtype=np.uint64)
    key.sort()
    place = mine[(key & (np.uint64(1) << bits) - np.uint64(1)).astype(np.int64)]
    key >>= bits
    begins = np.ones(len(key), np.bool_)
    np.not_equal(key[1:], key[:-1], out=begins[1:])
    head = np.flatnonzero(begins)
    size = np.diff(head, append=len(key))
    one, other = place[head], place[np.minimum(head + 1, len(key) - 1)]
    two = size == _PAIR
    near = columns["near"]
    alike = two & (near[one] != near[other])
    for name in ("talk", "seq", "ack", "like"):
        alike &= columns[name][one] == columns[name][other]
    # Those that merely share a hash may be of several connections.
    for each in np.flatnonzero((size > 1) & ~alike).tolist():
        found.odd[columns["talk"][place[head[each] : head[each] + size[each]]]] = True
    here = np.where(near[one], one, np.where(alike, other, NONE))
    there = np.where(near[one], np.where(alike, other, NONE), one)
    by_client = columns["like"][one] & np.uint64(1) == 1
    left, come = np.where(by_client, here, there), np.where(by_client, there, here)
    time = columns["time_ns"]
    apart = (left >= 0) & (come >= 0) & (time[left] > time[come] + SLACK_NS)
    found.odd[columns["talk"][one[apart]]] = True
    keep = ~found.odd[columns["talk"][one]]
    one, here, there, left, come, by_client = (each[keep] for each in (one, here, there, left, come, by_client))
    talk = columns["talk"][one].astype(np.int64)
    flags = columns["flags"][one]
    seq, ack = columns["seq"][one], columns["ack"][one]
    own, peers = found.isn_client[talk], found.isn_server[talk]
    seq = seq - np.where(by_client, own, peers)
    ack = np.where((flags & ACK) != 0, ack - np.where(by_client, peers, own), np.uint32(0))
    return Passages(
        talk.astype(np.int32),
        by_client,
        np.where(left >= 0, time[left], time[come]),
        np.where(come >= 0, time[come], NONE),
        left >= 0,
        here.astype(np.int32),
        there.astype(np.int32),
        seq,
        ack,
        flags,
        columns["length"][one],
    )


def _segments(found: Connections) -> dict[str, NDArray[Any]]:
    """Return the segments of all captures, capture after capture, by place; of no connection those of talk NONE."""
    parts: list[dict[str, NDArray[Any]]] = []
    talk_of = np.full(sum(len(each.talks) for each in found.seen), NONE, np.int64)
    near = np.zeros(len(talk_of), np.bool_)
    plain = np.flatnonzero(~found.odd)
    for rows in (found.near, found.far):
        talk_of[rows[plain]] = plain
    near[found.near[plain]] = True
    begin = 0
    for each in found.seen:
        talks, segments = each.talks, each.segments
        by_place = np.argsort(talks.first)
        row = np.repeat(by_place, talks.count[by_place]) + begin
        order = talks.order
        flags, window = segments.flags[order], segments.window[order]
        like = talks.from_client.astype(np.uint64)
        like |= flags.astype(np.uint64) << np.uint64(1) | window.astype(np.uint64) << np.uint64(11)
        like |= segments.length[order].astype(np.uint64) << np.uint64(27)
        parts.append(
            {
                "talk": talk_of[row], "near": near[row], "time_ns": segments.time_ns[order],
                "seq": segments.seq[order], "ack": segments.ack[order], "flags": flags,
                "length": segments.length[order], "like": like,
            }
        )  # fmt: skip
        begin += len(talks)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
