"""Expect how a conversation's data was acknowledged: by segments of their own, or riding on data the other way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.judge.amounts import Amount, parse_amount
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged, or_any, whole_conversation
from lab.judge.verdict import Look, Message, Result
from lab.wire.segment import Flags

if TYPE_CHECKING:
    from lab.evidence.records import Evidence
    from lab.wire.conversation import Conversation


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
    try:
        wanted = parse_amount(alone), parse_amount(riding)
    except ValueError as error:
        raise ExerciseError("amount", id=id, value=str(error)) from None
    return Acknowledged(id=id, step=step, client=conversation_of, on=on, alone=wanted[0], riding=wanted[1])


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
class Acknowledged(Judged):
    """How the data of one conversation was acknowledged."""

    client: str
    on: str
    alone: Amount
    riding: Amount

    def expected(self) -> Message:
        """Return the numbers."""
        return Message("acknowledged", {"alone": or_any(self.alone.text), "riding": or_any(self.riding.text)})

    def find(self, evidence: Evidence) -> Result:
        """Count in the capture."""
        record, conversation = whole_conversation(evidence, self.client, self.on)
        look = (Look(record.file),)
        if conversation is None:
            absent = Message("conversation-absent", {"client": self.client, "file": record.file})
            return self.result(False, absent, None, look)  # noqa: FBT003 - it does not hold
        alone, riding = count_acknowledgements(conversation)
        right = self.alone.holds(alone) and self.riding.holds(riding)
        data = next((segment.number for segment in conversation.segments if segment.length), None)
        look = (Look(record.file, frame=data),)
        return self.result(right, Message("acknowledged", {"alone": alone, "riding": riding}), None, look)
