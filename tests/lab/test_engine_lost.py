"""An engine that stops half-way: one line, exit code 3, and when it is back one down cleans everything."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.settings import Settings
from tests.lab.faults import finish, lab, one_line, when
from tests.lab.private_engine import PrivateEngine, private_engine
from tests.support import another_lab, needs_root, run, variables

pytestmark = needs_root


@pytest.fixture(scope="module")
def engine() -> Iterator[PrivateEngine]:
    with (
        tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True) as folder,
        private_engine(Path(folder)) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def env(settings: Settings, engine: PrivateEngine) -> dict[str, str]:
    return variables(another_lab(settings, "lost")) | {"DOCKER_HOST": engine.host}


def top(engine: PrivateEngine, env: dict[str, str], host: str) -> str:
    try:
        return run("docker", "-H", engine.host, "top", f"{env['LAB_NAME']}-{host}", "-eo", "pid,args")
    except AssertionError:
        return ""


MOMENTS = {
    "while the hosts are made": lambda engine, _: run("docker", "-H", engine.host, "ps", "-aq"),
    "while the capture starts": lambda engine, env: "tcpdump" in top(engine, env, "server"),
    "while the exercise is played": lambda engine, env: "prompt" in top(engine, env, "client"),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_an_engine_killed_in_a_run_is_the_machines_fault_and_one_down_cleans(
    engine: PrivateEngine,
    env: dict[str, str],
    tmp_path: Path,
    moment: Callable[[PrivateEngine, dict[str, str]], object],
) -> None:
    with lab("run", "3", runs=tmp_path, env=env) as process:
        when(process, lambda: moment(engine, env))
        engine.kill(signal.SIGKILL)
        answer = finish(process)
    with lab("down", runs=tmp_path, env=env) as process:
        without = finish(process)
    engine.start()
    with lab("down", runs=tmp_path, env=env) as process:
        down = finish(process)

    assert answer.returncode == 3, answer.stderr
    assert "engine" in one_line(answer).lower()
    # One that is lost half-way, or one that answers no more when it is asked why.
    assert "make engine" in one_line(answer) or engine.host in one_line(answer)
    assert not list(tmp_path.glob("**/*"))
    assert without.returncode == 3
    assert engine.host in one_line(without)
    assert (down.returncode, down.stderr) == (0, "")
    assert run("docker", "-H", engine.host, "ps", "-aq") == ""
    assert engine.links() == []
    networks = run("docker", "-H", engine.host, "network", "ls", "--format", "{{.Name}}").split()
    assert set(networks) <= {"host", "none", "bridge"}


def test_after_that_a_run_passes_there(engine: PrivateEngine, env: dict[str, str], tmp_path: Path) -> None:
    with lab("run", "3", runs=tmp_path, env=env) as process:
        answer = finish(process)
    with lab("down", runs=tmp_path, env=env) as process:
        down = finish(process)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert down.returncode == 0
    assert engine.links() == []
