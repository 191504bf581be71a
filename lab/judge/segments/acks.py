"""Expect how a conversation's data was acknowledged: by segments of their own, or riding on data the other way."""

from __future__ import annotations

from dataclasses import dataclass

from lab.judge.amounts import Amount, read_amount
from lab.judge.judging import or_any
from lab.judge.segments.conversation import OfConversation
from lab.judge.verdict import Look, Message, Result
from lab.recording.raw import CaptureRecord
from lab.recording.run import Run
from lab.wire.conversation import Conversation
from lab.wire.segment import Flags


def acknowledged(
    conversation_of: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    alone: int | str = "*",
    riding: int | str = "*",
    step: str | None = None,
    on: str = "server",
) -> Acknowledged:
    """Expect how many data segments were acknowledged by a bare ACK (`alone`) and by one with data or FIN (`riding`).

    ACKs are cumulative (RFC 9293, section 3.4): one can acknowledge several segments, each counts. Raises ExerciseError
    for an amount that cannot be read.
    """
    wanted = {"alone": read_amount(alone, id), "riding": read_amount(riding, id)}
    return Acknowledged(id=id, step=step, client=conversation_of, on=on, **wanted)


def count_acknowledgements(conversation: Conversation) -> tuple[int, int]:
    """Return how many data segments were acknowledged by a bare ACK, and by one that carried data or a FIN."""
    alone = riding = 0
    for segment in conversation.segments:
        data = [sent for sent in conversation.acknowledges(segment) if sent.length]
        if segment.length or segment.flags & Flags.FIN:
            riding += len(data)
        else:
            alone += len(data)
    return alone, riding


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(OfConversation):
    """How the data of one conversation was acknowledged."""

    alone: Amount
    riding: Amount

    def expected(self) -> Message:
        """Return the numbers."""
        return Message("acknowledged", {"alone": or_any(self.alone.text), "riding": or_any(self.riding.text)})

    def follow(self, conversation: Conversation, record: CaptureRecord, run: Run) -> Result:  # noqa: ARG002 - the capture tells it
        """Count in the capture."""
        alone, riding = count_acknowledgements(conversation)
        right = self.alone.holds(alone) and self.riding.holds(riding)
        data = next((segment.number for segment in conversation.segments if segment.length), None)
        look = (Look(record.file, frame=data),)
        return self.result(right, Message("acknowledged", {"alone": alone, "riding": riding}), None, look)
