"""Expect how long a kernel kept a half-open connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from lab.errors import EvidenceError
from lab.judge.amounts import Amount, read_amount
from lab.judge.judging import OfRecording, whole_conversation
from lab.judge.sockets.rows import line_of, look_at_row
from lab.judge.verdict import Look, Message, Result, Verdict
from lab.kernel.rows import SocketRow
from lab.recording.layout import first_line_of_sample
from lab.recording.play import Party
from lab.recording.recording import Sampling
from lab.recording.run import Run


def gone_after(  # noqa: PLR0913 - a keyword for each way in which a row may have been looked at
    client: str,
    seconds: int | str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    seen: str | None = None,
    gone: str | None = None,
    sampling: str | None = None,
    on: str = "server",
    step: str | None = None,
) -> GoneAfter:
    """Expect that a client's row is on the host `on` and then no more, and when.

    It is there at the snapshot `seen` and gone at `gone`: the stage must have waited for the row's end there, so that
    the snapshot is taken milliseconds after it. Or the `sampling` shows both, so that nobody need be in time.
    `seconds` is an amount (`60..70`), counted from the client's first segment as that host captured it. Raises
    ExerciseError for an amount that cannot be read.
    """
    amount = read_amount(seconds, id)
    return GoneAfter(id=id, step=step, client=client, seconds=amount, seen=seen, gone=gone, sampling=sampling, on=on)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A look at a host: when it was begun, its rows, and where a row of it stands."""

    begun_ns: int
    rows: tuple[SocketRow, ...]
    place: Callable[[SocketRow | None], Look]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneAfter(OfRecording):
    """The time from a client's SYN to the end of its row."""

    client: str
    seconds: Amount
    seen: str | None
    gone: str | None
    sampling: str | None
    on: str

    def expected(self) -> Message:
        """Return when the row should be gone."""
        return Message("gone-after", self._fields(self.seconds.text))

    def find(self, run: Run) -> Result:
        """Look for the row where it should be and where it should not, and for the first segment in the capture."""
        client = run.play.party(self.client)
        first, last = self._looked(run) if self.sampling is None else self._sampled(run, self.sampling)
        _, conversation = whole_conversation(run, self.client, self.on)
        there = _row(first.rows, client)
        if conversation is None or there is None:
            unseen = Message("gone-unseen", {"client": self.client, "host": self.on})
            return self.result(Verdict.FAIL, unseen, None, (first.place(there),))
        passed = (last.begun_ns - conversation.segments[0].time_ns) / 1e9
        left = _row(last.rows, client)
        look = (first.place(there), last.place(left))
        if left is not None:
            return self.result(Verdict.FAIL, Message("gone-not", self._fields(f"{passed:.1f}")), None, look)
        observed = Message("gone-after", self._fields(f"{passed:.1f}"))
        return self.result(self.seconds.holds(passed), observed, None, look)

    def _looked(self, run: Run) -> tuple[_Seen, _Seen]:
        """Return the looks of the two snapshots."""
        snapshots = (run.snapshot(name or "", self.on) for name in (self.seen, self.gone))
        first, last = (_Seen(each.begun_ns, each.rows, partial(look_at_row, each)) for each in snapshots)
        return first, last

    def _sampled(self, run: Run, name: str) -> tuple[_Seen, _Seen]:
        """Return the first look that shows the row, and the first after it that does not, or the last of all."""
        sampling = run.sampling(name, self.on)
        client = run.play.party(self.client)
        looks = [
            _Seen(time_ns, rows, partial(_look_in_sample, sampling, at))
            for at, (time_ns, rows) in enumerate(sampling.rows())
        ]
        if not looks:
            raise EvidenceError("sampling-empty", name=f"{name} ({self.on})")
        first = next((at for at, each in enumerate(looks) if _row(each.rows, client)), len(looks) - 1)
        return looks[first], next((each for each in looks[first:] if not _row(each.rows, client)), looks[-1])

    def _fields(self, seconds: str) -> dict[str, str]:
        return {"client": self.client, "host": self.on, "seconds": seconds}


def _row(rows: tuple[SocketRow, ...], client: Party) -> SocketRow | None:
    return next((row for row in rows if client.has(row.local, row.peer)), None)


def _look_in_sample(sampling: Sampling, at: int, row: SocketRow | None) -> Look:
    within = line_of(sampling.samples[at].text, row) or 1
    return Look(sampling.file, line=first_line_of_sample(sampling.samples, at) + within - 1)
