"""Which servers listen on the hosts at this moment, with the numbers that the machine gives their processes."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lab.foreign import TAKEN
from lab.hosts.looker import Looker
from lab.hosts.threads import program_of
from lab.live.standing import Standing
from lab.wire.state import State

if TYPE_CHECKING:
    from lab.settings import Settings


def standing_servers(settings: Settings, hosts: Iterable[str]) -> list[Standing]:
    """Return them; MachineError for a host that is not there.

    A host numbers its processes from 1; where the machine does not tell which is which (its engine is elsewhere), none
    are known.
    """
    found: list[Standing] = []
    for host in hosts:
        container = settings.container(host)
        with Looker(host, container) as looker:
            looker.ask()
            rows = [row for row in looker.rows() if row.state is State.LISTEN and row.processes]
        if rows:
            numbers = _on_the_machine(container)
            found += [
                Standing(*numbers[process.pid], process.fd, row.local, settings.addresses[host])
                for row in rows
                for process in row.processes
                if process.pid in numbers
            ]
    return found


def _on_the_machine(container: str) -> dict[int, tuple[str, int]]:
    """Return each process's program and number on the machine by the host's own number, see proc(5), NSpid."""
    command = ["docker", "top", container, "-eo", "pid,args"]
    answer = subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors=TAKEN).stdout
    found: dict[int, tuple[str, int]] = {}
    for line in answer.splitlines()[1:]:
        pid, _, words = line.strip().partition(" ")
        with contextlib.suppress(OSError, ValueError):
            for told in Path("/proc", pid, "status").read_text(encoding="utf-8", errors=TAKEN).split("\n"):
                if told.startswith("NSpid:"):
                    found[int(told.split()[-1])] = program_of(words), int(pid)
    return found
