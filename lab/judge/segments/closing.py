"""Expect how conversations were closed: who first, with how many segments, with a FIN or with a reset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from types import MappingProxyType
from typing import Final

from lab.judge.amounts import Amount, read_amount
from lab.judge.errors import ExerciseError
from lab.judge.judging import OfRecording, or_any, whole_capture
from lab.judge.segments.conversation import OfConversation
from lab.judge.verdict import Look, Message, Result, Verdict, frames
from lab.recording.raw import CaptureRecord
from lab.recording.run import Run
from lab.wire.conversation import Conversation
from lab.wire.segment import Flags, Segment

_THREE: Final = 3
_WAYS: Final[Mapping[str, Flags]] = MappingProxyType({"fin": Flags.FIN, "reset": Flags.RST})


def closes(
    conversation_of: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    first: str,
    segments: int | str | None = None,
    step: str | None = None,
    on: str = "server",
) -> Closes:
    """Expect that `first` (the client's name, or `server`) sent the first FIN, and optionally how many segments closed.

    `segments` is a number or an amount (`3..4`), counted from the first FIN to the end.
    """
    if first not in (conversation_of, "server"):
        raise ExerciseError("closes-first", id=id, first=first, client=conversation_of)
    count = None if segments is None else read_amount(segments, id)
    return Closes(id=id, step=step, client=conversation_of, on=on, first=first, count=count)


def lets_go(
    client: str,
    *,
    by: str,
    how: str,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
    on: str = "server",
) -> LetsGo:
    """Expect that `by` (the client's name, or `server`) ended its side with `fin` and no reset, or with `reset`.

    When the other end lets go does not matter. Raises ExerciseError for another way or another end.
    """
    if by not in (client, "server"):
        raise ExerciseError("closes-first", id=id, first=by, client=client)
    if how not in _WAYS:
        raise ExerciseError("lets-go", id=id, value=how, known=", ".join(_WAYS))
    return LetsGo(id=id, step=step, client=client, on=on, by=by, how=how)


def close_shares(
    *,
    step: str,
    id: str,  # noqa: A002 - the exercise's word
    three: int | str = "*",
    four: int | str = "*",
    other: int | str = "*",
    on: str = "server",
) -> CloseShares:
    """Expect how many connections opened within a step took three segments to close, four, or neither (reset, open).

    Which of them it is hangs on time: an ACK that may wait a little rides with the FIN. Raises ExerciseError for an
    amount that cannot be read.
    """
    wanted = tuple(read_amount(amount, id) for amount in (three, four, other))
    return CloseShares(id=id, step=step, on=on, wanted=wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closes(OfConversation):
    """Who sent the first FIN, and how many segments followed from it."""

    first: str
    count: Amount | None

    def expected(self) -> Message:
        """Return who should close first."""
        if self.count is None:
            return Message("closes-first", {"first": self.first})
        return Message("closes-first-count", {"first": self.first, "count": self.count.text})

    def follow(self, conversation: Conversation, record: CaptureRecord, run: Run) -> Result:  # noqa: ARG002 - the capture tells it
        """Look for the first FIN; `look` names its frame."""
        late = {segment.number for segment in conversation.stragglers}
        teardown = tuple(segment for segment in conversation.teardown if segment.number not in late)
        if not teardown:
            code = "closed-by-reset" if conversation.resets else "not-closed"
            end = next(iter(conversation.resets), conversation.segments[-1])
            return self.result(Verdict.FAIL, Message(code), None, (Look(record.file, frame=end.number),))
        first = self.client if conversation.from_client(teardown[0]) else "server"
        right = first == self.first and (self.count is None or self.count.holds(len(teardown)))
        observed = Message("closes-first-count", {"first": first, "count": len(teardown)})
        return self.result(right, observed, None, (Look(record.file, frame=teardown[0].number),))


@dataclass(frozen=True, slots=True, kw_only=True)
class LetsGo(OfConversation):
    """How one end let go."""

    by: str
    how: str

    def expected(self) -> Message:
        """Return how."""
        return self._said(self.how)

    def follow(self, conversation: Conversation, record: CaptureRecord, run: Run) -> Result:  # noqa: ARG002 - the capture tells it
        """Look for its reset, else for its FIN; `look` names the frame."""
        reset, fin = (self._first(conversation, _WAYS[way]) for way in ("reset", "fin"))
        how, segment = ("reset", reset) if reset else ("fin", fin) if fin else ("", None)
        look = Look(record.file, frame=(segment or conversation.segments[-1]).number)
        return self.result(how == self.how, self._said(how), None, (look,))

    def _first(self, conversation: Conversation, flag: Flags) -> Segment | None:
        late = {segment.number for segment in conversation.stragglers}
        living = (each for each in conversation.segments if each.number not in late)
        mine = (each for each in living if conversation.from_client(each) == (self.by == self.client))
        return next((each for each in mine if each.flags & flag), None)

    def _said(self, how: str) -> Message:
        if how == "fin":
            return Message("lets-go-fin", {"by": self.by})
        return Message("lets-go-reset", {"by": self.by}) if how else Message("lets-go-not", {"by": self.by})


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseShares(OfRecording):
    """How the connections of a step were closed."""

    on: str
    wanted: tuple[Amount, ...]

    def expected(self) -> Message:
        """Return the numbers."""
        three, four, other = (or_any(amount.text) for amount in self.wanted)
        return Message("close-shares", {"three": three, "four": four, "other": other})

    def find(self, run: Run) -> Result:
        """Count in the capture."""
        of_step = conversations_of_step(run, self.step or "", self.on)
        found = count_closes(of_step)
        right = all(amount.holds(number) for amount, number in zip(self.wanted, found, strict=True))
        three, four, other = found
        observed = Message("close-shares", {"three": three, "four": four, "other": other})
        by_three = next((each for each in of_step if each.close_segments == _THREE), next(iter(of_step), None))
        frame = None if by_three is None else (by_three.teardown or by_three.segments)[0].number
        look = Look(run.recording.capture(self.on).file, frame=frame)
        proof = (look, *frames(look.file, (each.teardown[0].number for each in of_step if each.teardown)))
        return self.result(right, observed, None, (look,), proof)


def conversations_of_step(run: Run, step: str, on: str) -> Sequence[Conversation]:
    """Return the conversations whose first segment lies within a step, as captured on a host."""
    window = run.play.step(step)
    record = whole_capture(run, on)
    return [each for each in record.conversations if window.begun_ns <= each.segments[0].time_ns <= window.ended_ns]


def count_closes(conversations: Sequence[Conversation]) -> tuple[int, int, int]:
    """Return how many were closed with three segments, with four, and how many were reset or left open by an end.

    One that both ends have closed, but whose last ACK the capture does not hold, is none of these: the kernel sometimes
    lets the last FIN be sent again, which may be later than the capture's end. Nor does a reset after both FINs count,
    see `Conversation.stragglers`.
    """
    closes = [each.close_segments for each in conversations]
    return closes.count(3), closes.count(4), sum(not _closed_by_both(each) for each in conversations)


def _closed_by_both(conversation: Conversation) -> bool:
    before = takewhile(lambda segment: not segment.flags & Flags.RST, conversation.segments)
    closers = {segment.src for segment in before if segment.flags & Flags.FIN}
    return closers == {conversation.client, conversation.server}
