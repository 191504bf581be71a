"""Several labs side by side, for what is mostly waiting: each takes one play at a time.

A test module that wants much played has a function `jobs`, which is given the chosen tests of the module and a folder for
runs. All modules' jobs are done together after all other tests, before the first test that needs one of them, so that
no other test runs meanwhile. The longest should come first.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from lab.exercise import Exercise, Lab
from lab.hosts.cleanup import remove_lab
from lab.settings import ROOT, Settings
from tests.support import another_lab, variables

COUNT: Final = 4
BESIDE: Final = "beside"
"""What their names have in them."""
SECONDS: Final = 240
AS_TYPED: Final = {"FULL": "0", "LAB_LANG": "en", "ASK": "0"}


Job = Callable[["Labs"], Any]
"""Something to be played; it takes a lab when it can have one."""
Done = Mapping[Hashable, Future[Any]]
"""What was played: `result()` returns what a job returned, or raises its error."""


@dataclass(frozen=True)
class Answer:
    """What a `lab` said."""

    code: int
    stdout: str
    stderr: str


class Labs:
    """Labs that take turns. Whoever asks gets one whose hosts were made as its exercise needs them, if there is one."""

    def __init__(self, settings: Sequence[Settings]) -> None:
        self.count = len(settings)
        self._free: list[tuple[Settings, Lab | None]] = [(one, None) for one in settings]
        self._changed = threading.Condition()
        self._players: dict[tuple[str, float], subprocess.Popen[str]] = {}

    @contextlib.contextmanager
    def one(self, exercise: Exercise) -> Iterator[Settings]:
        """Have a lab for a while."""
        with self._changed:
            self._changed.wait_for(lambda: self._free)
            alike = [at for at, (_, made_for) in enumerate(self._free) if made_for == exercise.lab]
            fresh = [at for at, (_, made_for) in enumerate(self._free) if made_for is None]
            settings, _ = self._free.pop((alike or fresh or [0])[0])
        try:
            yield settings
        finally:
            with self._changed:
                self._free.append((settings, exercise.lab))
                self._changed.notify()

    def play(self, exercise: Exercise, *arguments: str, patience: float, **environment: str) -> Answer:
        """Run `lab` with these arguments on one of the labs, in a process that has already loaded it.

        It waits `patience` seconds for what should happen at once: for a wrong program it mostly waits in vain.
        """
        with self.one(exercise) as settings:
            which = (settings.name, patience)
            player = self._players.get(which) or self._player(settings, patience)
            assert player.stdin is not None
            assert player.stdout is not None
            watchdog = threading.Timer(SECONDS, player.kill)
            watchdog.start()
            try:
                player.stdin.write(json.dumps({"arguments": arguments, "environment": environment}) + "\n")
                player.stdin.flush()
                answer = player.stdout.readline()
            finally:
                watchdog.cancel()
            if not answer:
                del self._players[which]
                return Answer(-1, "", f"no answer within {SECONDS} s")
        return Answer(*json.loads(answer))

    def _player(self, settings: Settings, patience: float) -> subprocess.Popen[str]:
        self._players[settings.name, patience] = player = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.player"],
            cwd=ROOT,
            env=os.environ | variables(settings) | AS_TYPED | {"LAB_PATIENCE": str(patience), "LAB_BROWSER": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return player

    @contextlib.contextmanager
    def doing(self, jobs: Mapping[Hashable, Job]) -> Iterator[Done]:
        """Do all jobs meanwhile, as many at a time as there are labs, begun in their order; in the end begin no more."""
        with ThreadPoolExecutor(max_workers=self.count) as pool:
            try:
                yield {key: pool.submit(job, self) for key, job in jobs.items()}
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the processes that play."""
        for player in self._players.values():
            player.communicate()

    @staticmethod
    def on(settings: Settings, *arguments: str, seconds: float = SECONDS, **environment: str) -> Answer:
        """Run `lab` with these arguments on a lab that one has, as it is typed."""
        done = subprocess.run(
            [sys.executable, "-m", "lab.cli", *arguments],
            cwd=ROOT,
            env=os.environ | variables(settings) | AS_TYPED | environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
        return Answer(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def several_labs(first: Settings) -> Iterator[Labs]:
    """Yield some labs beside the one under test; nothing is left of them in the end."""
    several = [another_lab(first, f"{BESIDE}{number}") for number in range(1, COUNT + 1)]
    try:
        with contextlib.closing(Labs(several)) as labs:
            yield labs
    finally:
        for one in several:
            remove_lab(one)
