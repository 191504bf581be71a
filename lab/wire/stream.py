"""The bytes that one end of a conversation sent, put together by sequence number as the other end's kernel does."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from lab.errors import EvidenceError
from lab.wire.bits import has_fin, has_rst, has_syn
from lab.wire.conversation import Conversation
from lab.wire.placing import Place
from lab.wire.segment import Segment


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
    was not captured: offset 0 is then the lowest byte that was, whether it came first or not.
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
        place = bisect_right(self.pieces, offset, key=_begin_of) - 1
        if place < 0 or offset >= self.pieces[place].end:
            raise StreamError("stream-gap", begin=offset, end=offset + 1)
        return self.pieces[place]

    def pieces_of(self, begin: int, end: int) -> tuple[Piece, ...]:
        """Return the pieces that hold any of the bytes from `begin` up to `end`."""
        if begin >= end:
            return ()
        first = bisect_right(self.pieces, begin, key=_end_of)
        return self.pieces[first : bisect_left(self.pieces, end, key=_begin_of)]


def _begin_of(piece: Piece) -> int:
    return piece.begin


def _end_of(piece: Piece) -> int:
    return piece.end


def read_stream(conversation: Conversation, *, from_client: bool) -> Stream:
    """Put one direction's bytes together.

    Out of order, overlapping and repeated segments are laid where their sequence numbers say (RFC 9293, section 3.4);
    of a byte sent twice the first copy stands, as in Linux. The payload of a RST is no data (RFC 9293, section 3.5.2).
    """
    own = [
        (segment, where.begin - 1 + has_syn(segment))
        for segment, where in _placed(conversation)
        if conversation.from_client(segment) == from_client and not has_rst(segment)
    ]
    whole = any(has_syn(segment) for segment, _ in own)
    first = 0 if whole else _first_byte(own)
    filled = _Filled()
    length = 0
    for segment, at in own:
        begin = at - first
        filled.add(begin, segment)
        if segment.length or has_fin(segment):
            length = max(length, begin + segment.length)
    if not any(has_fin(segment) for segment, _ in own):
        # What the other end says has arrived; where a FIN was seen its own place says how long the stream is.
        told = [
            where.ack - 1
            for segment, where in _placed(conversation)
            if conversation.from_client(segment) != from_client and where.ack is not None and not has_rst(segment)
        ]
        length = max(length, max(told, default=first) - first)
    ended, frame = _end(conversation, from_client=from_client)
    return Stream(
        pieces=tuple(filled.pieces),
        gaps=tuple(filled.gaps(length)),
        conflicts=tuple(filled.conflicts),
        ended=ended,
        end_frame=frame,
        whole=whole,
    )


def _placed(conversation: Conversation) -> Iterator[tuple[Segment, Place]]:
    for segment, where in zip(conversation.segments, conversation.placed, strict=True):
        if where is not None:
            yield segment, where


def _first_byte(own: list[tuple[Segment, int]]) -> int:
    """Return where the lowest data lies, counted from the first segment; a keepalive's byte is none."""
    first, top = 0, 0
    for segment, begin in own:
        end = begin + segment.length
        if segment.length > 1 or end != top:
            first = min(first, begin if segment.length else first)
        top = max(top, end)
    return first


def _end(conversation: Conversation, *, from_client: bool) -> tuple[Ended, int | None]:
    for segment, _ in _placed(conversation):
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
        pieces = self.pieces
        if not pieces or begin >= pieces[-1].end:
            pieces.append(Piece(begin, data, segment.number, segment.time_ns))
            return
        low, high = bisect_right(pieces, begin, key=_end_of), bisect_left(pieces, end, key=_begin_of)
        at = begin
        joined: list[Piece] = []
        for known in pieces[low:high]:
            if at < known.begin:
                joined.append(Piece(at, data[at - begin : known.begin - begin], segment.number, segment.time_ns))
            left, right = max(begin, known.begin), min(end, known.end)
            if data[left - begin : right - begin] != known.data[left - known.begin : right - known.begin]:
                self.conflicts.append(Conflict(left, segment.number))
            joined.append(known)
            at = known.end
        if at < end:
            joined.append(Piece(at, data[at - begin :], segment.number, segment.time_ns))
        pieces[low:high] = joined

    def gaps(self, length: int) -> Iterable[Gap]:
        """Yield what is missing of the first `length` bytes."""
        at = 0
        for piece in self.pieces:
            if at < piece.begin:
                yield Gap(at, piece.begin)
            at = piece.end
        if at < length:
            yield Gap(at, length)
