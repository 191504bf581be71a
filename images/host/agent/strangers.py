"""Programs in this host that the lab has not started: somebody types here by hand."""

from __future__ import annotations

import os
import signal

FOLDER = os.fsencode(os.path.dirname(__file__))
SHELLS = ("bash", "sh", "dash")


def end_strangers() -> list[str]:
    """End them, but for the shells themselves; return their names."""
    ended = []
    for entry in os.listdir("/proc"):
        try:
            name = stranger(entry)
            if name:
                os.kill(int(entry), signal.SIGKILL)
                ended.append(f"{name} (pid {entry})")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return ended


def stranger(entry: str) -> str | None:
    """Return the name of a program that the lab has not started, None for any other."""
    if not entry.isdigit() or int(entry) == 1:
        return None
    with open(f"/proc/{entry}/stat", encoding="utf-8", errors="backslashreplace") as file:
        name, _, rest = file.read().partition("(")[2].rpartition(")")
    with open(f"/proc/{entry}/cmdline", "rb") as file:
        command = file.read()
    waits = name == "sleep" and rest.split()[1] == "1"  # entry.sh has become this
    agent = FOLDER in command.split(b"\0")
    # A process that has no command line is dead, or not yet what it will be.
    return None if waits or agent or not command or name in SHELLS or name.startswith("runc") else name
