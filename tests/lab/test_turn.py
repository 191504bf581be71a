"""A lab's turn: one session at a time makes and drives its hosts, whoever is stopped or killed; no container is needed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from lab.errors import MachineError
from lab.hosts.connection import Connection
from lab.hosts.holders import names_below
from lab.hosts.turn import take_turn
from lab.settings import ROOT, Settings
from tests.lab.faults import Answer, environment, finish, lab
from tests.lab.remains import held_names, processes
from tests.support import another_lab, eventually, left_of, variables

HOLD: Final = """
import os, signal, sys
from lab.errors import InterruptError
from lab.hosts.connection import Connection
from lab.hosts.turn import take_turn
from lab.settings import read_settings
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.default_int_handler)
try:
    with {"turn": take_turn, "connection": Connection}[sys.argv[1]](read_settings(os.environ)):
        print("mine", flush=True)
        signal.pause()
except InterruptError as error:
    sys.exit(f"told: {error.code}")
"""


@pytest.fixture
def alone(settings: Settings) -> Iterator[Settings]:
    """A lab that is down, and of which nothing may be left."""
    found = another_lab(settings, "turn")
    yield found
    assert held_names(found) == []
    assert eventually(lambda: not processes(found), 5), processes(found)
    assert left_of(found) == []


@contextlib.contextmanager
def holder(settings: Settings, by: str = "turn") -> Iterator[subprocess.Popen[str]]:
    """Have the turn held by another process, which has it for itself or by a `connection`."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, by],
        cwd=ROOT,
        env=os.environ | variables(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "mine\n"
            yield process
        finally:
            process.kill()


def waiting(settings: Settings) -> int:
    """Return how many sessions there are: that which has the turn, and those that wait for it."""
    return sum("/" in name.removeprefix(f"socketlab/{settings.name}") for name in held_names(settings))


def type_(settings: Settings, runs: Path, *arguments: str) -> Answer:
    with lab(*arguments, runs=runs, env=variables(settings)) as process:
        return finish(process)


def test_a_session_has_the_turn_until_it_hangs_up(alone: Settings) -> None:
    with Connection(alone) as connection:
        with pytest.raises(MachineError) as busy:
            take_turn(alone, seconds=0)
        connection.hang_up()
        take_turn(alone).give_back()
    assert (busy.value.code, busy.value.params["pid"]) == ("lab-busy", os.getpid())


def test_a_session_that_cannot_begin_gives_the_turn_back(alone: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(MachineError, match="No Docker engine"):
        Connection(alone)
    assert held_names(alone) == []


def test_who_waits_is_told_for_whom_and_gets_the_turn_without_a_gap(alone: Settings) -> None:
    told: list[tuple[str, object]] = []
    with holder(alone) as process:

        def say(code: str, fields: dict[str, object]) -> None:
            told.append((code, fields["pid"]))
            process.send_signal(signal.SIGTERM)

        take_turn(alone, say).give_back()
    assert told == [("waiting", process.pid)]


def test_a_holder_that_is_killed_leaves_no_name(alone: Settings) -> None:
    with holder(alone) as process:
        process.kill()
        take_turn(alone, seconds=5).give_back()


def test_of_a_stopped_holder_who_comes_is_told_and_down_ends_it(alone: Settings, tmp_path: Path) -> None:
    with holder(alone) as process:
        process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        answer = type_(alone, tmp_path, "up")
        assert answer.returncode == 3
        assert f"(pid {process.pid}) has its hosts, and is stopped (Ctrl-Z or SIGSTOP)" in answer.stderr
        assert f"kill -CONT {process.pid}" in answer.stderr
        assert time.monotonic() - begun < 30  # not until the deadline of a minute
        down = type_(alone, tmp_path, "down")
        assert (down.returncode, down.stderr) == (0, "")
        assert f"(pid {process.pid})" in down.stdout.splitlines()[0]
        assert process.stderr
        assert process.stderr.read() == "told: ended-by-down\n"  # and gone on so that it could


@pytest.mark.parametrize("command", [("run", "3"), ("run", "--all"), ("up",), ("conform",)])
def test_down_ends_who_has_the_turn_and_who_waits_for_it(
    alone: Settings, tmp_path: Path, command: tuple[str, ...]
) -> None:
    with holder(alone) as process, lab(*command, runs=tmp_path, env=variables(alone)) as waits:
        assert eventually(lambda: waits.poll() is not None or waiting(alone) == 2)
        down = type_(alone, tmp_path, "down")
        answer = finish(waits)
    assert (down.returncode, down.stderr) == (0, "")
    assert [f"(pid {one.pid})" in down.stdout for one in (process, waits)] == [True, True]
    assert answer.returncode == 130, answer.stderr
    assert f"`make down` of the lab {alone.name} has ended this" in answer.stderr
    assert "stay up" not in answer.stderr


@pytest.mark.parametrize("by", ["turn", "connection"])
def test_a_session_knows_whether_a_down_ended_it(alone: Settings, tmp_path: Path, by: str) -> None:
    with holder(alone, by) as process:
        assert process.stderr
        assert type_(alone, tmp_path, "down").returncode == 0
        assert process.stderr.read() == "told: ended-by-down\n"
    with holder(alone, by) as process:
        assert process.stderr
        process.send_signal(signal.SIGTERM)
        assert process.stderr.read().endswith("KeyboardInterrupt\n")


def test_who_waits_and_is_interrupted_by_another_is_not_told_of_a_down(alone: Settings, tmp_path: Path) -> None:
    with holder(alone), lab("run", "3", runs=tmp_path, env=variables(alone)) as waits:
        assert eventually(lambda: waits.poll() is not None or waiting(alone) == 2)
        waits.send_signal(signal.SIGTERM)
        answer = finish(waits)
    assert answer.returncode == 130, answer.stderr
    assert "stay up until `make down`" in answer.stderr
    assert "has ended this" not in answer.stderr


def test_down_waits_for_a_compose_whose_lab_was_killed_and_lets_it_go_on(alone: Settings, tmp_path: Path) -> None:
    # What is no session is not ended: it may be in the midst of what the engine has begun for it.
    turn = take_turn(alone)
    rest = "import signal, sys; print('here', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", rest],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=turn.descriptors,
    ) as compose:  # fmt: skip
        assert compose.stdout
        assert compose.stdout.readline() == "here\n"
        turn.give_back()
        compose.send_signal(signal.SIGSTOP)
        with lab("down", runs=tmp_path, env=variables(alone)) as down:
            assert eventually(lambda: state_of(compose.pid) != "T")
            assert down.poll() is None
            compose.communicate("")
            assert finish(down).returncode == 0
    assert compose.returncode == 0


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_who_is_named_cannot_write_on_the_terminal(alone: Settings) -> None:
    turn = take_turn(alone)
    words = ("\x1b[2J\x1b[H", "`reboot`", "\n" + "x" * 100)
    with subprocess.Popen(
        ["sh", "-c", "read -r _; exit", *words], stdin=subprocess.PIPE, text=True, pass_fds=turn.descriptors
    ) as child:
        turn.give_back()
        with pytest.raises(MachineError) as busy:
            take_turn(alone, seconds=0)
        child.communicate("\n")
    told = str(busy.value.params["command"])
    assert (told.isprintable(), "`" in told, len(told) <= 60) == (True, False, True), told


