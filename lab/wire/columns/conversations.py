"""All conversations of a capture with their facts, as columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.wire.columns.exact import Exact, read_exactly
from lab.wire.columns.facts import closing, opening
from lab.wire.columns.grouping import NONE, group
from lab.wire.columns.segments import SegmentColumns
from lab.wire.segment import Endpoint

_Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ConversationColumns:
    """The conversations among a capture's segments, in the order of their first segment.

    The first arrays have an entry for each conversation; those from `order` on have one for each segment, conversation
    after conversation, each one's in the file's order, and take 16 bytes a segment. A *place* is an index into these.
    """

    segments: SegmentColumns
    first: NDArray[np.int64]
    """The place of the conversation's first segment."""
    count: NDArray[np.int64]
    """How many segments it has."""
    exact: NDArray[np.bool_]
    """Whether something about it is unusual, so that its facts were found one by one."""
    client: NDArray[np.uint32]
    """The flow of the client's segments; `client ^ 1` is the server's (see `SegmentColumns.endpoint`)."""
    whole: NDArray[np.bool_]
    """Whether the client's SYN is in the capture."""
    isn_client: NDArray[np.uint32]
    isn_server: NDArray[np.uint32]
    """Initial sequence numbers, guessed where no SYN tells them (0: by nothing at all)."""
    handshake: NDArray[np.int64]
    """The places of the segments that opened it, ascending; four columns, -1 behind the last."""
    established: NDArray[np.bool_]
    first_fin: NDArray[np.int64]
    """The place of the first FIN, with which the teardown begins; -1 without one."""
    close_segments: NDArray[np.uint8]
    """How many segments the close took, 3 or 4; 0 where `Conversation.close_segments` is None."""
    order: NDArray[np.uint32]
    """By place, which of `segments` stands there."""
    from_client: NDArray[np.bool_]
    seq: NDArray[np.uint32]
    """Counted from the flow's ISN, modulo 2^32."""
    ack: NDArray[np.uint32]
    """The same for the acknowledgement, 0 without the ACK flag."""
    retransmission: NDArray[np.bool_]
    copy: NDArray[np.bool_]
    """Whether it is a packet captured twice (see `Conversation.copies`)."""
    straggler: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)

    def client_of(self, number: int) -> Endpoint:
        """Return a conversation's client."""
        return self.segments.endpoint(int(self.client[number]))

    def server_of(self, number: int) -> Endpoint:
        """Return a conversation's server."""
        return self.segments.endpoint(int(self.client[number]) ^ 1)

    def places(self, number: int) -> slice:
        """Return the places of a conversation's segments."""
        first = int(self.first[number])
        return slice(first, first + int(self.count[number]))


def read_conversations(segments: SegmentColumns) -> ConversationColumns:
    """Return the conversations among the segments, told apart as `conversations` does, with all their facts."""
    found = group(segments)
    opened, closed = opening(found), closing(found)
    pair = found.flow[found.first] >> np.uint32(1)
    by_conversation: _Columns = {
        "first": found.first,
        "count": found.count,
        "exact": found.marked[pair],
        "client": found.client,
        "whole": np.ones(len(pair), np.bool_),
        "isn_client": found.isn_client,
        "isn_server": found.isn_server,
        "handshake": _ascending(np.stack(opened, axis=1)),
        "established": np.minimum.reduce(opened) >= 0,
        "first_fin": closed.first_fin,
        "close_segments": closed.close_segments,
    }
    by_place: _Columns = {
        "order": segments.order,
        "from_client": found.from_client,
        "seq": found.seq,
        "ack": found.ack,
        "retransmission": np.zeros(len(found.of), np.bool_),
        "copy": np.zeros(len(found.of), np.bool_),
        "straggler": closed.straggler,
    }
    if found.marked.any():
        _replace(by_conversation, by_place, segments)
    order = np.argsort(by_place["order"][by_conversation["first"]])
    return ConversationColumns(segments, **{name: some[order] for name, some in by_conversation.items()}, **by_place)


def _ascending(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each row in ascending order, each place once, with NONE for what is left."""
    never = np.iinfo(np.int64).max
    places = np.sort(np.where(places == NONE, never, places), axis=1)
    places[:, 1:][places[:, 1:] == places[:, :-1]] = never
    places.sort(axis=1)
    places[places == never] = NONE
    return places


def _replace(by_conversation: _Columns, by_place: _Columns, segments: SegmentColumns) -> None:
    """Put what the exact way tells in the place of the conversations that are marked."""
    exact = by_conversation["exact"]
    by_place["order"] = by_place["order"].copy()
    told: list[tuple[Any, ...]] = []
    for begin, end in _ranges(by_conversation, len(by_place["order"])):
        at = begin
        for each in read_exactly(segments, by_place["order"][begin:end].copy()):
            here = slice(at, at + len(each.places))
            by_place["order"][here] = each.places
            for name in ("from_client", "seq", "ack", "retransmission", "copy", "straggler"):
                by_place[name][here] = getattr(each, name)
            told.append(_row(each, at))
            at = here.stop
    for (name, column), some in zip(by_conversation.items(), zip(*told, strict=True), strict=True):
        by_conversation[name] = np.concatenate((column[~exact], np.array(some, column.dtype)))


def _ranges(by_conversation: _Columns, places: int) -> Iterator[tuple[int, int]]:
    """Yield where the segments of each pair of endpoints that is marked begin and end, in the order of pairs."""
    pair = by_conversation["client"] >> np.uint32(1)
    begins = np.flatnonzero(np.append(True, pair[1:] != pair[:-1]))
    first = np.append(by_conversation["first"][begins], places)
    for number in np.flatnonzero(by_conversation["exact"][begins]).tolist():
        yield int(first[number]), int(first[number + 1])


def _row(each: Exact, at: int) -> tuple[Any, ...]:
    """Return what is told of a conversation whose first segment has the place `at`, in the order of the columns."""
    handshake = [at + place for place in each.handshake]
    return (
        at,
        len(each.places),
        True,
        each.client,
        each.whole,
        each.isn_client,
        each.isn_server,
        [*handshake, *[NONE] * (4 - len(handshake))],
        each.established,
        NONE if each.first_fin is None else at + each.first_fin,
        each.close_segments,
    )
