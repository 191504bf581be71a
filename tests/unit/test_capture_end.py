"""A capture is whole when all that came until the play's end is in it, whatever comes while tcpdump ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.hosts import tcpdump
from lab.hosts.channel import Event
from lab.recording.raw import CaptureRecord

Counts = tuple[int, int, int]
"""Captured, received by filter, dropped by kernel."""


class Scripted:
    """A channel to a tcpdump that tells these counts when it is asked (USR1) and when it is stopped (INT)."""

    host = "server"

    def __init__(self, asked: Counts, stopped: Counts) -> None:
        self.events: list[Event] = []
        self._counts = {"USR1": asked, "INT": stopped}

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        if operation == "signal":
            counts = self._counts[arguments["signal_name"]]
            for what, number in zip(("captured", "received by filter", "dropped by kernel"), counts, strict=True):
                line = {"stream": "stderr", "text": f"{number} packets {what}"}
                self.events.append(Event("output", tcpdump.NAME, 1, line))
        return {"data": ""}

    def wait_event(self, found: Callable[[Event], bool], _seconds: float, after: int = 0) -> Event | None:
        return next((event for event in self.events[after:] if found(event)), None)


def ended(asked: Counts, stopped: Counts) -> CaptureRecord:
    channel: Any = Scripted(asked, stopped)
    return tcpdump.Tcpdump(channel).end()


@pytest.mark.parametrize("stopped", [(10, 10, 0), (10, 12, 0), (11, 12, 0), (10, 12, 2)])
def test_what_comes_after_all_was_written_makes_no_capture_incomplete(stopped: Counts) -> None:
    record = ended((10, 10, 0), stopped)
    assert record.complete
    assert record.captured == stopped[0]


@pytest.mark.parametrize(
    ("asked", "stopped"), [((9, 10, 0), (9, 10, 0)), ((10, 10, 1), (10, 10, 1)), ((9, 10, 1), (10, 11, 1))]
)
def test_what_was_lost_before_is_lost(asked: Counts, stopped: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcpdump, "DRAIN_SECONDS", 0.01)
    assert not ended(asked, stopped).complete
