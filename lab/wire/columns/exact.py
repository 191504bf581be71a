"""The pairs of endpoints that columns leave in question: their segments go through `Conversation`, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.wire.columns.segments import SegmentColumns
from lab.wire.conversation import Conversation, conversations
from lab.wire.segment import Segment


class Exact(NamedTuple):
    """A conversation and its facts. Places are indexes into its own segments; `places` says where those stand.

    What is told by segment stands in their order, relative acknowledgements as 0 without the ACK flag.
    """

    places: NDArray[np.uint32]
    client: int
    """The flow of the client's segments."""
    whole: bool
    isn_client: int
    isn_server: int
    handshake: list[int]
    established: bool
    first_fin: int | None
    close_segments: int
    from_client: list[bool]
    seq: list[int]
    ack: list[int]
    retransmission: list[bool]
    copy: list[bool]
    straggler: list[bool]


def read_exactly(segments: SegmentColumns, places: NDArray[np.uint32]) -> Iterator[Exact]:
    """Yield the conversations among the segments at these places: all of one pair of endpoints, in the file's order."""
    place_of = dict(zip(segments.number[places].tolist(), places.tolist(), strict=True))
    flow = int(segments.flow[places[0]])
    for each in conversations(segments.rows(places, payload=False)):
        client = flow if segments.endpoint(flow) == each.client else flow ^ 1
        yield _told(each, client, np.array([place_of[one.number] for one in each.segments], np.uint32))


def _told(conversation: Conversation, client: int, places: NDArray[np.uint32]) -> Exact:
    segments = conversation.segments
    index = {segment.number: number for number, segment in enumerate(segments)}
    relative = [conversation.relative(segment) for segment in segments]
    teardown = conversation.teardown
    return Exact(
        places,
        client,
        conversation.whole,
        conversation.isn(conversation.client),
        conversation.isn(conversation.server),
        [index[segment.number] for segment in conversation.handshake],
        conversation.established,
        index[teardown[0].number] if teardown else None,
        conversation.close_segments or 0,
        [conversation.from_client(segment) for segment in segments],
        [seq for seq, _ in relative],
        [ack or 0 for _, ack in relative],
        _among(segments, conversation.retransmissions),
        _among(segments, conversation.copies),
        _among(segments, conversation.stragglers),
    )


def _among(segments: tuple[Segment, ...], some: tuple[Segment, ...]) -> list[bool]:
    numbers = {segment.number for segment in some}
    return [segment.number in numbers for segment in segments]
