"""Expect an HTTP message in a client's captured bytes: its lines, its size, what ended it.

The message is read by two libraries, and holds only where both read it, and read the same.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lab.judge.amounts import Amount, read_amount
from lab.judge.errors import ExerciseError
from lab.judge.http.lines import Written, compare_lines, parse_written
from lab.judge.judging import or_any
from lab.judge.segments.conversation import OfConversation
from lab.judge.sockets.rows import line_of
from lab.judge.verdict import Look, Message, Result
from lab.recording.raw import CaptureRecord
from lab.recording.run import Run
from lab.wire.conversation import Conversation
from lab.wire.http import Kind, Line, parse_http
from lab.wire.http import Message as HttpMessage

ENDS: Final[Mapping[str, Message]] = MappingProxyType(
    {
        "none": Message("http-end-none"),
        "length": Message("http-end-length"),
        "chunked": Message("http-end-chunked"),
        "close": Message("http-end-close"),
        "reset": Message("http-end-reset"),
        "short": Message("http-end-short"),
        "open": Message("http-end-open"),
    }
)
"""What can end a message, as `lab.wire.http.Message.ends_by` has it, in words."""
_KINDS: Final = MappingProxyType({Kind.REQUEST: Message("http-request"), Kind.RESPONSE: Message("http-response")})


def request(
    client: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    message: str,
    at: int = 0,
    step: str | None = None,
    on: str = "server",
) -> Lines:
    """Expect that the client's request number `at` (from 0) has these lines, as captured `on` a host.

    The language of `message` is that of `lab.judge.http.lines`. Raises ExerciseError for one that cannot be read.
    """
    return _lines(Kind.REQUEST, client, id=id, message=message, at=at, step=step, on=on)


def response(
    client: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    message: str,
    at: int = 0,
    step: str | None = None,
    on: str = "server",
) -> Lines:
    """Expect that the response number `at` (from 0) to the client has these lines, as `request` does."""
    return _lines(Kind.RESPONSE, client, id=id, message=message, at=at, step=step, on=on)


def ends_by(
    client: str,
    how: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    which: str = "response",
    at: int = 0,
    step: str | None = None,
    on: str = "server",
) -> EndsBy:
    """Expect what ended a message: one of ENDS. Raises ExerciseError for anything else."""
    if how not in ENDS:
        raise ExerciseError("http-ends", id=id, value=how, known=", ".join(ENDS))
    return EndsBy(id=id, step=step, client=client, kind=_kind(which, id), at=at, on=on, how=how)


def carried(  # noqa: PLR0913 - a keyword for each number, as its like
    client: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    which: str = "request",
    size: int | str = "*",
    body: int | str = "*",
    segments: int | str = "*",
    at: int = 0,
    step: str | None = None,
    on: str = "server",
) -> Carried:
    """Expect how many bytes a message took on the wire, how many of them its body, and in how many segments.

    A segment that only repeats bytes is not counted. Raises ExerciseError for an amount that cannot be read.
    """
    amounts = tuple(read_amount(each, id) for each in (size, body, segments))
    return Carried(id=id, step=step, client=client, kind=_kind(which, id), at=at, on=on, amounts=amounts)


def queued(
    client: str,
    snapshot: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    at: int = 0,
    step: str | None = None,
    on: str = "server",
) -> Queued:
    """Expect that at a moment all bytes of the client's request number `at`, and no others, stood unread on a host."""
    return Queued(id=id, step=step, client=client, kind=Kind.REQUEST, at=at, on=on, snapshot=snapshot)


def look_at(record: CaptureRecord, frame: int | None) -> tuple[Look, ...]:
    """Return the one place to look at: a frame of a capture, or all of it."""
    return (Look(record.file, frame=frame),)


def _kind(which: str, expectation: str) -> Kind:
    try:
        return Kind(which)
    except ValueError:
        raise ExerciseError("http-which", id=expectation, value=which) from None


