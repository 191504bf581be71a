"""The bare starts of the very programs that a run started, without the lab: no agent, no channel, no `ss`, no record.

Each program is started inside its host, by the same user, with the command line that the run recorded, and timed by a few
lines of Python in that host (inside.py) from before the fork until the program has printed its first line, or has ended:
fork, exec, the interpreter's start, its imports and the first socket calls. One after the other, as the exercise does.
`rounds` is told to make no round, so that its start alone counts. tcpdump is started on both hosts at once, as the lab
does, until both listen: the slower one counts.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import MachineError
from lab.hosts.tcpdump import COMMAND as TCPDUMP
from lab.recording.play import Party
from lab.recording.run import Run
from lab.settings import HOSTS, Settings

_INSIDE: Final = (Path(__file__).parent / "inside.py").read_text(encoding="utf-8")
_NO_WORK: Final = {"rounds": "0"}
"""Programs whose last argument says how much to do before their first line, and the least of it."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start to measure; with `afresh` the servers started before it are ended first."""

    host: str
    argv: tuple[str, ...]
    afresh: bool


def starts_of(evidence: Run) -> tuple[Start, ...]:
    """Return the starts of a run's programs in order.

    A server takes the port from the one before it, except one that failed: that one needs the port taken to fail again.
    """
    failed = {end.actor for end in evidence.play.exits if end.status > 0}
    return tuple(
        Start(party.host, _argv(party), afresh=party.role == "server" and party.name not in failed)
        for party in evidence.play.parties
    )


def _argv(party: Party) -> tuple[str, ...]:
    argv = shlex.split(party.command)
    if party.program in _NO_WORK:
        argv[-1] = _NO_WORK[party.program]
    return tuple(argv)


class Bare:
    """One `docker exec` in a host that starts programs there when asked."""

    def __init__(self, host: str, container: str) -> None:
        self._host = host
        self._container = container
        self._process = subprocess.Popen(
            ["docker", "exec", "-i", container, "python3", "-I", "-S", "-c", _INSIDE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def ask(self, **request: object) -> float:
        """Ask for one thing; return its seconds. MachineError when the host is gone."""
        try:
            if self._process.stdin:
                self._process.stdin.write(json.dumps(request).encode() + b"\n")
                self._process.stdin.flush()
            line = self._process.stdout.readline() if self._process.stdout else b""
            return float(json.loads(line)["seconds"])
        except (OSError, ValueError) as error:
            raise MachineError("host-died", host=self._host, container=self._container, detail=str(error)) from error

    def close(self) -> None:
        """End it and what it started."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


@contextmanager
def bare_hosts(settings: Settings) -> Iterator[Mapping[str, Bare]]:
    """Yield a Bare in each host."""
    with ExitStack() as stack:
        hosts = {}
        for host in HOSTS:
            hosts[host] = Bare(host, settings.container(host))
            stack.callback(hosts[host].close)
        for bare in hosts.values():
            bare.ask(stop=True)  # it is there
        yield hosts


def measure_starts(hosts: Mapping[str, Bare], starts: tuple[Start, ...]) -> float:
    """Return the seconds of all the starts, tcpdump's on each host included; nothing runs in the hosts afterwards."""
    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        total = max(pool.map(_start_tcpdump, hosts.values()))
    _stop(hosts)
    for start in starts:
        if start.afresh:
            hosts[start.host].ask(stop=True)
        total += hosts[start.host].ask(argv=start.argv, user="lab", word="")
    _stop(hosts)
    return total


def _start_tcpdump(bare: Bare) -> float:
    command = ["/dev/null" if word.endswith(".pcap") else word for word in TCPDUMP]
    return bare.ask(argv=command, user="root", word="listening on")


def _stop(hosts: Mapping[str, Bare]) -> None:
    for bare in reversed([*hosts.values()]):  # the client first: nobody is left to answer it otherwise
        bare.ask(stop=True)
