"""Expect the segments of one conversation, written as a ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lab.errors import EvidenceError
from lab.foreign import TAKEN, shown
from lab.judge.errors import ExerciseError
from lab.judge.segments.aligning import Aligned, align
from lab.judge.segments.conversation import OfConversation
from lab.judge.segments.rungs import DATA, Rung, parse_rungs
from lab.judge.verdict import Comparison, Look, Message, Pair, Result, Verdict, frames
from lab.recording.raw import CaptureRecord
from lab.recording.run import Run
from lab.wire.conversation import Conversation
from lab.wire.segment import Flags, Segment

PARTS: Final = ("open", "data", "close")

_LONGEST_PAYLOAD: Final = 32


def segments(
    conversation_of: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    ladder: str,
    step: str | None = None,
    on: str = "server",
    part: str | None = None,
) -> Segments:
    """Expect these segments, in this order and no others, in the conversation of a client, as captured `on` a host.

    The ladder's language is that of `lab.judge.segments.rungs`. `part` is `open` (the handshake), `data`, `close` (from
    the first FIN or RST on) or None for all of it. Raises ExerciseError for a ladder that cannot be read.
    """
    if part is not None and part not in PARTS:
        raise ExerciseError("ladder-part", id=id, part=part, known=", ".join(PARTS))
    rungs = parse_rungs(ladder, client=conversation_of, id=id)
    return Segments(id=id, step=step, client=conversation_of, on=on, part=part, rungs=rungs)


def part_of(conversation: Conversation, part: str | None) -> tuple[Segment, ...]:
    """Return a conversation's opening (to the ACK of the handshake), its data, its close, or all of it.

    What came when both ends had closed is no part of it.
    """
    late = {segment.number for segment in conversation.stragglers}
    everything = tuple(segment for segment in conversation.segments if segment.number not in late)
    ending = (n for n, segment in enumerate(everything) if segment.flags & (Flags.FIN | Flags.RST))
    ended = next(ending, len(everything))
    shaken = conversation.handshake
    talk = (n for n, segment in enumerate(everything) if segment.length)
    begun = everything.index(shaken[-1]) + 1 if conversation.established else min(next(talk, ended), ended)
    parts = {None: everything, "open": everything[:begun], "data": everything[begun:ended], "close": everything[ended:]}
    return parts[part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments(OfConversation):
    """The segments of a conversation, or of a part of it."""

    part: str | None
    rungs: tuple[Rung, ...]

    def expected(self) -> Message:
        """Return how many segments there should be, between whom."""
        return Message(f"ladder-{self.part or 'whole'}", {"rungs": len(self.rungs), "client": self.client})

    def follow(self, conversation: Conversation, record: CaptureRecord, run: Run) -> Result:  # noqa: ARG002 - the capture tells it
        """Align the ladder with the capture; `look` names the frame of the first difference."""
        self._check_payloads(conversation, record.file)
        aligned = align(
            self.rungs,
            part_of(conversation, self.part),
            lambda rung, segment: rung.wrong(segment, conversation),
        )
        comparison = self._comparison(aligned, conversation)
        wrong = [n for n, item in enumerate(aligned) if not item.agrees]
        if not wrong:
            seen = [item.segment.number for item in aligned if item.segment is not None]
            look = Look(record.file, frame=next(iter(seen), None))
            proof = frames(record.file, seen)
            return self.result(Verdict.PASS, Message("segments-agree"), comparison, (look,), proof)
        look = Look(record.file, frame=_frame(aligned, wrong[0], conversation))
        return self.result(Verdict.FAIL, Message("segments-differ", _counts(aligned)), comparison, (look,))

    def _check_payloads(self, conversation: Conversation, file: str) -> None:
        """Refuse to compare bytes that the capture's snap length cut off."""
        cut = next((s for s in conversation.segments if s.length > len(s.payload)), None)
        if cut is not None and any(rung.payload is not None for rung in self.rungs):
            raise EvidenceError("capture-cut-payload", file=file, frame=cut.number)

    def _comparison(self, aligned: Sequence[Aligned], conversation: Conversation) -> Comparison:
        wrong = frozenset[str]().union(*(item.wrong for item in aligned))
        details = (column for column, asked in self._details().items() if asked or column in wrong)
        columns = ("Segment", "Flags", *details)
        pairs = []
        for item in aligned:
            if item.agrees and item.segment is None:
                continue
            expected = None if item.rung is None else self._written(item.rung)
            observed = None if item.segment is None else self._seen(item.segment, conversation)
            pairs.append(
                Pair(
                    None if expected is None else tuple(expected[column] for column in columns),
                    None if observed is None else tuple(observed[column] for column in columns),
                    frozenset(n for n, column in enumerate(columns) if column in item.wrong),
                )
            )
        return Comparison(columns, tuple(pairs))

    def _details(self) -> dict[str, bool]:
        return {
            "Seq": any(rung.seq is not None for rung in self.rungs),
            "Ack": any(rung.ack is not None for rung in self.rungs),
            "Len": any(rung.length for rung in self.rungs),
            "Data": any(rung.payload is not None for rung in self.rungs),
        }

    def _way(self, from_client: bool) -> str:  # noqa: FBT001 - one of two ways
        client = f"client:{self.client}"
        return f"{client} > server" if from_client else f"server > {client}"

    def _written(self, rung: Rung) -> dict[str, str]:
        return {
            "Segment": self._way(rung.from_client),
            "Flags": DATA if rung.flags is None else rung.flags.letters,
            "Seq": _number(rung.seq),
            "Ack": _number(rung.ack),
            "Len": _number(rung.length),
            "Data": "" if rung.payload is None else _text(rung.payload),
        }

    def _seen(self, segment: Segment, conversation: Conversation) -> dict[str, str]:
        seq, ack = conversation.relative(segment)
        return {
            "Segment": self._way(conversation.from_client(segment)),
            "Flags": segment.flags.letters,
            "Seq": str(seq),
            "Ack": _number(ack),
            "Len": str(segment.length),
            "Data": _text(segment.payload) if segment.payload else "",
        }


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _text(payload: bytes) -> str:
    text = shown(payload.decode(errors=TAKEN))
    return f'"{text}"' if len(text) <= _LONGEST_PAYLOAD else f'"{text[: _LONGEST_PAYLOAD - 1]}…"'


def _frame(aligned: Sequence[Aligned], at: int, conversation: Conversation) -> int | None:
    """Return the frame of the first difference: its own, the next one where a rung has none, or the last before it."""
    following = (item.segment.number for item in aligned[at:] if item.segment)
    before = (item.segment.number for item in reversed(aligned[:at]) if item.segment)
    return next(following, next(before, conversation.segments[-1].number))


def _counts(aligned: Sequence[Aligned]) -> dict[str, int]:
    return {
        "differing": sum(bool(item.wrong) for item in aligned),
        "missing": sum(item.segment is None and not item.agrees for item in aligned),
        "extra": sum(item.rung is None for item in aligned),
    }
