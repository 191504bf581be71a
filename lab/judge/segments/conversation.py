"""What every expectation of one client's conversation shares."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from lab.judge.judging import OfRecording, whole_conversation
from lab.judge.verdict import Look, Message, Result
from lab.recording.raw import CaptureRecord
from lab.recording.run import Run
from lab.wire.conversation import Conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class OfConversation(OfRecording):
    """An expectation of the conversation of the client `client`, as captured on the host `on`."""

    client: str
    on: str

    def find(self, run: Run) -> Result:
        """Find the conversation; where a whole capture does not hold it, the expectation fails."""
        record, conversation = whole_conversation(run, self.client, self.on)
        if conversation is None:
            absent = Message("conversation-absent", {"client": self.client, "file": record.file})
            return self.result(False, absent, None, (Look(record.file),))  # noqa: FBT003 - it does not hold
        return self.follow(conversation, record, run)

    @abstractmethod
    def follow(self, conversation: Conversation, record: CaptureRecord, run: Run) -> Result:
        """Return what is to be said of the conversation; EvidenceError when it does not decide."""
