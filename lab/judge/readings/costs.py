"""What a model of a server costs, from the standard work of lab/workload.py: figures, no verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lab.errors import EvidenceError
from lab.evidence.records import Evidence
from lab.judge.calls.traces import between, calls_within, prints, whole_trace
from lab.judge.serving.services import Service, in_turn, services

PLAIN: Final = "plain"
TRACED: Final = "traced"
_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What one program costs.

    Per request: system calls, ns on a processor, how often it gave the processor up to wait (woken as often). While
    three connections are idle: system calls and ns on a processor for each second. `first_answers_ns` is how long each
    client of the plain server waited for its first answer, in the order in which they came.
    """

    program: str
    in_turn: bool
    first_answers_ns: tuple[tuple[str, int], ...]
    calls: float
    cpu_ns: float
    wakeups: float
    idle_calls: float
    idle_cpu_ns: float


def cost_of(evidence: Evidence, program: str) -> Cost:
    """Return what a program cost in `measure_model`; EvidenceError for what the run does not have."""
    plain, traced = f"{program}.{PLAIN}", f"{program}.{TRACED}"
    rests, rested, asked, answered = (evidence.usage(at, plain) for at in ("rests", "rested", "asked", "answered"))
    served = services(evidence, (f"{plain}.trio",))
    requests = _answers(served)
    return Cost(
        program=evidence.party(plain).program,
        in_turn=in_turn(served),
        first_answers_ns=tuple((one.name, one.first_wait_ns) for one in served if one.first_wait_ns is not None),
        calls=_calls_between(evidence, traced, "asked", "answered") / _answers(services(evidence, (f"{traced}.trio",))),
        cpu_ns=(answered.cpu_ns - asked.cpu_ns) / requests,
        wakeups=(answered.voluntary - asked.voluntary) / requests,
        idle_calls=_calls_between(evidence, traced, "rests", "rested") * _SECOND / _rest_ns(evidence, traced),
        idle_cpu_ns=(rested.cpu_ns - rests.cpu_ns) * _SECOND / _rest_ns(evidence, plain),
    )


def _calls_between(evidence: Evidence, party: str, first: str, last: str) -> int:
    window = between(evidence, party, (first, last))
    return sum(not prints(call) for call in calls_within(whole_trace(evidence, party), window))


def _rest_ns(evidence: Evidence, party: str) -> int:
    begun, ended = between(evidence, party, ("rests", "rested"))
    return max(1, ended - begun)


def _answers(served: tuple[Service, ...]) -> int:
    answers = sum(len(one.answers) for one in served)
    if not answers:
        raise EvidenceError("record-missing", kind="request", name="trio")
    return answers
