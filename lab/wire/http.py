"""The HTTP messages of a conversation: their raw lines, where each began, and what two libraries make of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lab.wire.conversation import Conversation
from lab.wire.http_libraries import Field, Framing, Kind, Reading, read_h11, read_httptools
from lab.wire.stream import Ended, Piece, Stream, StreamError, read_stream

__all__ = ["Exchange", "Field", "Framing", "Kind", "Line", "Message", "Reading", "parse_http"]

_END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")
_LINE: Final = re.compile(rb"([^\n]*?)\r?(?:\n|$)")
_COMPARED: Final = ("method", "target", "status", "reason", "version", "framing", "body", "complete", "end")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a head as it was sent, without its end, at an offset of the stream and in the frame that brought it."""

    text: bytes
    begin: int
    frame: int

    @property
    def shown(self) -> str:
        """The line as text; bytes that are no UTF-8 come as escapes."""
        return self.text.decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Message:
    """One message: bytes `begin` to `end` of its stream, and the pieces that brought them.

    `lines` are the start line and the headers, `body_begin` is the offset after the empty line. Which way the stream
    `ended` decides whether a body without a length is whole.
    """

    kind: Kind
    lines: tuple[Line, ...]
    begin: int
    body_begin: int
    end: int
    pieces: tuple[Piece, ...]
    readings: tuple[Reading, ...]
    ended: Ended
    end_frame: int | None

    @property
    def refused(self) -> tuple[Reading, ...]:
        """The libraries that refuse it, with their words."""
        return tuple(reading for reading in self.readings if reading.refused is not None)

    @property
    def read(self) -> Reading:
        """What a library that takes it made of it, h11 first; an empty reading when none does."""
        return next((reading for reading in self.readings if reading.refused is None), Reading(""))

    @property
    def differences(self) -> tuple[str, ...]:
        """In what the two libraries differ: `refused`, `headers`, or a field of Reading; none when they agree."""
        one, other = self.readings
        if bool(one.refused) != bool(other.refused):
            return ("refused",)
        if one.refused:
            return ()
        same = [(name.lower(), value) for name, value in one.headers] == [
            (name.lower(), value) for name, value in other.headers
        ]
        fields = tuple(name for name in _COMPARED if getattr(one, name) != getattr(other, name))
        return fields if same else (*fields, "headers")

    @property
    def valid(self) -> bool:
        """Whether both libraries read its head, and read the same message."""
        return not self.differences and self.read.begun

    @property
    def complete(self) -> bool:
        """Whether it came to its end, as far as anybody can tell: without a length it ends wherever the stream does."""
        return self.read.complete

    @property
    def body(self) -> bytes:
        """Its body, without the marks of the chunks."""
        return self.read.body

    def header(self, name: str) -> bytes | None:
        """Return the value of a header, whatever its case; None when it has none."""
        wanted = name.lower().encode()
        return next((value for each, value in self.read.headers if each.lower() == wanted), None)

    @property
    def missing(self) -> int:
        """How many bytes its Content-Length promised and did not come; 0 where nothing was promised."""
        length = self.header("content-length") if self.read.framing is Framing.LENGTH else None
        return max(0, int(length) - len(self.body)) if length and length.isdigit() else 0

    @property
    def ends_by(self) -> str:
        """What ended it: `none` (no body), `length`, `chunked`, `close`; before its end `reset`, `short` or `open`.

        `short` is a FIN before the promised end, `open` neither FIN nor RST in the capture.
        """
        if self.complete:
            return self.read.framing.value
        return {Ended.RESET: "reset", Ended.FIN: "short", Ended.OPEN: "open"}[self.ended]

    @property
    def size(self) -> int:
        """How many bytes it took, head and body."""
        return self.end - self.begin

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames of the segments that brought it."""
        return tuple(dict.fromkeys(piece.frame for piece in self.pieces))


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was asked in a conversation, and what was answered, each in its own order."""

    requests: tuple[Message, ...]
    responses: tuple[Message, ...]


def parse_http(conversation: Conversation) -> Exchange:
    """Return the HTTP messages of a conversation (RFC 9112).

    Bytes that are no HTTP make a message that the libraries refuse: that is data, no error. StreamError when the
    capture lacks bytes of either stream.
    """
    requests = _messages(Kind.REQUEST, read_stream(conversation, from_client=True), ())
    responses = _messages(Kind.RESPONSE, read_stream(conversation, from_client=False), requests)
    return Exchange(requests, responses)


def _messages(kind: Kind, stream: Stream, asked: tuple[Message, ...]) -> tuple[Message, ...]:
    for gap in stream.gaps:
        raise StreamError("stream-gap", begin=gap.begin, end=gap.end)
    data = stream.data
    found: list[Message] = []
    at = _past_empty_lines(data, 0)
    answered = 0
    while at < len(data):
        method = asked[answered].read.method if answered < len(asked) else None
        message = _message(kind, stream, data, at, method or "GET")
        found.append(message)
        informs = message.read.status is not None and message.read.status < 200  # noqa: PLR2004 - 1xx: the answer follows
        answered += not informs
        at = _past_empty_lines(data, message.end)
    return tuple(found)


def _message(kind: Kind, stream: Stream, data: bytes, begin: int, asked: str) -> Message:
    rest = data[begin:]
    closed = stream.ended is Ended.FIN
    readings = tuple(read(kind, rest, closed=closed, asked=asked) for read in (read_h11, read_httptools))
    taken = next((reading for reading in readings if reading.begun), None)
    end = begin + taken.end if taken and taken.complete else len(data)
    head = _END_OF_HEAD.search(rest)
    body_begin = begin + head.end() if head else len(data)
    return Message(
        kind=kind,
        lines=tuple(_lines(stream, data, begin, begin + head.start() if head else len(data))),
        begin=begin,
        body_begin=min(body_begin, end),
        end=end,
        pieces=stream.pieces_of(begin, end),
        readings=readings,
        ended=stream.ended,
        end_frame=stream.end_frame,
    )


def _lines(stream: Stream, data: bytes, begin: int, end: int) -> list[Line]:
    lines = []
    at = begin
    while at < end:
        found = _LINE.match(data, at, end)
        if found is None:  # pragma: no cover - the pattern matches anything
            break
        lines.append(Line(found[1], at, stream.piece_at(at).frame))
        at = found.end()
    return lines


def _past_empty_lines(data: bytes, at: int) -> int:
    """Step over empty lines before a message, which a reader should skip (RFC 9112, section 2.2)."""
    while data[at : at + 2] == b"\r\n":
        at += 2
    return at
