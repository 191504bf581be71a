"""Ctrl-C and kill -9 at any point of up, run and down: nobody is left behind, the next run passes, one down cleans all.

FULL=1 tries many more points, spread over the measured time of each operation.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from lab.hosts.cleanup import remove_lab
from lab.hosts.engine import engine
from lab.settings import ROOT, Settings
from tests.lab.faults import FULL, Answer, environment, finish, lab, runs_program, strangers
from tests.lab.remains import children, traces
from tests.support import another_lab, eventually, left_of, needs_root, variables

FRACTIONS: Final = [n / 7 for n in range(8)] if FULL else []
KILL, INTERRUPT = signal.SIGKILL, signal.SIGINT


@dataclass(frozen=True)
class Bench:
    """A lab of its own to be interrupted, and how long its operations take when they are not."""

    settings: Settings
    runs: Path
    seconds: dict[str, float]

    @property
    def env(self) -> dict[str, str]:
        return variables(self.settings)

    def lab(self, *arguments: str) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
        return lab(*arguments, runs=self.runs, env=self.env)

    def timed(self, *arguments: str) -> float:
        begun = time.monotonic()
        with self.lab(*arguments) as process:
            answer = finish(process)
        assert answer.returncode == 0, answer.stderr
        return time.monotonic() - begun


@pytest.fixture(scope="module")
def bench(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    other = another_lab(settings, "cut")
    found = Bench(other, tmp_path_factory.mktemp("runs"), {})
    try:
        for name, arguments in (("up", ("up",)), ("down", ("down",)), ("cold", ("run", "3")), ("warm", ("run", "3"))):
            found.seconds[name] = found.timed(*arguments)
        assert traces(other)
        yield found
    finally:
        remove_lab(other)


# -- the moments


def a_container_exists(bench: Bench) -> bool:
    with engine() as client:
        return bool(
            client.containers.list(all=True, filters={"label": f"socketlab={bench.settings.name}"}, ignore_removed=True)
        )


def the_capture_listens(bench: Bench) -> bool:
    return runs_program(bench.settings, "tcpdump", "client")


def the_server_serves(bench: Bench) -> bool:
    return runs_program(bench.settings, "serve_blocking")


def the_run_is_being_kept(bench: Bench) -> bool:
    return any((bench.runs / "ex03").glob(".unfinished.*/*"))


Moment = Callable[[Bench], bool]
Point = tuple[str, Moment | float, signal.Signals]
SPREAD: Final = [
    (name, fraction, number)
    for name in ("up", "cold", "warm", "down")
    for fraction in FRACTIONS
    for number in (KILL, INTERRUPT)
]
POINTS: Final[list[Point]] = [
    ("up", a_container_exists, KILL),
    ("cold", a_container_exists, INTERRUPT),
    ("warm", the_capture_listens, KILL),
    ("warm", the_server_serves, INTERRUPT),
    ("warm", the_server_serves, KILL),
    ("warm", the_run_is_being_kept, INTERRUPT),
    ("warm", the_run_is_being_kept, KILL),
    *SPREAD,
]
DOWN_AFTER: Final[list[Point]] = [
    ("up", a_container_exists, KILL),
    ("cold", the_server_serves, INTERRUPT),
    ("down", 0.7, KILL),
    *[point for point in SPREAD if point[0] != "warm"],
]
COMMANDS: Final = {"up": ("up",), "down": ("down",), "cold": ("run", "3"), "warm": ("run", "3")}


def interrupt(bench: Bench, operation: str, moment: Moment | float, number: signal.Signals) -> Answer:
    """Begin the operation, and send the signal to its whole process group when the moment has come."""
    prepare = {"up": "down", "cold": "down", "warm": "up", "down": "up"}[operation]
    bench.timed(prepare)
    begun = time.monotonic()
    with bench.lab(*COMMANDS[operation]) as process:
        if callable(moment):
            eventually(lambda: moment(bench) or process.poll() is not None, 20, 0.0005)
        else:
            # A share of the operation's own time: there is nothing to see from outside that could be waited for.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, begun + moment * bench.seconds[operation] - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        return finish(process, 20)


def name_of(value: object) -> str:
    return getattr(value, "__name__", None) or getattr(value, "name", None) or f"{value:.4}"


@pytest.mark.parametrize(("operation", "moment", "number"), POINTS, ids=name_of)
def test_an_interrupted_lab_leaves_nobody_and_the_next_run_passes(
    bench: Bench, operation: str, moment: Moment | float, number: signal.Signals
) -> None:
    runs_before = whole_runs(bench)

    answer = interrupt(bench, operation, moment, number)

    assert answer.returncode in ((-KILL,) if number is KILL else (130, -INTERRUPT)) or ended_before(answer), (
        answer.stderr
    )
    if answer.returncode == 130:
        assert "Traceback" not in answer.stderr
        assert len(answer.stderr.strip().splitlines()) == 1
        assert not list(bench.runs.glob("*/.*"))
    assert eventually(lambda: not children(bench.settings), 2), children(bench.settings)
    assert eventually(lambda: not strangers(bench.settings), 2), strangers(bench.settings)
    assert whole_runs(bench) >= runs_before

    with bench.lab("run", "3") as process:
        again = finish(process)
    assert again.returncode == 0, again.stderr
    assert len(whole_runs(bench)) >= len(runs_before) + 1
    assert not list(bench.runs.glob("*/.*"))
    assert eventually(lambda: not strangers(bench.settings), 2), strangers(bench.settings)


def ended_before(answer: Answer) -> bool:
    """Whether the signal came too late."""
    return answer.returncode == 0 and answer.stderr == ""


def whole_runs(bench: Bench) -> set[str]:
    """Return the runs that are kept, each of which must be whole; `latest` must be one of them."""
    folder = bench.runs / "ex03"
    found = {path.name for path in folder.glob("2*")}
    for name in found:
        files = {path.name for path in (folder / name).iterdir()}
        assert files >= {"evidence.json", "verdict.json", "junit.xml", "report.md", "server.pcap", "client.pcap"}, name
    assert not found or os.readlink(folder / "latest") in found  # noqa: PTH115 - the name as it stands there
    return found


@needs_root
@pytest.mark.parametrize(("operation", "moment", "number"), DOWN_AFTER, ids=name_of)
def test_one_down_from_anywhere_and_without_the_compose_file_leaves_nothing(
    bench: Bench, tmp_path: Path, operation: str, moment: Moment | float, number: signal.Signals
) -> None:
    interrupt(bench, operation, moment, number)
    copy = tmp_path / "copy"
    for part in ("lab", "exercises", "images"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "compose.yaml", copy / "compose.yaml.away")

    answer = subprocess.run(
        [sys.executable, "-P", "-m", "lab.cli", "down"],
        cwd=tmp_path,
        env=environment(bench.runs, bench.env | {"PYTHONPATH": str(copy)}),
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )

    assert (answer.returncode, answer.stderr) == (0, "")
    assert left_of(bench.settings) == []
    assert traces(bench.settings) == []
    assert eventually(lambda: not children(bench.settings), 2), children(bench.settings)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM], ids=["SIGHUP", "SIGTERM"])
def test_a_terminal_that_goes_away_ends_a_run_in_order(bench: Bench, number: signal.Signals) -> None:
    bench.timed("up")
    # One that never accepts: the play waits for it, and cannot be over before the signal comes.
    command = ("run", "3", "--server", "never_accepts")
    with lab(*command, runs=bench.runs, env=bench.env | {"LAB_PATIENCE": "20"}) as process:
        assert eventually(
            lambda: runs_program(bench.settings, "never_accepts") or process.poll() is not None, 20, 0.001
        )
        os.killpg(process.pid, number)
        answer = finish(process)

    assert answer.returncode == 130
    assert "Traceback" not in answer.stderr
    assert eventually(lambda: not strangers(bench.settings), 2), strangers(bench.settings)


def test_nohup_outlives_the_terminal(bench: Bench) -> None:
    with lab("run", "3", runs=bench.runs, env=bench.env, before=("nohup",)) as process:
        assert eventually(lambda: the_server_serves(bench) or process.poll() is not None, 20, 0.001)
        os.kill(process.pid, signal.SIGHUP)
        assert finish(process).returncode == 0


def test_ctrl_c_twice_still_leaves_nobody(bench: Bench) -> None:
    bench.timed("up")
    with bench.lab("run", "3") as process:
        assert eventually(lambda: the_server_serves(bench) or process.poll() is not None, 20, 0.001)
        os.killpg(process.pid, INTERRUPT)
        os.killpg(process.pid, INTERRUPT)
        answer = finish(process)

    assert answer.returncode == 130, answer.stderr
    assert eventually(lambda: not strangers(bench.settings), 2), strangers(bench.settings)


def test_killed_docker_execs_are_the_machines_fault(bench: Bench) -> None:
    bench.timed("up")
    with bench.lab("run", "3") as process:
        assert eventually(lambda: the_server_serves(bench) or process.poll() is not None, 20, 0.001)
        for pid in subprocess.run(
            ["pgrep", "-f", f"^docker exec -i {bench.settings.name}-"], capture_output=True, text=True, check=True
        ).stdout.split():
            os.kill(int(pid), KILL)
        answer = finish(process)

    assert answer.returncode == 3, answer.stderr
    assert eventually(lambda: not strangers(bench.settings), 2), strangers(bench.settings)
