"""A pseudo-terminal with a program in it, as a learner sits before one: type, and wait for what appears."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Final, Self

from lab.settings import ROOT

SECONDS: Final = 20.0
KEYS: Final = {"^C": "\x03", "^D": "\x04", "^Z": "\x1a"}
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[=>]|\r")
_BEGUN: Final = re.compile(r"\x1b(?:\[[0-9;?]*|\][^\x07]*)?$")
"""A control sequence of which the rest has not come yet."""
_LONGEST: Final = 4096
"""Characters, more than any pattern that is waited for: what was looked through before is not searched again."""


class Terminal:
    """A program on a terminal of its own.

    `text` is all that has appeared, without control sequences; `since` the place in it after what was typed last.
    """

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str] | None = None, *, columns: int = 120, name: str = ""
    ) -> None:
        self.name = name or argv[0]
        self.text = ""
        self.since = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execvpe(  # noqa: S606 - the program on the terminal
                argv[0], [*argv], {"TERM": "xterm", **(os.environ if environment is None else environment)}
            )
        os.set_inheritable(self._fd, False)  # noqa: FBT003 - else the next terminal's program would hold this one open
        self.resize(columns)

    def resize(self, columns: int) -> None:
        """Make the window so many columns wide; the program is sent SIGWINCH."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))

    def type(self, line: str) -> int:
        """Type a line with Enter, or a key; return the place in `text` from where on what it does will appear."""
        self.look(0)
        self.since = len(self.text)
        os.write(self._fd, KEYS.get(line, f"{line}\n").encode())
        if line not in KEYS:
            self.since = self.wait(re.escape(line) + r"[ ]*\n", self.since)
        return self.since

    def wait(self, pattern: str, since: int = 0, seconds: float = SECONDS) -> int:
        """Wait until the pattern appears after the place `since`; return the place after it."""
        place = self.find(pattern, since, seconds)
        assert place is not None, f"{self.name}: no {pattern!r} within {seconds:g} s in:\n{self.text[since:]}"
        return place

    def find(self, pattern: str, since: int = 0, seconds: float = SECONDS) -> int | None:
        """Return the place after the pattern, or None when it does not appear in time."""
        deadline = time.monotonic() + seconds
        while True:
            if found := re.compile(pattern).search(self.text, since):
                return found.end()
            since = max(since, len(self.text) - _LONGEST)
            left = deadline - time.monotonic()
            if left <= 0 or not self.look(left):
                return None

    def look(self, seconds: float) -> bool:
        """Take in what has appeared, waiting up to so long for more; False when the program has closed the terminal."""
        if not select.select([self._fd], [], [], max(0.0, seconds))[0]:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # EIO: nobody holds the other end any more
            return False
        come = self._begun + self._decoder.decode(data)
        begun = _BEGUN.search(come)
        self._begun = begun.group() if begun else ""
        self.text += _CONTROL.sub("", come[: begun.start()] if begun else come)
        return bool(data)

    def end(self, seconds: float = SECONDS) -> int:
        """Wait for the program's end and return its exit code; what it still prints is taken in."""
        deadline = time.monotonic() + seconds
        while self.look(deadline - time.monotonic()):
            assert time.monotonic() < deadline, f"{self.name}: no end within {seconds:g} s, after:\n{self.text}"
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def hang_up(self, seconds: float = SECONDS) -> None:
        """Close the terminal's window, and wait until the program has ended; kill it when it does not mind."""
        with contextlib.suppress(OSError):
            os.close(self._fd)
        deadline = time.monotonic() + seconds
        while self.pid and os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.01)
        self.pid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
