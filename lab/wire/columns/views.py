"""A conversation of the columns as a `Conversation`: its segments are made when they are asked for."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lab.wire.columns.conversations import ConversationColumns, read_conversations
from lab.wire.columns.segments import SegmentColumns
from lab.wire.conversation import Conversation
from lab.wire.segment import Endpoint, Segment


class View(Conversation):
    """One conversation of the columns, by its number there; what the columns know is not worked out again."""

    def __init__(self, columns: ConversationColumns, number: int) -> None:
        self.__dict__.update(
            client=columns.client_of(number),
            server=columns.server_of(number),
            whole=bool(columns.whole[number]),
            _columns=columns,
            _number=number,
            _places=columns.places(number),
        )

    _columns: ConversationColumns
    _number: int
    _places: slice

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The segments, in the capture's order."""
        columns = self._columns
        return tuple(columns.segments.rows(columns.order[self._places]))

    @cached_property
    def _isns(self) -> dict[Endpoint, int]:
        columns, number = self._columns, self._number
        return {self.server: int(columns.isn_server[number]), self.client: int(columns.isn_client[number])}

    @cached_property
    def handshake(self) -> tuple[Segment, ...]:
        """As `Conversation.handshake`."""
        first = self._places.start
        places = self._columns.handshake[self._number]
        return tuple(self.segments[place - first] for place in places[places >= 0].tolist())

    @property
    def established(self) -> bool:
        """As `Conversation.established`."""
        return bool(self._columns.established[self._number])

    @cached_property
    def first_closer(self) -> Endpoint | None:
        """As `Conversation.first_closer`."""
        place = int(self._columns.first_fin[self._number])
        if place < 0:
            return None
        return self.client if self._columns.from_client[place] else self.server

    @cached_property
    def close_segments(self) -> int | None:
        """As `Conversation.close_segments`."""
        return int(self._columns.close_segments[self._number]) or None

    @cached_property
    def retransmissions(self) -> tuple[Segment, ...]:
        """As `Conversation.retransmissions`."""
        return self._those(self._columns.retransmission)

    @cached_property
    def copies(self) -> tuple[Segment, ...]:
        """As `Conversation.copies`."""
        return self._those(self._columns.copy)

    @cached_property
    def stragglers(self) -> tuple[Segment, ...]:
        """As `Conversation.stragglers`."""
        return self._those(self._columns.straggler)

    def _those(self, mask: NDArray[np.bool_]) -> tuple[Segment, ...]:
        chosen = np.flatnonzero(mask[self._places]).tolist()
        return tuple(self.segments[place] for place in chosen) if chosen else ()


def views(segments: SegmentColumns) -> tuple[View, ...]:
    """Return the conversations among the segments, in the order of their first segment."""
    columns = read_conversations(segments)
    return tuple(View(columns, number) for number in range(len(columns)))
