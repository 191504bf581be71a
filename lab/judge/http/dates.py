"""Expect what the Date header of a message says: which weekday it was, and how far it lies from the capture's clock."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from lab.judge.amounts import Amount, read_amount
from lab.judge.errors import ExerciseError
from lab.judge.http.messages import OfMessage, look_at
from lab.judge.verdict import Message, Result
from lab.recording.raw import CaptureRecord
from lab.recording.run import Run
from lab.wire.http import Kind
from lab.wire.http import Message as HttpMessage

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FORM: Final = "%d %b %Y %H:%M:%S GMT"


def weekday(
    client: str,
    day: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    at: int = 0,
    step: str | None = None,
    on: str = "server",
) -> Weekday:
    """Expect that the date in a response's Date header was that day of the week (`Mon` to `Sun`), whatever it says."""
    if day not in _WEEKDAYS:
        raise ExerciseError("http-weekday", id=id, value=day, known=", ".join(_WEEKDAYS))
    return Weekday(id=id, step=step, client=client, kind=Kind.RESPONSE, at=at, on=on, day=day)


def dated(
    client: str,
    *,
    id: str,  # noqa: A002 - the exercise's word
    off: int | str,
    hours: int = 0,
    at: int = 0,
    step: str | None = None,
    on: str = "server",
) -> Dated:
    """Expect how many hours a response's Date lies ahead of the clock that stamped its first segment.

    `hours` is how far the reader's zone is east of Greenwich: the reader takes the header for the time of that zone. A
    Date is in whole seconds: give a range. Raises ExerciseError for an amount that cannot be read.
    """
    amount = read_amount(off, id)
    return Dated(id=id, step=step, client=client, kind=Kind.RESPONSE, at=at, on=on, off=amount, hours=hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfDate(OfMessage):
    """An expectation of a Date header (IMF-fixdate, RFC 9110, section 5.6.7)."""

    def compare(self, message: HttpMessage, record: CaptureRecord, run: Run) -> Result:  # noqa: ARG002 - the message tells it
        """Read the header and compare."""
        frame = message.frames[0] if message.frames else None
        written = (message.header("date") or b"").decode("ascii", "replace")
        try:
            moment = datetime.strptime(written.partition(", ")[2], _FORM).replace(tzinfo=UTC)
        except ValueError:
            return self.fail(Message("http-no-date", {"date": written or "-"}), record, frame)
        return self.judge_date(message, moment, record, frame)

    @abstractmethod
    def judge_date(self, message: HttpMessage, moment: datetime, record: CaptureRecord, frame: int | None) -> Result:
        """Return what is to be said of that moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekday(OfDate):
    """The day of the week on which a date fell, by the calendar."""

    day: str

    def expected(self) -> Message:
        """Return the day."""
        return Message("http-weekday", {"day": self.day})

    def judge_date(self, message: HttpMessage, moment: datetime, record: CaptureRecord, frame: int | None) -> Result:  # noqa: ARG002 - as its like
        """Ask the calendar."""
        day = _WEEKDAYS[moment.weekday()]
        return self.result(day == self.day, Message("http-weekday", {"day": day}), None, look_at(record, frame))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated(OfDate):
    """How far a Date lies from the clock."""

    off: Amount
    hours: int

    def expected(self) -> Message:
        """Return how far."""
        return Message("http-dated", {"zone": f"{self.hours:+d}", "off": self.off.text})

    def judge_date(self, message: HttpMessage, moment: datetime, record: CaptureRecord, frame: int | None) -> Result:
        """Compare with the stamp of the message's first segment."""
        taken_for = moment - timedelta(hours=self.hours)
        off = (taken_for.timestamp() - message.pieces[0].time_ns / 1e9) / 3600
        observed = Message("http-dated", {"zone": f"{self.hours:+d}", "off": f"{round(off, 2) + 0.0:g}"})
        return self.result(self.off.holds(off), observed, None, look_at(record, frame))
