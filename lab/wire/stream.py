"""The bytes that one end of a conversation sent, put together by sequence number as the other end's kernel does."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lab.errors import EvidenceError
from lab.wire.bits import has_ack, has_fin, has_rst, has_syn
from lab.wire.conversation import Conversation
from lab.wire.segment import Segment
from lab.wire.sequence import Flow


class StreamError(EvidenceError):
    """Bytes that are needed and that the capture does not hold."""


class Ended(StrEnum):
    """How a stream ended: with its own FIN, with a RST from either end, or not within the capture."""

    FIN = "fin"
    RESET = "reset"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a stream that one segment was the first to bring: from the offset `begin`, in that frame."""

    begin: int
    data: bytes
    frame: int
    time_ns: int

    @property
    def end(self) -> int:
        """The offset after its last byte."""
        return self.begin + len(self.data)


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes from `begin` up to `end` that are not in the capture: never captured, or cut off by the snap length."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """A segment that sent other bytes for a place of the stream that was already filled; the first copy stands."""

    begin: int
    frame: int


@dataclass(frozen=True)
class Stream:
    """One direction's bytes. Offsets count from 0, the first byte after the SYN.

    `pieces` stand in the stream's order and touch each other only where there is no gap. `whole` is False when the SYN
    was not captured: offset 0 is then the first byte that was.
    """

    pieces: tuple[Piece, ...]
    gaps: tuple[Gap, ...]
    conflicts: tuple[Conflict, ...]
    ended: Ended
    end_frame: int | None
    whole: bool

    @property
    def data(self) -> bytes:
        """The bytes up to the first gap."""
        limit = self.gaps[0].begin if self.gaps else None
        return b"".join(piece.data for piece in self.pieces if limit is None or piece.begin < limit)

    def piece_at(self, offset: int) -> Piece:
        """Return the piece that brought the byte at an offset; StreamError where there is none."""
        place = bisect_right(self.pieces, offset, key=lambda piece: piece.begin) - 1
        if place < 0 or offset >= self.pieces[place].end:
            raise StreamError("stream-gap", begin=offset, end=offset + 1)
        return self.pieces[place]

    def pieces_of(self, begin: int, end: int) -> tuple[Piece, ...]:
        """Return the pieces that hold any of the bytes from `begin` up to `end`."""
        return tuple(piece for piece in self.pieces if piece.begin < end and begin < piece.end)


def read_stream(conversation: Conversation, *, from_client: bool) -> Stream:
    """Put one direction's bytes together.

    Out of order, overlapping and repeated segments are laid where their sequence numbers say (RFC 9293, section 3.4);
    of a byte sent twice the first copy stands, as in Linux. The payload of a RST is no data (RFC 9293, section 3.5.2).
    """
    sender = conversation.client if from_client else conversation.server
    own = [segment for segment in conversation.segments if segment.src == sender]
    flow = Flow(conversation.isn(sender))
    filled = _Filled()
    length = 0
    for segment in own:
        begin = flow.sent(segment) - 1 + has_syn(segment)
        if has_rst(segment):
            continue
        filled.add(begin, segment)
        if segment.length or has_fin(segment):
            length = max(length, begin + segment.length)
    length = max(length, *(_told(conversation, flow, from_client=from_client)), 0)
    ended, frame = _end(conversation, from_client=from_client)
    return Stream(
        pieces=tuple(filled.pieces),
        gaps=tuple(filled.gaps(length)),
        conflicts=tuple(filled.conflicts),
        ended=ended,
        end_frame=frame,
        whole=any(has_syn(segment) for segment in own),
    )


def _told(conversation: Conversation, flow: Flow, *, from_client: bool) -> list[int]:
    """Return how many bytes the other end says have arrived: a FIN that it acknowledged is none of them."""
    finished = any(has_fin(each) for each in conversation.segments if conversation.from_client(each) == from_client)
    told = [
        flow.offset(each.ack) - 1
        for each in conversation.segments
        if conversation.from_client(each) != from_client and has_ack(each) and not has_rst(each)
    ]
    # Where a FIN was seen its own place says how long the stream is.
    return [0] if finished else [0, *told]


def _end(conversation: Conversation, *, from_client: bool) -> tuple[Ended, int | None]:
    for segment in conversation.segments:
        if has_rst(segment):
            return Ended.RESET, segment.number
        if has_fin(segment) and conversation.from_client(segment) == from_client:
            return Ended.FIN, segment.number
    return Ended.OPEN, None


class _Filled:
    """A stream under construction: pieces in order, none of them overlapping."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.conflicts: list[Conflict] = []

    def add(self, begin: int, segment: Segment) -> None:
        """Lay a segment's payload where it is new."""
        data = segment.payload
        if begin < 0:  # a keepalive's byte before the first one
            begin, data = 0, data[-begin:]
        end = begin + len(data)
        if begin >= end:
            return
        if not self.pieces or begin >= self.pieces[-1].end:
            self.pieces.append(Piece(begin, data, segment.number, segment.time_ns))
            return
        at = begin
        new: list[Piece] = []
        for known in [each for each in self.pieces if each.begin < end and begin < each.end]:
            if at < known.begin:
                new.append(Piece(at, data[at - begin : known.begin - begin], segment.number, segment.time_ns))
            low, high = max(begin, known.begin), min(end, known.end)
            if data[low - begin : high - begin] != known.data[low - known.begin : high - known.begin]:
                self.conflicts.append(Conflict(low, segment.number))
            at = known.end
        if at < end:
            new.append(Piece(at, data[at - begin :], segment.number, segment.time_ns))
        self.pieces = sorted([*self.pieces, *new], key=lambda piece: piece.begin)

    def gaps(self, length: int) -> Iterable[Gap]:
        """Yield what is missing of the first `length` bytes."""
        at = 0
        for piece in self.pieces:
            if at < piece.begin:
                yield Gap(at, piece.begin)
            at = piece.end
        if at < length:
            yield Gap(at, length)