# -- make


def make(settings: Settings, runs: Path, target: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["make", target],
        cwd=ROOT, env=environment(runs, variables(settings)), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def test_a_lab_ends_when_its_make_is_killed_also_while_it_waits(alone: Settings, tmp_path: Path) -> None:
    with holder(alone) as process, make(alone, tmp_path, "exercise-12") as started:
        assert eventually(lambda: started.poll() is not None or waiting(alone) == 2, 30)
        started.kill()
        assert eventually(lambda: waiting(alone) == 1, 10), names_below(f"socketlab/{alone.name}")
        assert process.poll() is None


def test_a_lab_whose_make_is_already_gone_does_nothing(alone: Settings, tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    with lab("up", runs=tmp_path, env=variables(alone) | {"LAB_MAKE": str(gone.pid)}) as process:
        assert finish(process).returncode == 130


def test_a_lab_that_is_typed_outlives_who_typed_it(alone: Settings, tmp_path: Path) -> None:
    script = f"setsid {sys.executable} -m lab.cli up >/dev/null 2>&1 & echo started"
    with holder(alone):
        answer = subprocess.run(
            ["sh", "-c", script], cwd=ROOT, env=environment(tmp_path, variables(alone)),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        assert answer.stdout == "started\n"
        assert eventually(lambda: waiting(alone) == 2)
        assert not eventually(lambda: waiting(alone) == 1, 1)
        assert type_(alone, tmp_path, "down").returncode == 0
