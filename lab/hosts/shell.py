"""A shell on a host for a person, and the end of everything started in it."""

from __future__ import annotations

import secrets
import subprocess
import sys
from typing import Final

_MARK: Final = "LAB_SHELL"
# A program that is stopped (Ctrl-Z) takes the hang-up only when it goes on.
_HANG_UP: Final = """
for each in /proc/[0-9]*; do
    if grep -qzx "$1" "$each/environ" 2>/dev/null; then
        kill -HUP "${each#/proc/}" 2>/dev/null
        kill -CONT "${each#/proc/}" 2>/dev/null
    fi
done
"""


def open_shell(container: str, user: str) -> int:
    """Run bash in the container as that user, on this terminal, and return its exit code.

    The engine lets a shell and its programs live on when the terminal's window is closed, and a server would keep its
    port: they are marked by a variable of their own, and hung up here, as a terminal on the host itself would do.
    """
    mark = f"{_MARK}={secrets.token_hex(8)}"
    terminal = ["-t"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    settings = [part for each in ("LANG=C.UTF-8", "HISTFILE=", mark) for part in ("-e", each)]
    execute = ["docker", "exec", "-u", user]
    try:
        return subprocess.run(
            [*execute, "-i", *terminal, "-w", "/tmp", *settings, container, "bash"],  # noqa: S108 - the host's own
            check=False,
        ).returncode
    finally:
        subprocess.run(
            [*execute, container, "sh", "-c", _HANG_UP, "sh", mark],
            check=False,
            capture_output=True,
            start_new_session=True,
        )
