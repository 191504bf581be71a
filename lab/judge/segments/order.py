"""Expect what comes after what on the wire, over several conversations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lab.judge.errors import ExerciseError
from lab.judge.judging import OfRecording, whole_conversation
from lab.judge.segments.rungs import DATA, Rung, parse_rungs
from lab.judge.verdict import Comparison, Look, Message, Pair, Result, frames

if TYPE_CHECKING:
    from lab.recording.raw import CaptureRecord
    from lab.recording.run import Run

_CLIENT: Final = re.compile(r"client:(\S+)")
_COLUMNS: Final = ("Segment", "Flags", "Frame")


def in_order(
    ladder: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    step: str | None = None,
    on: str = "server",
) -> InOrder:
    """Expect that these segments come in this order in the capture of a host, each the first of its kind.

    Written as in `lab.judge.segments.rungs`, but each line names its own client: `server > client:a  F.`. Other
    segments may come before, between and after. Raises ExerciseError for a line that cannot be read.
    """
    lines = [line.strip() for line in ladder.splitlines() if line.strip()]
    return InOrder(id=id, step=step, on=on, rungs=tuple(_parse(line, id) for line in lines))


def _parse(line: str, expectation: str) -> tuple[str, Rung]:
    """Return a line's client and its segment."""
    clients = _CLIENT.findall(line)
    if len(clients) != 1:
        raise ExerciseError("ladder-line", id=expectation, line=line)
    (rung,) = parse_rungs(line, client=clients[0], id=expectation)
    return clients[0], rung


@dataclass(frozen=True, slots=True, kw_only=True)
class InOrder(OfRecording):
    """Segments of several conversations, one after the other."""

    on: str
    rungs: tuple[tuple[str, Rung], ...]

    def expected(self) -> Message:
        """Return how many segments follow each other."""
        return Message("in-order", {"count": len(self.rungs)})

    def find(self, run: Run) -> Result:
        """Look for each; a fail marks the frames that come too early, and what is not there at all."""
        record = run.recording.capture(self.on)
        pairs: list[Pair] = []
        last, first, wrong = 0, None, None
        for client, rung in self.rungs:
            way = f"client:{client} > server" if rung.from_client else f"server > client:{client}"
            flags = DATA if rung.flags is None else rung.flags.letters
            frame = self._frame(run, client, rung)
            expected = (way, flags, f">{last}" if last else "*")
            if frame is None:
                pairs.append(Pair(expected, None, frozenset()))
            else:
                differs = frozenset() if frame > last else frozenset({_COLUMNS.index("Frame")})
                pairs.append(Pair(expected, (way, flags, str(frame)), differs))
                wrong = frame if differs and wrong is None else wrong
                first = first or frame
                last = max(last, frame)
        return self._result(record, pairs, wrong or first)

    def _result(self, record: CaptureRecord, pairs: list[Pair], frame: int | None) -> Result:
        missing = sum(pair.observed is None for pair in pairs)
        early = sum(bool(pair.differs) for pair in pairs)
        counts = {"early": early, "missing": missing}
        observed = Message("out-of-order", counts) if early or missing else Message("in-order", {"count": len(pairs)})
        look = Look(record.file, frame=frame)
        proof = (look, *frames(record.file, (int(pair.observed[-1]) for pair in pairs if pair.observed)))
        return self.result(not (early or missing), observed, Comparison(_COLUMNS, tuple(pairs)), (look,), proof)

    def _frame(self, run: Run, client: str, rung: Rung) -> int | None:
        """Return the number of the first frame that holds such a segment."""
        _, conversation = whole_conversation(run, client, self.on)
        if conversation is None:
            return None
        found = (each.number for each in conversation.segments if not rung.wrong(each, conversation))
        return next(found, None)
