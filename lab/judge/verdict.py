"""The four verdicts, and what an expectation returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final, Protocol

from lab.recording.run import Run


class Verdict(StrEnum):
    """What the evidence says of an expectation."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    CANNOT_RUN = "cannot run here"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of a whole: a fail outweighs an inconclusive, which outweighs cannot run, then pass.

    Nothing judged proves nothing: an empty whole is inconclusive.
    """
    order = (Verdict.PASS, Verdict.CANNOT_RUN, Verdict.INCONCLUSIVE, Verdict.FAIL)
    return max(verdicts, key=order.index, default=Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Message:
    """Words found later, in the reader's language: the id of a text (`judge.<code>`) and its fields."""

    code: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """One line of a comparison: expected cells beside observed ones, None where one side has no such row.

    `differs` holds the indexes of the columns whose cells do not match.
    """

    expected: tuple[str, ...] | None
    observed: tuple[str, ...] | None
    differs: frozenset[int]

    @property
    def agrees(self) -> bool:
        """Whether both sides have the row and every cell matches."""
        return self.expected is not None and self.observed is not None and not self.differs


@dataclass(frozen=True, slots=True)
class Comparison:
    """Expected and observed, row by row, under one heading."""

    columns: tuple[str, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Where the evidence lies: a file of the run's folder, and the frame or line in it."""

    file: str
    frame: int | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class CallAt:
    """A system call that strace saw the program `party` begin at `time_ns`; `call` is its name as programs write it."""

    party: str
    call: str
    time_ns: int


@dataclass(frozen=True, slots=True)
class StatesFrom:
    """The `count` states of an end of a connection (at least one) from `time_ns` on, as the kernel told of them."""

    time_ns: int
    count: int


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """A line that the program `party` printed."""

    party: str
    time_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class ProgramEnd:
    """The end of the program `party`: `said` is how it ended."""

    party: str
    time_ns: int
    said: Message = field(hash=False)


MOST: Final = 40
"""How many references of one kind a result has at most: a thousand marks show nothing."""


def frames(file: str, numbers: Iterable[int]) -> tuple[Look, ...]:
    """Return frames of a capture: the first of many."""
    return tuple(Look(file, frame=number) for number in islice(numbers, MOST))


Reference = Look | CallAt | StatesFrom | PrintedLine | ProgramEnd
"""Where something is proved: a frame, a row of `ss` or another line of a file, a call, states, a line, an end."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one expectation found: `comparison` says why, `look` names the files to open, `proof` all that proves it."""

    id: str
    step: str | None
    verdict: Verdict
    expected: Message
    observed: Message
    comparison: Comparison | None = None
    look: tuple[Look, ...] = ()
    proof: tuple[Reference, ...] = ()


class Expectation(Protocol):
    """A pure function of the evidence with an id (which also finds its texts) and the step it belongs to."""

    @property
    def id(self) -> str:
        """Finds its texts, and it in every report."""
        ...

    @property
    def step(self) -> str | None:
        """The step that it stands in on a page."""
        ...

    def judge(self, run: Run) -> Result:
        """Compare with the evidence; never raises for what the evidence says."""
        ...
