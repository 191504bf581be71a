"""Expect how far the kernel's counters moved between two readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lab.errors import EvidenceError
from lab.judge.amounts import Amount, read_amount
from lab.judge.judging import OfRecording, look_in, whole_capture
from lab.judge.verdict import Comparison, Message, Pair, Result
from lab.kernel.counters import difference
from lab.recording.recording import CounterReading
from lab.recording.run import Run

_GROUPS: Final = ("", "TcpExt", "IpExt")
"""What nstat puts before a name of /proc/net/netstat: `ListenOverflows` is its TcpExtListenOverflows."""

_CHANGE: Final = 1
_OPENED: Final = "TcpActiveOpens"


def counters(
    before: str,
    after: str,
    *,
    on: str,
    id: str,  # noqa: A002 - the exercise's word
    change: Mapping[str, int | str],
    step: str | None = None,
) -> Counters:
    """Expect that each counter moved by this amount (`1`, `>0`, `5..6`) on the host `on` between two readings.

    A name is nstat's, with or without its TcpExt or IpExt. Raises ExerciseError for an amount that cannot be read.
    """
    amounts = {name: read_amount(written, id) for name, written in change.items()}
    return Counters(id=id, step=step, before=before, after=after, on=on, change=amounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters(OfRecording):
    """How far counters moved."""

    before: str
    after: str
    on: str
    change: Mapping[str, Amount]

    def expected(self) -> Message:
        """Return how many counters are looked at."""
        return Message("counters", {"host": self.on, "counters": len(self.change)})

    def find(self, run: Run) -> Result:
        """Compare the changes, counter by counter."""
        first, last = (run.counter(name, self.on) for name in self._readings)
        moved = difference(first.values, last.values)
        _require_alone(run, (first, last), moved.get(_OPENED, 0))
        pairs = tuple(_pair(name, amount, moved) for name, amount in self.change.items())
        wrong = sum(not pair.agrees for pair in pairs)
        observed = Message("counters-differ", {"differing": wrong}) if wrong else Message("counters-agree")
        shown = next((pair for pair in pairs if not pair.agrees), pairs[0])
        name = (shown.expected or ("",))[0]
        read = [at for at, one in enumerate(run.play.counters) if one.host == self.on and one.name in self._readings]
        look = tuple(look_in(run, "counters", at, "values", name) for at in read)
        return self.result(not wrong, observed, Comparison(("Counter", "Change"), pairs), look)

    @property
    def _readings(self) -> tuple[str, str]:
        return self.before, self.after


def _require_alone(run: Run, readings: tuple[CounterReading, CounterReading], opened: int) -> None:
    """Raise EvidenceError where the host opened more connections than left it: some were to itself.

    The counters are those of a whole host. A program on it could move them by connections of its own making, which no
    capture shows.
    """
    if not opened:
        return
    first, last = readings
    address = run.recording.hosts[first.host]
    conversations = whole_capture(run, first.host).conversations
    begun = [each.segments[0].time_ns for each in conversations if each.client.address == address]
    left = sum(first.time_ns <= time_ns <= last.time_ns for time_ns in begun)
    if opened > left:
        raise EvidenceError("counters-not-alone", host=first.host, opened=opened, captured=left)


def _pair(name: str, amount: Amount, moved: Mapping[str, int]) -> Pair:
    known = next((group + name for group in _GROUPS if group + name in moved), None)
    if known is None:
        raise EvidenceError("record-missing", kind="counter", name=name)
    differs = frozenset() if amount.holds(moved[known]) else frozenset({_CHANGE})
    return Pair((known, amount.text), (known, str(moved[known])), differs)
