"""One HTTP message at the beginning of some bytes, as two libraries read it: h11 and httptools (llhttp).

Neither is the other's judge: h11 takes a Content-Length beside a Transfer-Encoding, which httptools refuses; httptools
takes a request without Host, which h11 refuses. What they make of a message is kept side by side.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import h11
import httptools

Field = tuple[bytes, bytes]
"""A header's name, as it was written, and its value."""

_LONGEST_HEAD: Final = 1 << 24
"""No limit of ours: whether a head is too long is for a server to say."""
_NO_BODY: Final = frozenset({204, 304})


class Kind(StrEnum):
    """What a message is."""

    REQUEST = "request"
    RESPONSE = "response"


class Framing(StrEnum):
    """How a message says where its body ends (RFC 9112, section 6.3)."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a library made of a message; with `refused`, its words, it made nothing of it.

    `begun` says that the head was whole, `complete` that the body was; `end` is the offset after the message.
    """

    library: str
    refused: str | None = None
    begun: bool = False
    complete: bool = False
    method: str | None = None
    target: bytes | None = None
    status: int | None = None
    reason: bytes | None = None
    version: str | None = None
    headers: tuple[Field, ...] = ()
    framing: Framing = Framing.NONE
    body: bytes = b""
    end: int = 0


def read_h11(kind: Kind, data: bytes, *, closed: bool, asked: str = "GET") -> Reading:
    """Read a message with h11. `closed` says that no byte will follow; `asked` is the method a response answers."""
    role = h11.SERVER if kind is Kind.REQUEST else h11.CLIENT
    connection = h11.Connection(role, max_incomplete_event_size=_LONGEST_HEAD)
    if kind is Kind.RESPONSE:
        connection.send(h11.Request(method=_known(asked), target="/", headers=[("Host", "server")]))
        connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    try:
        head, body, complete = _hear_h11(connection)
    except h11.RemoteProtocolError as error:
        return Reading("h11", refused=str(error))
    if head is None:
        return Reading("h11")
    headers = tuple((bytes(name), bytes(value)) for name, value in head.headers.raw_items())
    request = head if isinstance(head, h11.Request) else None
    status = None if isinstance(head, h11.Request) else head.status_code
    framing = _framing(kind, status, headers, asked)
    return Reading(
        "h11",
        begun=True,
        complete=complete or (framing is Framing.CLOSE and closed),
        method=request.method.decode() if request else None,
        target=bytes(request.target) if request else None,
        status=status,
        reason=None if isinstance(head, h11.Request) else bytes(head.reason),
        version=head.http_version.decode(),
        headers=headers,
        framing=framing,
        body=body,
        end=len(data) - len(connection.trailing_data[0]) if complete else len(data),
    )


_Head = h11.Request | h11.Response | h11.InformationalResponse


def _hear_h11(connection: h11.Connection) -> tuple[_Head | None, bytes, bool]:
    """Return the head, the body so far, and whether the message came to its end."""
    head: _Head | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if isinstance(event, h11.InformationalResponse):
            return event, b"", True
        if isinstance(event, h11.Request | h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            return head, bytes(body), isinstance(event, h11.EndOfMessage)


def _known(asked: str) -> str:
    """Return a method as far as it decides how the response is read."""
    return asked if asked in ("HEAD", "CONNECT") else "GET"


def _framing(kind: Kind, status: int | None, headers: Sequence[Field], asked: str) -> Framing:
    """Return how the body's end is told, by RFC 9112, section 6.3."""
    found = {bytes(name).lower(): bytes(value).lower() for name, value in headers}
    if kind is Kind.RESPONSE and status is not None:
        informs = status < 200  # noqa: PLR2004 - 1xx
        if informs or status in _NO_BODY or asked == "HEAD":
            return Framing.NONE
    if found.get(b"transfer-encoding", b"").endswith(b"chunked"):
        return Framing.CHUNKED
    if b"content-length" in found:
        return Framing.LENGTH
    return Framing.NONE if kind is Kind.REQUEST else Framing.CLOSE


class _Heard:
    """What httptools calls back with, up to the end of the first message."""

    def __init__(self) -> None:
        self.target = b""
        self.reason = b""
        self.headers: list[Field] = []
        self.body = bytearray()
        self.begun = False
        self.complete = False

    def on_url(self, url: bytes) -> None:
        if not self.complete:
            self.target += url

    def on_status(self, reason: bytes) -> None:
        if not self.complete:
            self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.begun:  # what comes after is a trailer, or the next message's
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.begun = True

    def on_body(self, body: bytes) -> None:
        if not self.complete:
            self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


def read_httptools(kind: Kind, data: bytes, *, closed: bool, asked: str = "GET") -> Reading:
    """Read a message with httptools, as `read_h11` does with h11."""
    heard, parser, refused = _feed(kind, data)
    # It does not know what was asked: after the head of an answer to HEAD it still awaits a body.
    answers_head = heard.begun and asked == "HEAD"
    if refused is not None and not heard.complete and not answers_head:
        return Reading("httptools", refused=refused)
    if not heard.begun:
        return Reading("httptools")
    request = kind is Kind.REQUEST
    # Only the head: in the same bytes the next message may stand, and the parser then tells of that one.
    head_end = _shortest(kind, data, lambda known: known.begun)
    _, parser, _ = _feed(kind, data[:head_end])
    status = None if request else parser.get_status_code()  # type: ignore[union-attr]
    framing = _framing(kind, status, heard.headers, asked)
    if answers_head:
        heard.complete, heard.body = True, bytearray()
        end = head_end
    elif heard.complete:
        end = _shortest(kind, data, lambda known: known.complete)
    else:
        end = len(data)
    return Reading(
        "httptools",
        begun=True,
        complete=closed if framing is Framing.CLOSE else heard.complete,
        method=parser.get_method().decode() if request else None,  # type: ignore[union-attr]
        target=heard.target if request else None,
        status=status,
        reason=None if request else heard.reason,
        version=parser.get_http_version(),
        headers=tuple(heard.headers),
        framing=framing,
        body=bytes(heard.body),
        end=end,
    )


def _feed(
    kind: Kind, data: bytes
) -> tuple[_Heard, httptools.HttpRequestParser | httptools.HttpResponseParser, str | None]:
    heard = _Heard()
    parser = httptools.HttpRequestParser(heard) if kind is Kind.REQUEST else httptools.HttpResponseParser(heard)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass  # another protocol from here on
    except httptools.HttpParserError as error:
        return heard, parser, str(error)
    return heard, parser, None


def _shortest(kind: Kind, data: bytes, holds: Callable[[_Heard], bool]) -> int:
    """Return the length of the shortest beginning of which something holds: httptools tells no offsets."""
    return bisect_left(range(len(data) + 1), True, key=lambda length: holds(_feed(kind, data[:length])[0]))  # noqa: FBT003
