"""Who may say that the machine kept it from going on: not a program that takes the processors itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import pytest

from lab.hosts.host import Host
from lab.play_recorder import PlayRecorder
from lab.recording.delays import NO_PROCESSOR
from lab.settings import ROOT

WINDOW = 5_000_000_000


class Looked:
    """A host that tells how its programs spent the time, as shares of it."""

    def __init__(self, host_ran: float, **programs: tuple[float, float]) -> None:
        self._told = [
            {
                "name": name,
                "ran_ns": int(ran * WINDOW),
                "waited_ns": int(waited * WINDOW),
                "window_ns": WINDOW,
                "host_ran_ns": int(host_ran * WINDOW),
            }
            for name, (ran, waited) in programs.items()
        ]

    def runqueue(self, _: float) -> tuple[int, list[dict[str, Any]]]:
        return 2 * WINDOW, self._told


@pytest.mark.parametrize(
    ("server", "client", "starved"),
    [
        pytest.param(Looked(0.1, server=(0.05, 0.9)), Looked(0.0, a=(0.0, 0.0)), ["server"], id="others take them"),
        pytest.param(Looked(0.1, server=(0.1, 0.1)), Looked(0.1, a=(0.05, 0.8)), ["a"], id="from the client"),
        pytest.param(Looked(0.9, server=(0.3, 0.9)), Looked(0.0, a=(0.0, 0.0)), [], id="a quarter is enough"),
        pytest.param(Looked(1.9, server=(0.1, 0.9)), Looked(0.0, a=(0.0, 0.0)), [], id="its own twenty threads"),
        pytest.param(
            Looked(1.0, server=(0.1, 0.9), tcpdump=(0.0, 0.8)), Looked(0.0), [], id="from the lab's tools, too"
        ),
        pytest.param(Looked(1.5, server=(0.9, 0.1)), Looked(0.0, a=(0.0, 0.8)), [], id="from the other host, too"),
    ],
)
def test_a_program_that_waited_for_its_own_kind_had_its_chance(
    server: Looked, client: Looked, starved: list[str]
) -> None:
    recording = PlayRecorder({"server": cast("Host", server), "client": cast("Host", client)})

    recording.note_starved(5)

    assert [delay.who for delay in recording.delays] == starved
    assert {delay.reason for delay in recording.delays} <= {NO_PROCESSOR}


class Watched:
    """A loop that does what falls due when it is told how late it is, and what the host had of the processors since."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.syspath_prepend(str(ROOT / "images" / "host" / "agent"))
        self.sent: list[dict[str, object]] = []
        self.now, self.used = 100.0, 7_000_000_000
        self.stall = stall = importlib.import_module("stall")
        monkeypatch.setattr(stall.time, "clock_gettime", lambda _: self.now)
        monkeypatch.setattr(cast("ModuleType", stall.cgroup), "cpu_ns", lambda: self.used)
        self._due: Callable[[], object] = lambda: stall.tell_stalls(self)
        self._due()

    def at(self, _: float, action: Callable[[], object]) -> None:
        self._due = action

    def send(self, message: dict[str, object]) -> None:
        self.sent.append(message)

    def later(self, seconds: float, host_ran: float) -> None:
        self.now += seconds
        self.used += int(host_ran * 1e9)
        self._due()


def test_a_host_stood_still_when_it_had_no_processor_and_not_when_its_programs_took_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(monkeypatch)

    watched.later(0.3, 0.1)
    watched.later(3.25, 5.9)  # a bomb, on two processors
    watched.later(3.25, 2.8)  # on one
    assert not watched.sent
    watched.later(3.25, 0.2)
    assert [(each["event"], each["seconds"]) for each in watched.sent] == [("stalled", 3.0)]
