"""What an exercise is: a lab, a play, what to look at in each step, expectations and the article's claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from lab.judge.claims import Claim, ClaimResult, Ruling, judge_claim
from lab.judge.judging import in_time, judge_all
from lab.judge.verdict import Expectation, Result, Verdict, worst
from lab.recording.run import Run
from lab.settings import PROFILES
from lab.shelf import read_texts
from lab.text.catalog import Catalog
from lab.timeline.model import Timeline
from lab.views import View

TERMINALS: Final = ("server", "watcher", "client", "client2", "root", "croot", *PROFILES)
"""Every terminal of the by-hand path, in the order they are opened."""


@dataclass(frozen=True, slots=True)
class Lab:
    """What an exercise needs of its hosts: sysctls per network namespace, by host, and hosts beside the usual two.

    `hosts` are further ones that it cannot do without; `others` are such hosts with sysctls; `optional` are used when
    their image is there.
    """

    server: Mapping[str, int | str] = field(default_factory=dict)
    client: Mapping[str, int | str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    others: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)
    optional: tuple[str, ...] = ()

    @property
    def further(self) -> tuple[str, ...]:
        """The hosts that it needs beside server and client."""
        return tuple(dict.fromkeys((*self.hosts, *self.others)))

    def sysctls(self, host: str) -> Mapping[str, int | str]:
        """Return the sysctls of a host."""
        return {"server": self.server, "client": self.client, **self.others}.get(host, {})


@dataclass(frozen=True, slots=True)
class Type:
    """A line to type by hand in one of the terminals, and a pattern of what one should then see there.

    `terminal` is server, client, watcher (a second shell on the server), client2 (a second shell on the client), root
    (a shell on the server as root, for tcpdump) or croot (one on the client, for nft). `{server}` and `{client}` stand
    for the addresses. `line` may be `^D`, `^C` or `^Z` for a key. `after` is a pattern of what has come in that
    terminal since the line before when one types this one: a test waits for it, as a reader does.
    """

    terminal: str
    line: str
    sees: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the page. `answer` is the letter of the right prediction; None where nothing is asked."""

    id: str
    answer: str | None = None
    type: tuple[Type, ...] = ()
    show: tuple[View, ...] = ()


@dataclass(frozen=True)
class Exercise:
    """An exercise as its folder defines it."""

    number: int
    slug: str
    folder: Path
    lab: Lab
    subject: str
    """The server program that the exercise is about: what `lab run N --server` stands in for."""
    steps: tuple[Step, ...]
    play: Callable[..., None]
    """What happens, on the stage (lab/stage.py) that it is given."""
    expect: tuple[Expectation, ...]
    claims: tuple[Claim, ...]

    @property
    def id(self) -> str:
        """`ex03`, the name of its folder under runs/."""
        return f"ex{self.number:02}"

    def texts(self, language: str) -> Catalog:
        """Return the exercise's own texts."""
        return read_texts(self.folder, language)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the evidence says of a whole run."""

    verdict: Verdict
    results: tuple[Result, ...]
    claims: tuple[ClaimResult, ...]
    rules: bool = True
    """Whether the run may rule on claims: no program stood in for another, and no expectation failed."""

    @property
    def broken(self) -> tuple[str, ...]:
        """The claims of which the run supports neither side, though it may rule: there the lab itself is wrong."""
        return tuple(claim.id for claim in self.claims if self.rules and claim.ruling is Ruling.BROKEN)


def judge(exercise: Exercise, run: Run) -> Judgement:
    """Judge a run by its exercise's expectations; the claims are ruled upon beside them.

    How a claim is ruled decides nothing, but a run that may rule and supports neither side of a claim has failed.
    """
    found = judge_all(exercise.expect, run)
    failed = any(result.verdict is Verdict.FAIL for result in found)
    results = tuple(in_time(result, run) for result in found)
    claims = tuple(judge_claim(claim, run) for claim in exercise.claims)
    verdict = worst(result.verdict for result in results)
    judgement = Judgement(verdict, results, claims, not run.play.stand_ins and not failed)
    return replace(judgement, verdict=Verdict.FAIL) if judgement.broken else judgement


@dataclass(frozen=True)
class JudgedRun:
    """A run and what its exercise makes of it: what everything that shows a run is drawn from.

    `folder` is where it is kept, as one would type it; `Path()` for one that lies beside what is shown.
    """

    exercise: Exercise
    run: Run
    judgement: Judgement
    folder: Path = Path()

    @cached_property
    def timeline(self) -> Timeline:
        """The run's timeline, made when somebody first asks for it; EvidenceError as `build_timeline`."""
        from lab.timeline.build import build_timeline  # noqa: PLC0415 - most pages do without it

        return build_timeline(self.run.recording, self.run.play)
