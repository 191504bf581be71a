"""What is started, and what is done to it at a random moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Self

from lab.settings import ROOT, Settings

SECONDS: Final = 60.0
"""How long what was struck may take to end by itself; what plays on is then told to end."""
_STAYS_SECONDS: Final = 4.0
"""The same for what would never end by itself."""


@dataclass(frozen=True)
class Subject:
    """A command that is struck: what is typed, whether it needs a lab that is up, and a second one beside it."""

    name: str
    words: tuple[str, ...]
    needs_up: bool = False
    beside: tuple[str, ...] = ()
    span: float | None = None
    """Within which time (s) it is struck; None: its own, which is measured."""

    @property
    def seconds(self) -> float:
        return SECONDS if self.span is None else _STAYS_SECONDS


def _make(target: str, *, needs_up: bool = False) -> Subject:
    return Subject(target, ("make", target), needs_up)


SUBJECTS: Final = (
    _make("exercise-0"),
    _make("exercise-3"),
    _make("exercise-5"),
    _make("exercise-12"),
    Subject("exercises", ("make", "exercises"), span=12.0),
    Subject("two plays", ("make", "exercise-5"), beside=("make", "exercise-3")),
    Subject("run --json", (".venv/bin/lab", "run", "3", "--json")),
    _make("up"),
    _make("down"),
    _make("reset", needs_up=True),
    Subject("live", ("make", "live"), needs_up=True, span=3.0),
    Subject("watch", ("make", "watch"), needs_up=True, span=3.0),
    Subject("shell", ("make", "shell-client"), needs_up=True, span=2.0),
)
CONTAINERS: Final = ("server", "client", "recorder")


@dataclass(frozen=True)
class Stroke:
    """A way to strike: who is hit (`make` or what was typed, the `lab` below it, the process `group`, a container), how."""

    target: str
    how: str

    def __str__(self) -> str:
        return f"{self.how} {self.target}"


STROKES: Final = (
    *(Stroke(target, how) for target in ("make", "lab", "group") for how in ("KILL", "TERM", "INT", "HUP")),
    *(Stroke(target, how) for target in ("make", "lab", "group") for how in ("STOP+CONT", "STOP+KILL")),
    *(Stroke(target, "STOP") for target in ("lab", "group")),
    *(Stroke(container, "docker kill") for container in CONTAINERS),
)


class Running:
    """A command in a session of its own, as a terminal of its own gives it; what it says is kept."""

    def __init__(self, words: tuple[str, ...], variables: Mapping[str, str]) -> None:
        self._printed: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with what runs
        self._complained: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=self._printed,
            stderr=self._complained,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ended(self, seconds: float = 0.0) -> bool:
        """Wait for its end; tell whether it has come."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is not None

    def code(self) -> int | None:
        return self._process.poll()

    def printed(self) -> str:
        self._printed.seek(0)
        return self._printed.read()

    def said(self) -> str:
        self._complained.seek(0)
        return self.printed() + self._complained.read()

    def signal(self, target: str, number: signal.Signals) -> None:
        """Send a signal to what was typed, to the `lab` below it where there is one, or to the whole group."""
        with contextlib.suppress(ProcessLookupError):
            if target == "group":
                os.killpg(self.pid, number)
            else:
                os.kill(self.lab() if target == "lab" else self.pid, number)

    def lab(self) -> int:
        """Return the process of the command `lab`; what was typed, where there is none."""
        for pid in _group(self.pid):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if any(word.endswith(b".venv/bin/lab") for word in words[:2]):
                    return pid
        return self.pid

    def group_ended(self, seconds: float) -> bool:
        """Wait until nobody of its group is left: make that was killed leaves its `lab`."""
        deadline = time.monotonic() + seconds
        while (left := list(_group(self.pid))) and time.monotonic() < deadline:
            self._process.poll()
            time.sleep(0.02)
        return not left

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.communicate()
        self._printed.close()
        self._complained.close()


def _group(leader: int) -> Iterator[int]:
    """Yield the processes of a group that are not zombies."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                state, _, group = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
                if int(group) == leader and state not in "ZX":
                    yield int(entry.name)


def strike(stroke: Stroke, running: Running, settings: Settings, pause: float) -> None:
    """Do it; `pause` is how long something stopped stays so."""
    if stroke.how == "docker kill":
        name = settings.container(stroke.target)
        subprocess.run(["docker", "kill", name], check=False, capture_output=True)
        return
    first, _, then = stroke.how.partition("+")
    running.signal(stroke.target, signal.Signals[f"SIG{first}"])
    if then:
        time.sleep(pause)  # as long as a lid stays closed: nothing is waited for
        running.signal(stroke.target, signal.Signals[f"SIG{then}"])
