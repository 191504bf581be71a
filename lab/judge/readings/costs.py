"""What a model of a server costs, from the standard work of lab/workload.py: figures, no verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lab.errors import EvidenceError
from lab.judge.calls.traces import between, calls_within, prints, whole_trace
from lab.judge.serving.services import Service, in_turn, services
from lab.recording.run import Run

PLAIN: Final = "plain"
TRACED: Final = "traced"
_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What one program costs.

    Per request: system calls, ns on a processor, the same of its whole host (None where that could not be read), how
    often it gave the processor up to wait (woken as often). While three connections are idle: system calls and ns on a
    processor for each second. `first_answers_ns` is when each client of the plain server got its first answer, in
    this order, from the first SYN of all on.
    """

    program: str
    in_turn: bool
    first_answers_ns: tuple[tuple[str, int], ...]
    calls: float
    cpu_ns: float
    host_cpu_ns: float | None
    wakeups: float
    idle_calls: float
    idle_cpu_ns: float


def cost_of(run: Run, program: str) -> Cost:
    """Return what a program cost in `measure_models`; EvidenceError for what the run does not have."""
    plain, traced = f"{program}.{PLAIN}", f"{program}.{TRACED}"
    rests, rested, asked, answered = (run.usage(at, plain) for at in ("rests", "rested", "asked", "answered"))
    served = services(run, (f"{plain}.trio",))
    requests = _answers(served)
    return Cost(
        program=run.play.party(plain).program,
        in_turn=in_turn(served),
        first_answers_ns=_first_answers(served),
        calls=_calls_between(run, traced, "asked", "answered") / _answers(services(run, (f"{traced}.trio",))),
        cpu_ns=(answered.cpu_ns - asked.cpu_ns) / requests,
        host_cpu_ns=_host_cpu_ns(run, plain, requests),
        wakeups=(answered.voluntary - asked.voluntary) / requests,
        idle_calls=_calls_between(run, traced, "rests", "rested") * _SECOND / _rest_ns(run, traced),
        idle_cpu_ns=(rested.cpu_ns - rests.cpu_ns) * _SECOND / _rest_ns(run, plain),
    )


def _first_answers(served: Sequence[Service]) -> tuple[tuple[str, int], ...]:
    begun = min((one.begun_ns for one in served), default=0)
    answered = sorted((one.answered_ns, one.name) for one in served if one.answered_ns is not None)
    return tuple((name, time_ns - begun) for time_ns, name in answered)


def _host_cpu_ns(run: Run, party: str, requests: int) -> float | None:
    asked, answered = (run.usage(at, party).host_cpu_ns for at in ("asked", "answered"))
    return None if asked is None or answered is None else (answered - asked) / requests


def _calls_between(run: Run, party: str, first: str, last: str) -> int:
    window = between(run, party, (first, last))
    return sum(not prints(call) for call in calls_within(whole_trace(run, party), window))


def _rest_ns(run: Run, party: str) -> int:
    begun, ended = between(run, party, ("rests", "rested"))
    return max(1, ended - begun)


def _answers(served: tuple[Service, ...]) -> int:
    answers = sum(len(one.answers) for one in served)
    if not answers:
        raise EvidenceError("record-missing", kind="request", name="trio")
    return answers
