"""A process that stands still notices it, and what waits in it gets the time back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from lab.recording.delays import LAB, STOOD_STILL
from lab.standstill import Standstill

WATCHING = """
import sys
from lab.standstill import Standstill
with Standstill() as standstill:
    print("watching", flush=True)
    sys.stdin.readline()
    for delay in standstill.delays():
        print(delay.who, delay.reason, delay.waited_ns, delay.ended_ns - delay.begun_ns)
"""


def stopped_for(seconds: float) -> list[str]:
    """Return the delays that a process noticed which was stopped for so long, and then asked at once."""
    with subprocess.Popen(
        [sys.executable, "-c", WATCHING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "watching\n"
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        time.sleep(seconds)  # what is tested is the time
        os.kill(process.pid, signal.SIGCONT)
        told, _ = process.communicate("\n")
    return told.splitlines()


def test_a_process_that_was_stopped_knows_it_as_soon_as_it_goes_on() -> None:
    (told,) = stopped_for(2)
    who, reason, waited, whole = told.split()
    assert (who, reason) == (LAB, STOOD_STILL)
    assert 1.0e9 < int(waited) < int(whole) < 60e9


def test_a_process_that_goes_on_all_the_time_notices_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("lab.standstill.time.clock_gettime", lambda _: now)
    standstill = Standstill()
    for _ in range(100):
        now += 1.2  # the most that a busy machine may make of a tick
        assert standstill.delays() == ()
    now += 1.3
    assert [round(delay.waited_ns, -6) for delay in standstill.delays()] == [1_050_000_000]


def test_a_process_that_works_all_the_time_does_not_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    now = ran = 0.0
    monkeypatch.setattr("lab.standstill.time.clock_gettime", lambda _: now)
    monkeypatch.setattr("lab.standstill.time.process_time", lambda: ran)
    standstill = Standstill()
    now, ran = 5.0, 4.5
    assert standstill.delays() == ()
    now, ran = 10.0, 5.0
    assert [round(delay.waited_ns, -6) for delay in standstill.delays()] == [4_750_000_000]
