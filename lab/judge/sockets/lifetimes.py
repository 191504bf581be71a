"""Expect how long a kernel kept a half-open connection."""

from __future__ import annotations

from dataclasses import dataclass

from lab.evidence.records import Evidence, Party, Snapshot
from lab.judge.amounts import Amount, read_amount
from lab.judge.judging import Judged, whole_conversation
from lab.judge.sockets.rows import look_at_row
from lab.judge.verdict import Message, Result, Verdict
from lab.kernel.rows import SocketRow


def gone_after(
    client: str,
    seconds: int | str,
    *,
    seen: str,
    gone: str,
    id: str,  # noqa: A002 - the exercise's word
    on: str = "server",
    step: str | None = None,
) -> GoneAfter:
    """Expect that a client's row on the host `on` is there at the snapshot `seen` and gone at `gone`, and when.

    `seconds` is an amount (`60..70`), counted from the client's first segment as that host captured it. The stage must
    have waited for the row's end there: a snapshot is taken milliseconds after it. Raises ExerciseError for an amount
    that cannot be read.
    """
    amount = read_amount(seconds, id)
    return GoneAfter(id=id, step=step, client=client, seconds=amount, seen=seen, gone=gone, on=on)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneAfter(Judged):
    """The time from a client's SYN to the end of its row."""

    client: str
    seconds: Amount
    seen: str
    gone: str
    on: str

    def expected(self) -> Message:
        """Return when the row should be gone."""
        return Message("gone-after", self._fields(self.seconds.text))

    def find(self, evidence: Evidence) -> Result:
        """Look for the row in both snapshots, and for the first segment in the capture."""
        first, last = (evidence.snapshot(name, self.on) for name in (self.seen, self.gone))
        _, conversation = whole_conversation(evidence, self.client, self.on)
        client = evidence.party(self.client)
        there = _row(first, client)
        if conversation is None or there is None:
            unseen = Message("gone-unseen", {"client": self.client, "host": self.on})
            return self.result(Verdict.FAIL, unseen, None, (look_at_row(first, there),))
        passed = (last.begun_ns - conversation.segments[0].time_ns) / 1e9
        left = _row(last, client)
        look = (look_at_row(first, there), look_at_row(last, left))
        if left is not None:
            return self.result(Verdict.FAIL, Message("gone-not", self._fields(f"{passed:.1f}")), None, look)
        observed = Message("gone-after", self._fields(f"{passed:.1f}"))
        return self.result(self.seconds.holds(passed), observed, None, look)

    def _fields(self, seconds: str) -> dict[str, str]:
        return {"client": self.client, "host": self.on, "seconds": seconds}


def _row(snapshot: Snapshot, client: Party) -> SocketRow | None:
    return next((row for row in snapshot.rows if client.has(row.local, row.peer)), None)
