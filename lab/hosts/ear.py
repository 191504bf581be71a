"""A program in a container that is only listened to, beside whatever else happens there."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import IO, Final, Self

from lab.errors import MachineError
from lab.hosts.ending import wait_end

_CHUNK: Final = 1 << 16
_MOST: Final = 1 << 25
"""Bytes that are kept for who comes late to take them; then the program has to wait."""
_END_SECONDS: Final = 2.0


class Ear:
    """One `docker exec` with its stdin held open: the program inside ends with that, also when this process is killed.

    `heard` is told each line of stderr, in a thread of its own. Raises MachineError without the docker command.
    """

    def __init__(self, container: str, command: Sequence[str], heard: Callable[[str], None] | None = None) -> None:
        self.container = container
        self.words = ""
        """The last line on stderr."""
        self._heard = heard
        self._pieces: list[bytes] = []
        self._room = threading.Condition()
        self._closed = False
        self._ended = False
        try:
            # A session of its own: Ctrl-C in the terminal must reach the lab alone, which then closes in order.
            self._process = subprocess.Popen(
                ["docker", "exec", "-i", container, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            raise MachineError("engine-absent") from None
        jobs = ((self._read, self._process.stdout), (self._listen, self._process.stderr))
        self._threads = [threading.Thread(target=job, args=(pipe,), daemon=True) for job, pipe in jobs]
        for thread in self._threads:
            thread.start()

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self._ended

    def take(self) -> bytes:
        """Return what has come on stdout since the last time."""
        with self._room:
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._room.notify_all()
        return data

    def say(self, text: bytes) -> None:
        """Write to the program's stdin; nothing happens when it is gone."""
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin:
                self._process.stdin.write(text)
                self._process.stdin.flush()

    def hang_up(self) -> None:
        """Let the program end; `close` waits for it."""
        with self._room:
            self._closed = True
            self._room.notify_all()
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def close(self) -> None:
        """End the program, and wait for that; safe to call twice."""
        self.hang_up()
        wait_end(self._process, self._threads)

    def last_words(self) -> str:
        """Return why it ended, once it has: what it or the engine said last."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        self._threads[1].join(_END_SECONDS)
        return self.words or f"exit status {self._process.returncode}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, pipe: IO[bytes]) -> None:
        while data := os.read(pipe.fileno(), _CHUNK):
            with self._room:
                while sum(map(len, self._pieces)) > _MOST and not self._closed:
                    self._room.wait()
                if not self._closed:
                    self._pieces.append(data)
        self._ended = True

    def _listen(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            text = line.decode("utf-8", "replace").strip()
            if text:
                self.words = text
                if self._heard:
                    self._heard(text)
