"""A judged run told in order: the same story for the terminal and for Markdown, before any of them draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import EvidenceError
from lab.exercise import JudgedRun, Step
from lab.judge.judging import held_up
from lab.judge.verdict import Verdict
from lab.recording.play import Party
from lab.recording.play import Step as Played
from lab.recording.run import Run
from lab.report.checks import Check, check, counted
from lab.report.claims import ClaimStory, claim_stories, claims_of
from lab.report.fold import together
from lab.report.seen import sightings
from lab.report.stopping import stop_words
from lab.report.typed import Typed, typed
from lab.report.views import Looking, Shown, show
from lab.report.words import Words
from lab.settings import HOSTS


@dataclass(frozen=True, slots=True)
class HostStory:
    """A host, its address, and the first program that ran there (`serve_blocking, port 8000`)."""

    name: str
    address: str
    program: str


@dataclass(frozen=True, slots=True)
class StepStory:
    """A step: what to type, what is asked, what happened and what it proves."""

    number: int
    id: str
    title: str
    intro: str | None
    typed: tuple[Typed, ...]
    question: str | None
    choices: tuple[str, ...]
    answer: str | None
    because: str | None
    why: str | None
    shown: tuple[Shown, ...]
    reached: bool
    stop: str | None
    """Why the play stopped in this step."""
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class First:
    """Where to look first: the first step in which something does not hold, and what; None when the play stopped."""

    step: StepStory
    check: Check | None


@dataclass(frozen=True, slots=True)
class Story:
    """The whole page."""

    number: int
    title: str
    lead: str | None
    place: str
    hosts: tuple[HostStory, ...]
    stand_ins: str | None
    """Which programs stood in for others."""
    steps: tuple[StepStory, ...]
    loose: tuple[Check, ...]
    """Checks that belong to no step."""
    verdict: Verdict
    counts: Mapping[Verdict, int]
    unreached: int
    """How many checks the play did not get to; `counts` has only the others."""
    first: First | None
    broken: tuple[str, ...]
    """The claims where the lab itself is wrong: what makes a run fail though every expectation holds."""
    claims: tuple[ClaimStory, ...]
    files: tuple[str, ...]
    folder: str
    """The run's folder as one would type it: `runs/ex03/latest` while it is the latest."""
    kept: str
    """The run's folder by its own name."""
    words: Words
    looking: Looking
    """What its views were drawn from; the run's timeline is there for whoever asks."""


def tell(judged: JudgedRun, language: str) -> Story:
    """Return the story of a run; steps that the run never reached are told without what happened."""
    exercise, run, judgement = judged.exercise, judged.run, judged.judgement
    words = Words(exercise.texts(language), language, run.recording.hosts)
    folder = shown_path(_latest(judged.folder))
    leaning = claims_of(exercise.claims)
    checks = tuple(check(result, words, folder, leaning.get(result.id, ())) for result in judgement.results)
    looking = Looking(judged, sightings(run.recording), words)
    steps = tuple(
        _step(number, step, looking, tuple(one for one in checks if one.step == step.id))
        for number, step in enumerate(exercise.steps, start=1)
    )
    known = {step.id for step in exercise.steps}
    return Story(
        number=exercise.number,
        title=words.own("title"),
        lead=words.maybe("lead"),
        place=_place(run, words),
        hosts=_hosts(run, words),
        stand_ins=_stand_ins(run, words),
        steps=steps,
        loose=tuple(one for one in checks if one.step not in known),
        verdict=judgement.verdict,
        counts=counted(checks),
        unreached=sum(not one.reached for one in checks),
        first=_first(steps),
        broken=judgement.broken,
        claims=claim_stories(judgement, words),
        files=_files(run),
        folder=folder,
        kept=shown_path(judged.folder),
        words=words,
        looking=looking,
    )


def shown_path(folder: Path) -> str:
    """Return a folder as the reader would type it: relative to where they stand when it lies below."""
    try:
        return str(folder.relative_to(Path.cwd()) if folder.is_absolute() else folder)
    except ValueError:
        return str(folder)


def _latest(folder: Path) -> Path:
    """Return the `latest` link beside the folder when it leads to it: shorter to type."""
    link = folder.parent / "latest"
    return link if link.is_symlink() and link.resolve() == folder.resolve() else folder


def _place(run: Run, words: Words) -> str:
    kernel = run.recording.environment.get("kernel", "")
    lab = words.lab("header.lab", name=run.play.lab.name, subnet=run.play.lab.subnet)
    return f"{lab} · {kernel if ' ' in kernel else f'Linux {kernel}'}" if kernel else lab


def _hosts(run: Run, words: Words) -> tuple[HostStory, ...]:
    return tuple(
        HostStory(host, run.recording.hosts[host], _program(run.play.parties, host, words))
        for host in run.recording.hosts
        if host in HOSTS or any(party.host == host for party in run.play.parties)
    )


def _program(parties: tuple[Party, ...], host: str, words: Words) -> str:
    party = next((party for party in parties if party.host == host), None)
    if party is None:
        return ""
    if party.role == "server" and party.local is not None:
        return words.lab("header.server", program=party.program, port=party.local.port)
    return party.program


def _stand_ins(run: Run, words: Words) -> str | None:
    told = [words.lab("header.stand-in", old=old, new=new) for old, new in run.play.stand_ins.items()]
    return words.lab("header.comma").join(told) or None


def _step(number: int, step: Step, looking: Looking, checks: tuple[Check, ...]) -> StepStory:
    words, key = looking.words, f"steps.{step.id}"
    played = _played(looking.run, step.id)
    return StepStory(
        number=number,
        id=step.id,
        title=words.own(f"{key}.title"),
        intro=words.maybe(f"{key}.intro"),
        typed=typed(step.type, words),
        question=words.maybe(f"{key}.question") if step.answer else None,
        choices=words.listed(f"{key}.choices"),
        answer=step.answer,
        because=words.maybe(f"{key}.because"),
        why=words.maybe(f"{key}.why"),
        shown=tuple(one for view in step.show if (one := show(looking, view, played))) if played else (),
        reached=played is not None,
        stop=_stop(looking.run, words, step.id),
        checks=checks,
    )


def _stop(run: Run, words: Words, step: str) -> str | None:
    if run.play.stopped is None or run.play.stopped.step != step:
        return None
    told = stop_words(run.play.stopped, run.play.parties, words)
    delay = held_up(run, step)
    return told if delay is None else together(told, words.lab("stop.held-up", delay=words.message(delay)))


def _first(steps: tuple[StepStory, ...]) -> First | None:
    for step in steps:
        failed = next((one for one in step.checks if one.reached and one.verdict is Verdict.FAIL), None)
        if failed or step.stop:
            return First(step, failed)
    return None


def _played(run: Run, step: str) -> Played | None:
    try:
        return run.play.step(step)
    except EvidenceError:
        return None


def _files(run: Run) -> tuple[str, ...]:
    traces = ("traces/",) if run.recording.traces else ()
    return (*(capture.file for capture in run.recording.captures), *traces)
