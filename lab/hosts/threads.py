"""Which threads run on the hosts at this moment, by the numbers that the machine gives them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from lab.foreign import TAKEN, shown
from lab.live.owners import Thread

if TYPE_CHECKING:
    from lab.settings import Settings

_COLUMNS: Final = 3
_TAKES_ANOTHER: Final = frozenset({"-W", "-X"})


def lab_threads(settings: Settings, hosts: Iterable[str]) -> dict[int, Thread]:
    """Return them; none of a host that is gone, or whose engine does not list them so."""
    found: dict[int, Thread] = {}
    for host in hosts:
        command = ["docker", "top", settings.container(host), "-eLo", "pid,lwp,args"]
        answer = subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors=TAKEN).stdout
        for line in answer.splitlines()[1:]:
            _, number, words = (*line.split(None, _COLUMNS - 1), "", "")[:_COLUMNS]
            if number.isdecimal():
                found[int(number)] = Thread(program_of(words), settings.addresses[host])
    return found


def program_of(words: str) -> str:
    """Return the name of a program by its command line, as text of ours: of what Python runs that one's.

    >>> [program_of(each) for each in ("/usr/bin/python3 -u /tmp/echo.py 8000", "python3 -m http.server", "nc -l 80")]
    ['echo', 'http.server', 'nc']
    """
    first, *others = words.split() or [""]
    program = PurePath(first).name
    return shown(next(_run_by_python(others), program) if program.startswith("python") else program)


def _run_by_python(words: Iterable[str]) -> Iterator[str]:
    """Yield the script or the module among Python's arguments, if there is one."""
    left = iter(words)
    for word in left:
        if word == "-m":
            yield from left
        elif word == "-c":
            return
        elif word in _TAKES_ANOTHER:
            next(left, None)
        elif not word.startswith("-"):
            yield PurePath(word).name.removesuffix(".py")
