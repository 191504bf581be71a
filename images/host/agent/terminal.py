"""A program at a terminal of its own, as if a person had started it: lines are typed, ^C and ^D are keys.

Only its errors come through a pipe, so that they are told apart from what stands on the screen.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import termios
from collections.abc import Callable
from typing import IO, Self

from keyboard import Keyboard
from loop import Loop, Timer
from program import Program
from reply import RefusedError

QUIET_SECONDS = 0.02  # what goes no further for so long, and has not ended its line, is a prompt
LINE_BYTES = 4095  # of one line, its end included: the kernel loses the rest (N_TTY_BUF_SIZE in n_tty.c)
CTRL_D = b"\x04"
LOCAL_MODES = 3  # where tcgetattr() has them


class Terminal:
    """The two ends of a pseudo-terminal; whoever opened it keeps the master and lets the slave go."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        modes = termios.tcgetattr(self.slave)
        modes[LOCAL_MODES] &= ~termios.ECHO  # what was typed must not look as if the program had printed it
        termios.tcsetattr(self.slave, termios.TCSANOW, modes)
        self._taken = False

    def take(self) -> int:
        """Return the master, to be closed by who takes it."""
        self._taken = True
        return self.master

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.slave)
        if not self._taken:
            os.close(self.master)


def sit_down(then: Callable[[], object]) -> None:
    """In a new process that leads a session: make its stdin the session's terminal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    then()


class Keys(Keyboard):
    """A terminal's keyboard."""

    def write(self, data: bytes) -> None:
        """Type; RefusedError too for a line that is too long for a terminal."""
        longest = max(len(line) + 1 for line in data.split(b"\n"))
        if longest > LINE_BYTES:
            raise RefusedError("line-too-long", f"{self._name}: a terminal takes {LINE_BYTES - 1} bytes in a line")
        super().write(data)

    def end(self) -> None:
        """Type Ctrl-D: end-of-file for who reads at the beginning of a line. One may type on after it."""
        super().write(CTRL_D)


class Seated(Program):
    """A program at a terminal. A line that stops half-way, such as a prompt, is told as well, once it stands still."""

    def __init__(self, loop: Loop, process: subprocess.Popen[bytes], name: str, master: int) -> None:
        screen: IO[bytes] = open(master, "rb", buffering=0)  # noqa: SIM115 - closed at its end
        super().__init__(loop, process, name, screen)
        # A file of its own: the loop knows each number once, and waits here for room and there for output.
        self.keyboard = Keys(loop, open(os.dup(master), "wb", buffering=0), name)  # noqa: SIM115
        self._told = {"stdout": False, "stderr": False}  # whether the line that is being printed was told already
        self._timers: dict[str, Timer] = {}

    def take(self, stream: str, data: bytes) -> None:
        """Tell the lines that are whole; a piece of one when nothing follows it at once."""
        if timer := self._timers.pop(stream, None):
            timer.call_off()
        data = data.replace(b"\r", b"")  # a terminal ends lines with \r\n
        if self._told[stream] and data:
            self._told[stream] = False
            data = data.removeprefix(b"\n")  # the end of what was told
            if not data:
                return
        super().take(stream, data)
        if self.rests[stream]:
            self._timers[stream] = self.loop.at(QUIET_SECONDS, lambda: self._tell_piece(stream))

    def _tell_piece(self, stream: str) -> None:
        self._told[stream] = True
        super().take(stream, b"")
