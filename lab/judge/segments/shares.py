"""Expect how many of a step's connections were closed with three segments and how many with four."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.judge.amounts import Amount, parse_amount
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged, or_any, whole_capture
from lab.judge.verdict import Look, Message, Result
from lab.wire.segment import Flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.evidence.records import Evidence
    from lab.wire.conversation import Conversation


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
    try:
        wanted = tuple(parse_amount(amount) for amount in (three, four, other))
    except ValueError as error:
        raise ExerciseError("amount", id=id, value=str(error)) from None
    return CloseShares(id=id, step=step, on=on, wanted=wanted)


def conversations_of_step(evidence: Evidence, step: str, on: str) -> Sequence[Conversation]:
    """Return the conversations whose first segment lies within a step, as captured on a host."""
    window = evidence.step(step)
    record = whole_capture(evidence, on)
    return [each for each in record.conversations if window.begun_ns <= each.segments[0].time_ns <= window.ended_ns]


def count_closes(conversations: Sequence[Conversation]) -> tuple[int, int, int]:
    """Return how many were closed with three segments, with four, and how many were reset or left open by an end.

    One that both ends have closed, but whose last ACK the capture does not hold, is none of these: the kernel sometimes
    lets the last FIN be sent again, which may be later than the capture's end.
    """
    closes = [each.close_segments for each in conversations]
    return closes.count(3), closes.count(4), sum(not _closed_by_both(each) for each in conversations)


def _closed_by_both(conversation: Conversation) -> bool:
    closers = {segment.src for segment in conversation.segments if segment.flags & Flags.FIN}
    return closers == {conversation.client, conversation.server} and not conversation.resets


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseShares(Judged):
    """How the connections of a step were closed."""

    on: str
    wanted: tuple[Amount, ...]

    def expected(self) -> Message:
        """Return the numbers."""
        three, four, other = (or_any(amount.text) for amount in self.wanted)
        return Message("close-shares", {"three": three, "four": four, "other": other})

    def find(self, evidence: Evidence) -> Result:
        """Count in the capture."""
        found = count_closes(conversations_of_step(evidence, self.step or "", self.on))
        right = all(amount.holds(number) for amount, number in zip(self.wanted, found, strict=True))
        three, four, other = found
        observed = Message("close-shares", {"three": three, "four": four, "other": other})
        return self.result(right, observed, None, (Look(evidence.capture(self.on).file),))
