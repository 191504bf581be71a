"""Looking again and again with a short command, in the host itself: a state may last for milliseconds only."""

from __future__ import annotations

import time
from collections.abc import Sequence

from child import Command
from children import Children
from loop import Loop
from reply import RefusedError, Reply

PAUSE_SECONDS = 0.005


class Sampling:
    """Keeps each output that differs from the one before, with the time (ns) at which that look began."""

    def __init__(self, loop: Loop, children: Children, argv: Sequence[str], user: str, pause: float) -> None:
        self._loop = loop
        self._children = children
        self._argv = argv
        self._user = user
        self._pause = pause
        self._polls = 0
        self._samples: list[dict[str, object]] = []
        self._last: str | None = None
        self._error: str | None = None
        self._refused: RefusedError | None = None
        self._reply: Reply | None = None
        self._ended_ns: int | None = None
        self.begun_ns = time.time_ns()

    def look(self) -> None:
        """Look once, and so on."""
        try:
            self._children.run(self._argv, self._user, self._seen)
        except RefusedError as refused:
            self._refused = refused
            self._done()

    def stop(self, reply: Reply) -> None:
        """End after one more look, and answer with what was seen."""
        self._reply = reply
        self._answer()

    def _seen(self, command: Command) -> None:
        if command.status != 0:
            self._error = command.text("stderr").strip()
        else:
            self._polls += 1
            if (text := command.text("stdout")) != self._last:
                self._samples.append({"time_ns": command.begun_ns, "text": text})
                self._last = text
        if self._reply is None and self._error is None:
            self._loop.at(self._pause, self.look)
        else:
            self._done()

    def _done(self) -> None:
        self._ended_ns = time.time_ns()
        self._answer()

    def _answer(self) -> None:
        if self._reply and self._refused:
            self._reply.error(self._refused.code, self._refused.detail)
        elif self._reply and self._ended_ns is not None:
            self._reply.ok(
                begun_ns=self.begun_ns,
                ended_ns=self._ended_ns,
                polls=self._polls,
                samples=self._samples,
                error=self._error,
            )
