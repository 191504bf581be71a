"""What is late because something was held up is nobody's failure: the lab stopped, no processor to be had."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from lab.hosts.channel import Channel
from lab.recording.delays import LAB, STOOD_STILL
from lab.recording.store import load
from lab.settings import Settings
from tests.lab.faults import Answer, finish, lab, runs_program, when

pytestmark = pytest.mark.lab

STOPPED_SECONDS = 6
SPIN = "import time\nend = time.monotonic() + 3\nwhile time.monotonic() < end: pass"


def stopped_in_the_middle(settings: Settings, runs: Path, *arguments: str, program: str) -> Answer:
    """Play, and stop the lab itself for some seconds when a host runs the program."""
    with lab("run", *arguments, runs=runs) as process:
        when(process, lambda: runs_program(settings, program))
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(STOPPED_SECONDS)  # what is tested is the time
        os.kill(process.pid, signal.SIGCONT)
        return finish(process, 180)


@pytest.mark.parametrize("number", [3, 6])
def test_a_lab_that_was_stopped_fails_no_program_and_notes_it(hosts_up: Settings, tmp_path: Path, number: int) -> None:
    answer = stopped_in_the_middle(hosts_up, tmp_path, str(number), program="serve_blocking")

    assert answer.returncode in (0, 4), answer.stdout
    if "Nothing was kept" in answer.stderr:  # stopped where the lab waited for a host's answer
        assert "stood still" in answer.stderr
        return
    found = [delay for delay in load(tmp_path / f"ex{number:02}" / "latest").play.delays if delay.who == LAB]
    assert [delay.reason for delay in found] == [STOOD_STILL]
    assert 4e9 < found[0].waited_ns < 60e9


def test_a_wrong_program_is_not_blamed_when_the_lab_was_stopped(hosts_up: Settings, tmp_path: Path) -> None:
    arguments = ("3", "--server", "forgets_close")
    answer = stopped_in_the_middle(hosts_up, tmp_path, *arguments, program="forgets_close")

    assert answer.returncode == 4, answer.stdout
    assert "stood still" in " ".join(answer.stdout.split())


def test_a_host_tells_who_had_a_processor_and_who_waited_for_what(hosts_up: Settings) -> None:
    with Channel("server", hosts_up.container("server")) as channel:
        channel.wait_ready()
        for name, script in (("works", SPIN), ("sleeps", "import time; time.sleep(60)")):
            channel.call("spawn", name=name, argv=["python3", "-c", script])
        channel.wait_event(lambda event: event.kind == "exit", 60)
        channel.call("spawn", name="again", argv=["python3", "-c", SPIN])
        channel.wait_event(lambda event: event.kind == "exit" and event.name == "again", 1.5)
        told = {each["name"]: each for each in channel.call("runqueue", seconds=2)["programs"]}

    assert set(told) == {"sleeps", "again"}
    assert told["again"]["ran_ns"] + told["again"]["waited_ns"] > 1e9
    assert told["sleeps"]["ran_ns"] + told["sleeps"]["waited_ns"] < 1e9
    assert all(1e9 < each["window_ns"] < 60e9 for each in told.values())
    assert told["again"]["ran_ns"] * 0.9 < told["again"]["host_ran_ns"] == told["sleeps"]["host_ran_ns"]
