"""The last look is begun when the deadline has come, however long the one before it took."""

from __future__ import annotations

import pytest

from lab.polling import Polling


class Clock:
    """A clock that stands unless somebody sleeps or looks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("lab.polling.time.monotonic", lambda: self.now)
        monkeypatch.setattr("lab.polling.time.sleep", self.pass_by)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("look_seconds", [0.0, 0.01, 0.7, 30.0])
def test_the_last_look_begins_at_the_deadline_or_after(monkeypatch: pytest.MonkeyPatch, look_seconds: float) -> None:
    clock = Clock(monkeypatch)
    polling = Polling(5)
    begun = []
    while True:
        begun.append(clock.now)
        clock.pass_by(look_seconds)
        if polling.late():
            break
    assert begun[-1] >= 105
    assert begun[-2] < 105
