"""Which step of the play was under way at a time."""

from __future__ import annotations

from collections.abc import Sequence

from lab.recording.play import Step


class Steps:
    """Finds the step of a time; a moment between two steps belongs to none."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = sorted(steps, key=lambda step: step.begun_ns)
        self._at = 0

    def at(self, time_ns: int) -> str | None:
        """Return the step of that time; times must not go back."""
        while self._at < len(self._steps) and self._steps[self._at].ended_ns < time_ns:
            self._at += 1
        if self._at < len(self._steps) and self._steps[self._at].begun_ns <= time_ns:
            return self._steps[self._at].id
        return None
