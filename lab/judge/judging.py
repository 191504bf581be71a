"""What every expectation shares: evidence that does not decide, the words for it, judging many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from lab.errors import EvidenceError
from lab.foreign import shown
from lab.judge.errors import EvasionError
from lab.judge.verdict import Comparison, Expectation, Look, Message, Reference, Result, Verdict
from lab.recording.delays import LAB, NO_PROCESSOR
from lab.recording.layout import EVIDENCE_FILE
from lab.recording.places import line_of_record
from lab.recording.play import Stopped
from lab.recording.raw import CaptureRecord
from lab.recording.run import Run
from lab.recording.whole import check_capture
from lab.text.catalog import messages
from lab.wire.conversation import Conversation

STOPPED: Final = "stopped"
"""The message of what was never tried, since a program kept the play from getting there."""
EVADED: Final = "evaded"
"""The message of what cannot be seen, since a program keeps it from being recorded."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the evidence does not decide: an error's code and fields, kept as data so that equal runs judge equal."""

    code: str
    params: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.words("en")

    def words(self, language: str) -> str:
        """Return what the error says, in one line."""
        return told(EvidenceError(self.code, **self.params), language)


def told(error: EvidenceError, language: str) -> str:
    """Return what an error says, in one line, the kind of record that it names in the reader's language too."""
    kind = error.params.get("kind")
    if kind is None:
        return error.what(language)
    named = messages(language).maybe(f"judge.kind.{kind}") or kind
    return EvidenceError(error.code, **{**error.params, "kind": named}).what(language)


def say(message: Message, language: str) -> str:
    """Return a message's words in the reader's language, those of the messages and reasons inside it included."""
    params = {name: _inner(value, language) for name, value in message.params.items()}
    return messages(language).get(f"judge.{message.code}", **params)


