"""Typing to a program, without ever waiting for it: what it does not read yet is kept, to a bound."""

from __future__ import annotations

import os
from typing import IO

from loop import CHUNK, Loop
from reply import RefusedError

TYPED_BYTES = 1048576


class Keyboard:
    """A program's stdin."""

    def __init__(self, loop: Loop, stdin: IO[bytes] | None, name: str) -> None:
        self._loop = loop
        self._name = name
        self._stdin = stdin
        self._typed = bytearray()
        self._ends = False
        if self._stdin:
            os.set_blocking(self._stdin.fileno(), False)

    def write(self, data: bytes) -> None:
        """Type; RefusedError when the program has closed its stdin, or does not read at all."""
        if self._stdin is None or self._ends:
            raise RefusedError("stdin-closed", self._name)
        if len(self._typed) + len(data) > TYPED_BYTES:
            raise RefusedError("stdin-full", f"{self._name} does not read: {len(self._typed)} bytes wait for it")
        if not self._typed:
            self._loop.when_writable(self._stdin.fileno(), self._go_on)
        self._typed += data
        self._go_on()
        if self._ends:
            raise RefusedError("stdin-closed", self._name)

    def end(self) -> None:
        """Close the program's stdin when it has read all: Ctrl-D."""
        self._ends = True
        if not self._typed:
            self.close()

    def close(self) -> None:
        """Close the program's stdin, whatever still waits for it."""
        self._ends = True
        if self._stdin:
            self._loop.forget(self._stdin.fileno())
            self._stdin.close()
            self._stdin = None

    def _go_on(self) -> None:
        """Give the program as much as it takes now."""
        if self._stdin is None:
            return
        try:
            while self._typed:
                del self._typed[: os.write(self._stdin.fileno(), self._typed[:CHUNK])]
        except BlockingIOError:
            return
        except OSError:  # it has closed its end
            self._typed.clear()
            self._ends = True
        self._loop.forget(self._stdin.fileno())
        if self._ends:
            self.close()
