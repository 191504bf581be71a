"""Which processes hold a name of the lab's (an abstract socket's, see turn.py), found through /proc."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

_PROC: Final = Path("/proc")
_UNNAMED_COLUMNS: Final = 7
"""Of a line of /proc/net/unix; behind them stands the name."""
_CREDENTIALS: Final = struct.Struct("3i")
"""struct ucred: pid, uid, gid (unix(7))."""
_WORDS: Final = 4
_LETTERS: Final = 60
"""So much of a command line tells which one it is."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a name: its number, what it runs in a few words, and whether it is stopped (SIGSTOP)."""

    pid: int
    command: str
    stopped: bool


def names_below(name: str) -> dict[str, set[str]]:
    """Return the abstract names that there are, `name` itself and those below it, each with its sockets' inodes."""
    found: dict[str, set[str]] = {}
    try:
        lines = (_PROC / "net" / "unix").read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        return found
    for line in lines:
        columns = line.split(maxsplit=_UNNAMED_COLUMNS)
        if len(columns) > _UNNAMED_COLUMNS and columns[-1].startswith("@"):
            each, inode = columns[-1][1:], columns[-2]
            if each == name or each.startswith(f"{name}/"):
                found.setdefault(each, set()).add(inode)
    return found


def holders_of(inodes: Iterable[str]) -> list[Holder]:
    """Return the processes that have one of these sockets open; of other users' processes only root sees that."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    found = []
    for entry in _PROC.iterdir() if wanted else ():
        if entry.name.isdigit() and not wanted.isdisjoint(_open_files(entry)):
            holder = describe(int(entry.name))
            found += [holder] if holder else []
    return found


def listener_of(name: str) -> Holder | None:
    """Return the process that listens at an abstract name, whoever's it is, as the kernel tells it to who connects."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(0)
        try:
            asking.connect(f"\0{name}")
            told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:
            return None
    pid = _CREDENTIALS.unpack(told)[0]
    return describe(pid) if pid > 0 else None


def describe(pid: int) -> Holder | None:
    """Return what a process is; None when it is there no more."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
        state = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return None
    return None if state in "ZX" else Holder(pid, _short(words), state == "T")


def _open_files(process: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for each in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(each.readlink())


def _short(words: list[str]) -> str:
    """Return a command line as it was typed: without the interpreter, the program's folder and what follows."""
    if words and PurePath(words[0]).name.startswith("python"):
        module = words.index("-m") if "-m" in words else None
        words = words[module + 1 :] if module else words[1:]
    if not words:
        return "?"
    name = {"lab.cli": "lab"}.get(words[0], PurePath(words[0]).name)
    text = " ".join([name, *words[1:_WORDS]])
    text = text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
    return "".join(letter if letter.isprintable() and letter != "`" else "?" for letter in text)
