"""What tests of faults share: a lab that is watched while it runs, what a host runs, what is said on stderr."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from unittest import mock

from lab.cli import main
from lab.hosts.engine import engine
from lab.settings import HOSTS, ROOT, Settings
from tests.support import eventually

Answer = subprocess.CompletedProcess[str]
FULL: Final = os.environ.get("FULL") == "1"


def programs(settings: Settings, *hosts: str) -> list[str]:
    """Return everything that runs in the hosts (both) but for what holds them up, as `host pid command`."""
    found = []
    with engine() as client:
        for host in hosts or HOSTS:
            table = client.containers.get(settings.container(host)).top(ps_args="-eo pid,args")["Processes"] or []
            found += [f"{host} {pid} {command}" for pid, command in table if not holds_up(command)]
    return found


def strangers(settings: Settings) -> list[str]:
    """Return the programs of those hosts that are there and run."""
    from docker.errors import APIError  # noqa: PLC0415

    found = []
    for host in HOSTS:
        with engine() as client, contextlib.suppress(APIError):
            table = client.containers.get(settings.container(host)).top(ps_args="-eo pid,args")["Processes"] or []
            found += [f"{host} {pid} {command}" for pid, command in table if not holds_up(command)]
    return found


def holds_up(command: str) -> bool:
    """Tell whether a command that `docker top` shows is there in every host, whatever runs in it."""
    # The engine's health check, also when it has just ended, and an exec that is just becoming something.
    passing = ("test -e", "[test]", "runc", "[runc")
    return command == "sleep infinity" or "docker-init" in command or command.startswith(passing)


def one_line(answer: Answer) -> str:
    """Return the one line on stderr."""
    lines = answer.stderr.strip().splitlines()
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("lab: "), answer.stderr
    return lines[0]


def environment(runs: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of a learner whose runs are kept in that folder."""
    return os.environ | {"LAB_RUNS": str(runs), "LAB_LANG": "en", "ASK": "0"} | dict(more or {})


def here(*arguments: str, env: Mapping[str, str] | None = None) -> Answer:
    """Run the command `lab` in this very process: ten times faster, and as good where only words are at stake."""
    out, err = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    variables = {"LAB_LANG": "en", "ASK": "0", "COLUMNS": "100", **(env or {})}
    with mock.patch.dict(os.environ, variables), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    for number, handler in handlers.items():
        signal.signal(number, handler)
    return Answer(arguments, code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def lab(
    *arguments: str,
    runs: Path,
    env: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
    root: Path = ROOT,
) -> Iterator[subprocess.Popen[str]]:
    """Start `lab` in a process group of its own, as a terminal does, and end it in any case."""
    process = subprocess.Popen(
        [*before, sys.executable, "-m", "lab.cli", *arguments],
        cwd=root,
        env=environment(runs, env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str], seconds: float = 60) -> Answer:
    """Wait for its end."""
    out, err = process.communicate(timeout=seconds)
    return Answer(process.args, process.returncode, out, err)


def when(process: subprocess.Popen[str], come: Callable[[], object]) -> None:
    """Wait until something has come, which must be before the process ends."""
    assert eventually(lambda: process.poll() is not None or come(), 60, 0.005)
    assert process.poll() is None, process.communicate()


def runs_program(settings: Settings, name: str, host: str = "server") -> bool:
    """Whether a host that may not be there yet runs a program of that name; one whose last process ends has no list."""
    from docker.errors import APIError  # noqa: PLC0415

    with engine() as client, contextlib.suppress(APIError):
        table = client.containers.get(settings.container(host)).top(ps_args="-eo pid,args")["Processes"] or []
        return any(name in command for _, command in table)
    return False
