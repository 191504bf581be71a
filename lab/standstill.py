"""Notice when this very process stood still: stopped, or the machine asleep. What was late then is nobody's failure."""

from __future__ import annotations

import threading
import time
from typing import Final, Self

from lab.recording.delays import LAB, STOOD_STILL, Delay

_TICK_SECONDS: Final = 0.25
_STALL_SECONDS: Final = 1.0
"""As the hosts' agents do, see images/host/agent/stall.py."""


class Standstill:
    """A thread that compares how long it slept with what has passed, on the clock that goes on during sleep."""

    def __init__(self) -> None:
        self._delays: list[Delay] = []
        self._looking = threading.Lock()
        self._over = threading.Event()
        self._looked, self._ran = self._now()
        self._thread = threading.Thread(target=self._watch, name="standstill", daemon=True)

    def __enter__(self) -> Self:
        self._looked, self._ran = self._now()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def delays(self) -> tuple[Delay, ...]:
        """Return the times in which this process stood still, one that has only just ended included."""
        self._look()
        return tuple(self._delays)

    def _watch(self) -> None:
        while not self._over.wait(_TICK_SECONDS):
            self._look()

    def _look(self) -> None:
        with self._looking:
            now, used = self._now()
            passed, self._looked = now - self._looked, now
            ran, self._ran = used - self._ran, used
            # While this process works on what a program made it read, however much, it does not stand still.
            if passed - ran - _TICK_SECONDS > _STALL_SECONDS:
                ended = time.time_ns()
                waited = passed - _TICK_SECONDS
                self._delays.append(
                    Delay(LAB, STOOD_STILL, ended - int(passed * 1e9), ended, int(waited * 1e9)),
                )

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.clock_gettime(time.CLOCK_BOOTTIME), time.process_time()
