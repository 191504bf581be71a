"""A process started here: what it prints and its end. Without more it is a short command, answered as a whole."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import IO

from loop import CHUNK, Loop

COMMAND_BYTES = 16777216  # of what a short command prints on each stream
LINGER_SECONDS = 1.0


class Child:
    """Reads what a process prints, to its end."""

    def __init__(self, loop: Loop, process: subprocess.Popen[bytes], screen: IO[bytes] | None = None) -> None:
        self.loop = loop
        self.process = process
        self.begun_ns = time.time_ns()
        self.ended_ns = 0
        self.status: int | None = None
        pipes = (("stdout", screen or process.stdout), ("stderr", process.stderr))
        self._pipes = {stream: pipe for stream, pipe in pipes if pipe}
        for stream, pipe in self._pipes.items():
            os.set_blocking(pipe.fileno(), False)
            loop.when_readable(pipe.fileno(), functools.partial(self._read, stream))

    @property
    def over(self) -> bool:
        """Whether both its pipes and itself have ended, so that no output comes later."""
        return self.status is not None and not self._pipes

    def poll(self) -> None:
        """Take note of its end."""
        if self.status is None and self.process.poll() is not None:
            self.status = self.process.returncode
            self.ended_ns = time.time_ns()
            if self._pipes:
                # A child of its own may have inherited them and keep them open.
                self.loop.at(LINGER_SECONDS, self._stop_reading)

    def end(self) -> None:
        """End it and those of its children that have stayed with it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def take(self, stream: str, data: bytes) -> None:
        """Take what it printed; nothing at the end of that stream."""
        raise NotImplementedError

    def finish(self) -> None:
        """Tell that it is over."""
        raise NotImplementedError

    def _read(self, stream: str) -> None:
        try:
            data = os.read(self._pipes[stream].fileno(), CHUNK)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody holds the terminal any more
            data = b""
        self.take(stream, data)
        if not data:
            self._close(stream)

    def _close(self, stream: str) -> None:
        pipe = self._pipes.pop(stream)
        self.loop.forget(pipe.fileno())
        pipe.close()

    def _stop_reading(self) -> None:
        for stream in list(self._pipes):
            self.take(stream, b"")
            self._close(stream)


class Command(Child):
    """A short command, whose output is kept until it is over."""

    def __init__(self, loop: Loop, process: subprocess.Popen[bytes], finished: Callable[[Command], object]) -> None:
        super().__init__(loop, process)
        self._printed = {"stdout": bytearray(), "stderr": bytearray()}
        self._finished = finished

    def take(self, stream: str, data: bytes) -> None:
        """Keep it; end a command that prints without end."""
        printed = self._printed[stream]
        printed += data
        if len(printed) > COMMAND_BYTES:
            del printed[COMMAND_BYTES:]
            self.end()

    def finish(self) -> None:
        """Tell who waits for it."""
        self._finished(self)

    def text(self, stream: str) -> str:
        """Return what it printed."""
        return self._printed[stream].decode("utf-8", "surrogateescape")
