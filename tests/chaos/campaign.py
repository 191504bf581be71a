"""One stroke after the other on a lab of its own, and what must hold after each; a lab beside it must not notice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from lab.hosts.cleanup import remove_lab
from lab.settings import HOSTS, RECORDER, ROOT, Settings
from tests.chaos.strokes import SECONDS, STROKES, SUBJECTS, Running, Stroke, Subject, strike
from tests.lab.remains import held_names, processes, traces
from tests.support import another_lab, eventually, left_of, variables

LAB: Final = ".venv/bin/lab"
_PLAY_SECONDS: Final = 120.0
_GONE_SECONDS: Final = 5.0
"""What an agent, or the engine, needs at most to notice that somebody has gone."""
_TOO_SLOW: Final = "did not answer in time"
"""What the lab says of a machine that has no processor to spare, and what the judge says of a play on it."""
_DELAYED: Final = re.compile(r"stood still for|the machine is too busy")
_ERROR: Final = re.compile(r"make: \*\*\* \[[^]]*\] (?:Error (\d+)|(\w.*))")


@dataclass(frozen=True)
class Outcome:
    """What came of one stroke: how the command ended, and what did not hold afterwards."""

    number: int
    subject: Subject
    stroke: Stroke
    moment: float
    ended: str
    wrong: Sequence[str] = field(default=())
    busy: Sequence[str] = field(default=())
    """Plays afterwards that a machine without a processor to spare left undecided: neither passed nor failed."""


class Campaign:
    """A lab to be struck, one beside it that nobody touches, and how long the commands take when they are left alone."""

    def __init__(self, settings: Settings, runs: Path, seed: int) -> None:
        self._lab = another_lab(settings, "chaos")
        self._calm = another_lab(settings, "calm")
        self._runs = runs
        self._seed = seed
        self._spans: dict[tuple[str, bool], float] = {}
        self._beside: list[str] = []

    def __enter__(self) -> Self:
        _must(self._type(self._calm, "up", "--build"))
        _must(self._type(self._lab, "down"))
        sleeper = ["docker", "exec", "-d", self._calm.container("client"), "sleep", "1000000"]
        subprocess.run(sleeper, check=True, capture_output=True)
        self._beside = self._calm_now()
        return self

    def __exit__(self, *_: object) -> None:
        for lab in (self._lab, self._calm):
            remove_lab(lab)

    def round(self, number: int, subject: Subject | None = None, stroke: Stroke | None = None) -> Outcome:
        """Strike once, and look at what is left; the seed and the number alone decide what is done, unless it is given."""
        dice = random.Random(f"{self._seed}/{number}")
        subject = dice.choice(SUBJECTS) if subject is None else subject
        stroke = dice.choice(STROKES) if stroke is None else stroke
        fraction, pause = dice.random(), dice.uniform(0.2, 2.0)
        up, down_first, struck = dice.random() < 0.5 or subject.needs_up, dice.random() < 0.5, dice.random() < 0.5
        span = self._span(subject, up=up)
        wrong, busy = self._wants(0, "up") if up else [], list[str]()
        with Running(subject.words, self._env(self._lab)) as first, contextlib.ExitStack() as stack:
            both = [first]
            if subject.beside:
                both.append(stack.enter_context(Running(subject.beside, self._env(self._lab))))
            hit = both[struck and len(both) > 1]
            hit.ended(fraction * span)
            strike(stroke, hit, self._lab, pause)
            left_stopped = stroke.how == "STOP" and not hit.ended()
            if left_stopped:
                wrong += self._while_stopped(busy, down=down_first)
                hit.signal("group", signal.SIGCONT)
            ended = self._end(both, hit, subject.seconds)
            if subject.beside and not left_stopped and stroke.how != "docker kill":
                other = both[not struck]
                kept = busy if _TOO_SLOW in other.said() else wrong
                kept += [f"the other play: {_how(other)}: {_last(other.said())}"] if _how(other) != "0" else []
            wrong += [f"said: {_last(each.said())}" for each in both if "Traceback" in each.said()]
            wrong += _undocumented(first) if "--json" in subject.words else []
            wrong += [f"{each.pid} does not end" for each in both if not each.group_ended(SECONDS)]
            wrong += ["a fault of the machine counts as the learner's"] if ended == "1" else []
        wrong += self._down() if down_first else []
        wrong += self._plays(self._lab, busy)
        wrong += self._down()
        wrong += self._still_calm()
        wrong += self._plays(self._calm, busy) if dice.random() < 0.1 else []
        return Outcome(number, subject, stroke, fraction * span, ended, wrong, busy)

    @staticmethod
    def _end(all_of_them: Sequence[Running], hit: Running, seconds: float) -> str:
        """Wait for the end of all; return how the one that was hit ended, by itself or told to."""
        for each in all_of_them:
            if not each.ended(seconds) or not each.group_ended(seconds):
                each.signal("group", signal.SIGTERM)
                each.signal("group", signal.SIGCONT)
                if each.ended(SECONDS) and each is hit:
                    return "went on"
        return _how(hit)

    def _while_stopped(self, busy: list[str], *, down: bool) -> list[str]:
        """Somebody who is stopped keeps nobody waiting for ever: a play says who it is, and a `down` ends him."""
        answer = self._type(self._lab, "run", "3")
        told = answer.returncode == 3 and "is stopped (Ctrl-Z or SIGSTOP)" in answer.stderr
        wrong = self._down(processes_too=False) if down else []
        kept = busy if _TOO_SLOW in answer.stderr else wrong
        kept += [] if told or answer.returncode == 0 else [f"beside one that is stopped: {_last(answer.stderr)}"]
        return wrong

    def _down(self, *, processes_too: bool = True) -> list[str]:
        wrong = self._wants(0, "down")
        wrong += [f"after down: {left}" for left in (*left_of(self._lab), *traces(self._lab))]
        wrong += [f"after down: {left}" for left in sorted(map(str, self._runs.glob("*/.*")))]
        if processes_too:
            wrong += [f"still runs: {left}" for left in _at_last_none(lambda: processes(self._lab))]
            wrong += [f"still held: {left}" for left in _at_last_none(lambda: held_names(self._lab))]
        return wrong

    def _wants(self, code: int, *arguments: str) -> list[str]:
        answer = self._type(self._lab, *arguments)
        if answer.returncode == code:
            return []
        return [f"{' '.join(arguments)} ended with {answer.returncode}: {_last(answer.stderr or answer.stdout)}"]

    def _plays(self, lab: Settings, busy: list[str]) -> list[str]:
        """Play once; what did not pass is wrong, or `busy` where the lab itself says that the machine was too slow."""
        answer = self._type(lab, "run", "3", "--json")
        wrong: list[str] = []
        if answer.returncode == 0:
            return wrong
        told = json.loads(answer.stdout or "{}")
        error = told.get("error")
        lacks = [one for one in told.get("results", ()) if one["verdict"] != "pass"]
        why = error or [f"{one['id']}: {one['observed']}" for one in lacks]
        too_slow = error["code"] == "host-too-slow" if error else any(_DELAYED.search(one["observed"]) for one in lacks)
        undecided = too_slow and all(one["verdict"] == "inconclusive" for one in lacks)
        (busy if undecided else wrong).append(f"the next play on {lab.name} ended with {answer.returncode}: {why}")
        return wrong

    def _still_calm(self) -> list[str]:
        now = self._calm_now()
        return [] if now == self._beside else [f"the lab beside it was {self._beside}, is {now}"]

    def _calm_now(self) -> list[str]:
        names = [self._calm.container(host) for host in (*HOSTS, RECORDER)]
        answer = subprocess.run(["docker", "inspect", *names], check=False, capture_output=True, text=True)
        found = [
            f"{one['Name']} {one['Id'][:12]} {one['State']['StartedAt']}" for one in json.loads(answer.stdout or "[]")
        ]
        top = ["docker", "top", self._calm.container("client"), "-eo", "args"]
        rest = subprocess.run(top, check=False, capture_output=True, text=True).stdout
        return [*found, *(line for line in rest.splitlines() if line == "sleep 1000000")]

    def _span(self, subject: Subject, *, up: bool) -> float:
        """Return within which time a command is struck: its own, measured once from where the lab is up and from down."""
        if subject.span is None and (subject.name, up) not in self._spans:
            _must(self._type(self._lab, "up" if up else "down"))
            begun = time.monotonic()
            with Running(subject.words, self._env(self._lab)) as alone:
                alone.ended(_PLAY_SECONDS)
            self._spans[subject.name, up] = time.monotonic() - begun
            _must(self._type(self._lab, "down"))
        return subject.span or self._spans[subject.name, up]

    def _type(self, lab: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
        words = [LAB, *arguments]
        try:
            return subprocess.run(
                words,
                cwd=ROOT,
                env=os.environ | self._env(lab),
                check=False,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=_PLAY_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(words, -1, "", f"no end after {_PLAY_SECONDS:g} s")

    def _env(self, lab: Settings) -> Mapping[str, str]:
        return variables(lab) | {"LAB_RUNS": str(self._runs), "LAB_LANG": "en", "ASK": "0"}


def _must(answer: subprocess.CompletedProcess[str]) -> None:
    assert answer.returncode == 0, answer.stderr


def _how(running: Running) -> str:
    """Return how a command ended: `lab`'s own exit code where make tells it, the signal, or make's words."""
    code = running.code()
    found = _ERROR.findall(running.said())
    if found:
        return str(found[-1][0] or found[-1][1])
    return str(code) if code is None or code >= 0 else signal.Signals(-code).name


def _undocumented(running: Running) -> list[str]:
    """Whatever it ended with, unless it was killed, there is one document that tells so."""
    code = running.code()
    if code is None or code < 0:
        return []
    try:
        told = json.loads(running.printed())["exit_code"]
    except (ValueError, TypeError, KeyError):
        return [f"with exit code {code} it printed no document: {running.printed()!r}"]
    return [] if told == code else [f"the document tells {told}, it ended with {code}"]


def _at_last_none(look: Callable[[], list[str]]) -> list[str]:
    """Look until nothing is seen; return what is still there when it should have gone."""
    left: list[str] = []

    def gone() -> bool:
        left[:] = look()
        return not left

    eventually(gone, _GONE_SECONDS, 0.1)
    return left


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "nothing"