def _inner(value: object, language: str) -> object:
    if isinstance(value, Message):
        return say(value, language)
    if isinstance(value, Reason):
        return value.words(language)
    return shown(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged(ABC):
    """An expectation whose `find` may raise EvidenceError: the verdict is then inconclusive and carries its words.

    It is of a recording or of a play (see below), or of others that it holds.

    But where a program kept the play from going on, what it kept from happening is its own failure: a step that was
    never reached proves nothing, whatever the record happens to hold. So is what it kept from being recorded.
    """

    needs_play: ClassVar[bool] = False

    id: str
    step: str | None = None

    def judge(self, run: Run) -> Result:
        """Compare with the evidence; never raises for what the evidence says."""
        if self.needs_play and not run.played:
            return self.result(Verdict.INCONCLUSIVE, Message("undecided", {"why": Reason("no-play")}))
        if run.play.stopped and not self._reached(run):
            return self._not_reached(run.play.stopped)
        try:
            return self.find(run)
        except EvasionError as error:
            observed = Message(EVADED, {"why": Reason(error.code, error.params)})
            return self.result(Verdict.FAIL, observed, None, (Look(error.file, line=error.row),))
        except EvidenceError as error:
            if run.play.stopped and might_have_come(error):
                return self._not_reached(run.play.stopped)
            why = Message("undecided", {"why": Reason(error.code, error.params)})
            return self.result(Verdict.INCONCLUSIVE, why)

    @abstractmethod
    def expected(self) -> Message:
        """Return what should be, in one line, without looking at the evidence."""

    @abstractmethod
    def find(self, run: Run) -> Result:
        """Return what the evidence says; EvidenceError when it does not decide."""

    def result(
        self,
        verdict: Verdict | bool,  # noqa: FBT001 - whether it holds, the one thing it asks
        observed: Message,
        comparison: Comparison | None = None,
        look: tuple[Look, ...] = (),
        proof: tuple[Reference, ...] | None = None,
    ) -> Result:
        """Return a result of this expectation; True is a pass, False a fail. What to look at proves it, unless told."""
        if isinstance(verdict, bool):
            verdict = Verdict.PASS if verdict else Verdict.FAIL
        proof = look if proof is None else proof
        return Result(self.id, self.step, verdict, self.expected(), observed, comparison, look, proof)

    def _reached(self, run: Run) -> bool:
        return self.step is None or any(step.id == self.step for step in run.play.steps)

    def _not_reached(self, stopped: Stopped) -> Result:
        fields = {"step": stopped.step, "party": stopped.party, "detail": stopped.detail}
        return self.result(Verdict.FAIL, Message(STOPPED, fields))


@dataclass(frozen=True, slots=True, kw_only=True)
class OfRecording(Judged):
    """An expectation of what probes saw. Of a play it takes names alone: of moments, of programs and their ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfPlay(Judged):
    """An expectation of what was done, too: what programs printed, how they ended, who was started when."""

    needs_play: ClassVar[bool] = True


def in_time(result: Result, run: Run) -> Result:
    """Return a failure as inconclusive when something was held up in its step or before, by no program's fault.

    What then did not hold proves nothing; what held does. No delay makes a program evade what looks at it.
    """
    late = result.verdict is Verdict.FAIL and result.observed.code != EVADED
    delay = held_up(run, result.step) if late else None
    if delay is None:
        return result
    observed = result.observed
    if observed.code == STOPPED:
        detail = Message("delayed-detail", {"detail": observed.params["detail"], "delay": delay})
        told = Message(STOPPED, {**observed.params, "detail": detail})
    else:
        told = Message("delayed", {"delay": delay, "observed": observed})
    return replace(result, verdict=Verdict.INCONCLUSIVE, observed=told)


def held_up(run: Run, step: str | None) -> Message | None:
    """Return what was held up until the end of a step, or of the run, and what to do; None when nothing was."""
    ended = next((each.ended_ns for each in run.play.steps if each.id == step), run.recording.ended_ns)
    delay = next((each for each in run.play.delays if each.begun_ns < ended), None)
    if delay is None:
        return None
    seconds, window = (f"{ns / 1e9:.1f}" for ns in (delay.waited_ns, delay.ended_ns - delay.begun_ns))
    if delay.reason == NO_PROCESSOR:
        return Message("delay-no-processor", {"who": delay.who, "seconds": seconds, "window": window})
    if delay.who == LAB:
        return Message("delay-lab-stood-still", {"seconds": seconds})
    return Message("delay-stood-still", {"who": delay.who, "seconds": seconds})


def might_have_come(error: EvidenceError) -> bool:
    """Return whether a record is missing that the rest of the play would have made; captures run all the while."""
    return error.code == "record-missing" and error.params.get("kind") != "capture"


def or_any(amount: str) -> str | Message:
    """Return an amount as it was written, `*` as the words for it."""
    return Message("any-number") if amount == "*" else amount


def look_in(run: Run, *path: str | int) -> Look:
    """Return the place in evidence.json of a record, or of a part of it: `"exits", 3, "status"`."""
    return Look(EVIDENCE_FILE, line=line_of_record(run, *path))


def judge_all(expectations: Iterable[Expectation], run: Run) -> tuple[Result, ...]:
    """Judge one run by many expectations, in their order."""
    return tuple(expectation.judge(run) for expectation in expectations)


def whole_capture(run: Run, host: str) -> CaptureRecord:
    """Return a host's capture; EvidenceError when there is none, or when it is not whole or not this run's."""
    record = run.recording.capture(host)
    if record.died:
        raise EvidenceError("capture-died", file=record.file, host=host)
    if not record.complete:
        raise EvidenceError(
            "capture-incomplete",
            file=record.file,
            captured=record.captured,
            received=record.received,
            dropped=record.dropped,
        )
    check_capture(record, run.recording)
    return record


def whole_conversation(run: Run, client: str, host: str) -> tuple[CaptureRecord, Conversation | None]:
    """Return a host's capture and a client's conversation in it, None when a whole capture does not hold it."""
    record = whole_capture(run, host)
    conversation = run.conversation(client, host)
    if conversation is None and run.play.party(client).local is None:
        raise EvidenceError("record-missing", kind="endpoint", name=client)
    return record, conversation
