"""Expect how one end let go of a connection: with its FIN, or with a reset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lab.evidence.records import Evidence
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged, whole_conversation
from lab.judge.verdict import Look, Message, Result
from lab.wire.conversation import Conversation
from lab.wire.segment import Flags, Segment

_WAYS: Final[Mapping[str, Flags]] = MappingProxyType({"fin": Flags.FIN, "reset": Flags.RST})


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LetsGo(Judged):
    """How one end let go."""

    client: str
    on: str
    by: str
    how: str

    def expected(self) -> Message:
        """Return how."""
        return self._said(self.how)

    def find(self, evidence: Evidence) -> Result:
        """Look for its reset, else for its FIN; `look` names the frame."""
        record, conversation = whole_conversation(evidence, self.client, self.on)
        if conversation is None:
            absent = Message("conversation-absent", {"client": self.client, "file": record.file})
            return self.result(False, absent, None, (Look(record.file),))  # noqa: FBT003 - it does not hold
        reset, fin = (self._first(conversation, _WAYS[way]) for way in ("reset", "fin"))
        how, segment = ("reset", reset) if reset else ("fin", fin) if fin else ("", None)
        look = Look(record.file, frame=None if segment is None else segment.number)
        return self.result(how == self.how, self._said(how), None, (look,))

    def _first(self, conversation: Conversation, flag: Flags) -> Segment | None:
        mine = (each for each in conversation.segments if conversation.from_client(each) == (self.by == self.client))
        return next((each for each in mine if each.flags & flag), None)

    def _said(self, how: str) -> Message:
        if how == "fin":
            return Message("lets-go-fin", {"by": self.by})
        return Message("lets-go-reset", {"by": self.by}) if how else Message("lets-go-not", {"by": self.by})
