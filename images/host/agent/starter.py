"""A thread of its own that starts programs: the kernel can be told to follow what it starts, and nothing else.

Its number is what the recorder knows the lab's programs by (recorder/record.py, `who`), whatever they call themselves
later. Probes such as `ss` are started by the agent's first thread, which nobody follows. No two threads do anything at
once: who asks waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Starter:
    """Does what it is asked for in its own thread, which begins with the first wish and ends with the process."""

    def __init__(self) -> None:
        self._asked = threading.Semaphore(0)
        self._done = threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._wish: Callable[[], object] = object
        self._failure: BaseException | None = None

    def do(self, wish: Callable[[], object]) -> None:
        """Call `wish` there and wait for it; raise here what it raises."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._wish = wish
        self._asked.release()
        self._done.acquire()
        self._wish = object
        if self._failure is not None:
            try:
                raise self._failure
            finally:
                self._failure = None  # it holds the frames that it came through, and those their files

    def _work(self) -> None:
        while True:
            self._asked.acquire()
            try:
                self._wish()
            except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
                self._failure = error
            self._done.release()