def _lines(kind: Kind, client: str, *, id: str, message: str, at: int, step: str | None, on: str) -> Lines:  # noqa: A002 - as its callers
    written = parse_written(message, id=id)
    return Lines(id=id, step=step, client=client, kind=kind, at=at, on=on, written=written)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfMessage(OfConversation):
    """An expectation of one HTTP message of a client's conversation."""

    kind: Kind
    at: int

    @property
    def named(self) -> dict[str, object]:
        """Which message it is, for words: whose, request or response, its number from 1."""
        return {"client": self.client, "which": _KINDS[self.kind], "number": self.at + 1}

    def follow(self, conversation: Conversation, record: CaptureRecord, run: Run) -> Result:
        """Find the message; without it, or where the libraries do not agree on it, the expectation fails."""
        exchange = parse_http(conversation)
        messages = exchange.requests if self.kind is Kind.REQUEST else exchange.responses
        if self.at >= len(messages):
            return self.fail(Message("http-absent", {**self.named, "count": len(messages)}), record)
        return self.compare(messages[self.at], record, run)

    @abstractmethod
    def compare(self, message: HttpMessage, record: CaptureRecord, run: Run) -> Result:
        """Return what is to be said of the message."""

    def fail(self, observed: Message, record: CaptureRecord, frame: int | None = None) -> Result:
        """Return a fail that has nothing to compare."""
        return self.result(False, observed, None, look_at(record, frame))  # noqa: FBT003 - it does not hold

    def disagreement(self, message: HttpMessage) -> Message | None:
        """Return in words why it is no message that everybody reads alike; None when it is one."""
        if message.valid:
            return None
        for reading in message.refused:
            return Message("http-refused", {"library": reading.library, "why": reading.refused})
        if message.differences:
            return Message("http-disagree", {"fields": ", ".join(message.differences)})
        return Message("http-head-short")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(OfMessage):
    """The lines of a message."""

    written: Written

    def expected(self) -> Message:
        """Return how many lines there should be."""
        return Message("http-lines", {**self.named, "lines": len(self.written.head)})

    def compare(self, message: HttpMessage, record: CaptureRecord, run: Run) -> Result:
        """Compare line by line; the result names the frame of the first line that differs."""
        compared = compare_lines(self.written.resolved(run.recording.hosts), message)
        look = Look(record.file, frame=_frame_of(compared.first, message.lines, message))
        wrong = self.disagreement(message)
        if wrong is None and compared.agree:
            return self.result(True, Message("http-lines-agree"), compared.comparison, (look,))  # noqa: FBT003 - it holds
        observed = wrong or Message("http-lines-differ", compared.counts)
        return self.result(False, observed, compared.comparison, (look,))  # noqa: FBT003 - it does not hold


def _frame_of(place: int | None, lines: Sequence[Line], message: HttpMessage) -> int | None:
    """Return the frame that brought the line at that place; that of the message's end where none stands there."""
    if place is None:
        return message.frames[0] if message.frames else None
    return lines[place].frame if place < len(lines) else (message.frames or (None,))[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndsBy(OfMessage):
    """What ended a message."""

    how: str

    def expected(self) -> Message:
        """Return what should have ended it."""
        return Message("http-ends", {**self.named, "how": ENDS[self.how]})

    def compare(self, message: HttpMessage, record: CaptureRecord, run: Run) -> Result:  # noqa: ARG002 - the message tells it
        """Compare with what did; `look` names the frame of the FIN or RST where one ended it."""
        wrong = self.disagreement(message)
        if wrong is not None:
            return self.fail(wrong, record, message.frames[0] if message.frames else None)
        seen = message.ends_by
        by_stream = seen in ("close", "reset", "short")
        frame = message.end_frame if by_stream else (message.frames or (None,))[-1]
        observed = Message("http-ends-missing" if message.missing else "http-ends", self._seen(message))
        return self.result(seen == self.how, observed, None, look_at(record, frame))

    def _seen(self, message: HttpMessage) -> dict[str, object]:
        seen: dict[str, object] = {**self.named, "how": ENDS[message.ends_by]}
        return {**seen, "missing": message.missing} if message.missing else seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried(OfMessage):
    """How much a message was on the wire."""

    amounts: tuple[Amount, ...]

    def expected(self) -> Message:
        """Return the amounts."""
        size, body, segments = (or_any(amount.text) for amount in self.amounts)
        return Message("http-carried", {**self.named, "size": size, "body": body, "segments": segments})

    def compare(self, message: HttpMessage, record: CaptureRecord, run: Run) -> Result:  # noqa: ARG002 - the message tells it
        """Compare; the message must be one that both libraries read."""
        first = message.frames[0] if message.frames else None
        wrong = self.disagreement(message)
        if wrong is not None:
            return self.fail(wrong, record, first)
        numbers = (message.size, len(message.body), len(message.frames))
        right = all(amount.holds(number) for amount, number in zip(self.amounts, numbers, strict=True))
        size, body, segments = numbers
        observed = Message("http-carried", {**self.named, "size": size, "body": body, "segments": segments})
        return self.result(right, observed, None, look_at(record, first))


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued(OfMessage):
    """A request that stands in the receive queue, whole."""

    snapshot: str

    def expected(self) -> Message:
        """Return that it stands there."""
        return Message("http-queued", {**self.named, "host": self.on})

    def compare(self, message: HttpMessage, record: CaptureRecord, run: Run) -> Result:
        """Compare Recv-Q of the client's row with the message's size."""
        snapshot = run.snapshot(self.snapshot, self.on)
        client = run.play.party(self.client)
        row = next((row for row in snapshot.rows if row.peer == client.local and client.has(row.local, row.peer)), None)
        look = (Look(snapshot.file, line=line_of(snapshot.text, row)), *look_at(record, message.frames[0]))
        if row is None:
            return self.result(False, Message("rows-none"), None, look)  # noqa: FBT003 - it does not hold
        observed = Message("http-recv-q", {"bytes": row.recv_q, "size": message.size})
        return self.result(row.recv_q == message.size, observed, None, look)
