"""What the benchmark stands on: the lab that the environment names, its own folder for runs, and timed processes."""

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
from typing import Final

from lab.hosts.cleanup import remove_lab
from lab.hosts.compose import bring_up
from lab.hosts.connection import open_hosts
from lab.hosts.engine import LABEL, engine
from lab.hosts.images import image_name
from lab.settings import HOSTS, KNOWN_HOSTS, RECORDER, ROOT, Settings

LAB: Final = str(ROOT / ".venv" / "bin" / "lab")
COMPOSE: Final = ("docker", "compose", "--project-directory", str(ROOT), "-f", str(ROOT / "compose.yaml"))
_END_SECONDS: Final = 20.0


class BrokenError(Exception):
    """Something the benchmark runs did not work: the command and its last words."""

    def __init__(self, command: str, words: str) -> None:
        super().__init__(command, words)
        self.command = command
        self.words = words


class MissingError(Exception):
    """A program that something is measured against is not on this machine."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that ran to its end: wall time in seconds, exit status, last line of stderr."""

    seconds: float
    status: int
    words: str


class World:
    """One lab to measure in."""

    def __init__(self, settings: Settings, runs: Path) -> None:
        self.settings = settings
        self.runs = runs
        self.environment = _as_typed(os.environ) | dict(settings.compose_environment())
        self.environment |= {"LAB_RUNS": str(runs), "LAB_IMAGE": image_name(), "ASK": "0"}

    def time(self, *command: str) -> Ended:
        """Run a command as a process of its own and time it; Ctrl-C ends it, with what it started, before it goes on."""
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            words = process.communicate()[1].decode("utf-8", "replace").strip()
        except BaseException:
            _end_all(process)
            raise
        seconds = time.perf_counter() - begun
        # make's own last line only says that there was an error.
        lines = [line for line in words.splitlines() if not line.startswith("make: ")]
        return Ended(seconds, process.returncode, lines[-1] if lines else "")

    def must(self, *command: str) -> float:
        """Run a command that has to work and return its seconds; BrokenError when it does not."""
        ended = self.time(*command)
        if ended.status != 0:
            raise BrokenError(" ".join(command), ended.words or f"exit status {ended.status}")
        return ended.seconds

    def up(self) -> None:
        """Have the hosts up as the lab itself makes them."""
        bring_up(self.settings, _PLAIN)

    def down(self) -> None:
        """Have nothing of the lab left."""
        remove_lab(self.settings)

    def exec_true(self, host: str) -> float:
        """Return the seconds of one bare `docker exec HOST true`."""
        return self.must("docker", "exec", self.settings.container(host), "true")


_PLAIN: Final[Mapping[str, Mapping[str, int | str]]] = {host: {} for host in HOSTS}


@contextlib.contextmanager
def world(settings: Settings) -> Iterator[World]:
    """Yield a world; afterwards those containers of the lab are up that were before, whatever ended the measuring.

    MachineError when there is no engine or image, or when somebody else drives the hosts.
    """
    before = _up(settings)
    if set(HOSTS) <= set(before):
        with open_hosts(settings, None):
            pass  # refuses hosts that are in use: they would be taken down under somebody's hands
    settings.runs.mkdir(parents=True, exist_ok=True)
    # On the disk where a learner's runs are kept, since keeping one is part of what is measured.
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=settings.runs) as folder:
        here = World(settings, Path(folder))
        try:
            yield here
        finally:
            with _undisturbed():
                here.down()
                if before:
                    bring_up(settings, {host: {} for host in before})


def _up(settings: Settings) -> list[str]:
    """Return which of the lab's hosts are up, the recorder among them."""
    with engine() as client:
        running = {each.name for each in client.containers.list(filters={"label": f"{LABEL}={settings.name}"})}
    return [host for host in (*KNOWN_HOSTS, RECORDER) if settings.container(host) in running]


def _as_typed(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that a command typed at a prompt would have, not one within `make bench`."""
    makes_own = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "PYTHONPATH", "PYTHONHOME"}
    kept = {name: value for name, value in environment.items() if name not in makes_own}
    return kept | {"PYTHONDONTWRITEBYTECODE": ""}


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """End a process with its children: politely first, since the lab then closes what it opened in the hosts."""
    with _undisturbed(), contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back further Ctrl-C while things are put back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
