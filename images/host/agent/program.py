"""A program that stays: its lines and its end are told as they come, and it can be typed to."""

from __future__ import annotations

import subprocess
import time
from typing import IO

from child import Child
from keyboard import Keyboard
from loop import Loop

KEPT_BYTES = 262144  # of what one program prints: the lab keeps all of it in memory and in the record
KEPT_LINES = 5000
LINE_BYTES = 4096  # a longer line is told in pieces


class Program(Child):
    """A child with a name, under which it is told of."""

    def __init__(
        self, loop: Loop, process: subprocess.Popen[bytes], name: str, screen: IO[bytes] | None = None
    ) -> None:
        super().__init__(loop, process, screen)
        self.name = name
        self.keyboard = Keyboard(loop, process.stdin, name)
        self.rests = {"stdout": b"", "stderr": b""}
        self._lines = 0
        self._bytes = 0
        self._lost = False

    def take(self, stream: str, data: bytes) -> None:
        """Tell the lines that are whole; all that is left at the end."""
        if self._lost:
            return
        now = time.time_ns()
        *lines, rest = (self.rests[stream] + data).split(b"\n")
        if len(rest) > LINE_BYTES or (rest and not data):
            lines, rest = [*lines, rest], b""
        self.rests[stream] = rest
        for line in lines:
            for start in range(0, max(len(line), 1), LINE_BYTES):
                self._tell(stream, line[start : start + LINE_BYTES], now)

    def finish(self) -> None:
        """Tell how it ended."""
        self.keyboard.close()
        self.loop.send({"event": "exit", "name": self.name, "status": self.status, "time_ns": self.ended_ns})

    def _tell(self, stream: str, line: bytes, now: int) -> None:
        """Tell a line, or once that from here on none is kept."""
        if self._lost:
            return
        self._lines += 1
        self._bytes += len(line)
        self._lost = self._lines > KEPT_LINES or self._bytes > KEPT_BYTES
        where = {"name": self.name, "stream": stream, "time_ns": now}
        if self._lost:
            self.loop.send({"event": "lost", **where})
        else:
            self.loop.send({"event": "output", "text": line.decode("utf-8", "backslashreplace"), **where})
