"""Ask a host for `ss` again and again, beside whatever else happens there: no agent, and so nobody is kept out."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Self

from lab.errors import MachineError
from lab.foreign import TAKEN
from lab.hosts.ending import wait_end
from lab.hosts.standing import BACK_SECONDS, RETRY_SECONDS, anything_left
from lab.kernel.rows import SocketRow
from lab.kernel.sockets import SS_COMMAND, parse_ss

if TYPE_CHECKING:
    from lab.settings import Settings

# One shell for all looks; it ends at end-of-file, also when this process is killed. Its own word ends each: no process
# has a name as long.
_LOOP: Final = f'while read -r _; do {" ".join(SS_COMMAND)}; echo "$0"; done'


class Looker:
    """One `docker exec` that runs `ss` whenever it is asked."""

    def __init__(self, host: str, container: str) -> None:
        self._host = host
        self._container = container
        end = secrets.token_hex(16)
        self._end = end.encode() + b"\n"
        try:
            self._process = subprocess.Popen(
                ["docker", "exec", "-i", "-u", "root", container, "sh", "-c", _LOOP, end],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            raise MachineError("engine-absent") from None

    def ask(self) -> None:
        """Ask for a look; `rows` then returns it. Asking all hosts first makes their looks simultaneous."""
        try:
            if self._process.stdin:
                self._process.stdin.write(b"\n")
                self._process.stdin.flush()
        except OSError as error:
            raise self._gone() from error

    def rows(self) -> tuple[SocketRow, ...]:
        """Return the rows of the look asked for; MachineError when the host is gone."""
        lines: list[bytes] = []
        for line in self._process.stdout or ():
            if line == self._end:
                return parse_ss(b"".join(lines).decode(errors=TAKEN), where=f"ss on {self._host}")
            lines.append(line)
        raise self._gone()

    def close(self) -> None:
        """End it; safe to call twice."""
        if self._process.stdin:
            try:
                self._process.stdin.close()
            except OSError:
                self._process.kill()
        wait_end(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _gone(self) -> MachineError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        detail = f"exit status {self._process.returncode}"
        return MachineError("host-died", host=self._host, container=self._container, detail=detail)


class Lookers:
    """The looks at several hosts, simultaneous. A host that an exercise makes anew is asked again once it is back.

    Raises MachineError `host-died` for a host that is not there, `lab-gone` when the lab is taken down meanwhile.
    """

    def __init__(self, settings: Settings, hosts: Iterable[str]) -> None:
        self._settings = settings
        self._lookers: dict[str, Looker] = {}
        for host in hosts:
            self._lookers[host] = self._begin(host)
        self._answered: set[str] = set()

    def rows(self) -> dict[str, tuple[SocketRow, ...]]:
        """Return the rows of all hosts at about the same moment."""
        asked = {}
        for host, looker in self._lookers.items():
            with contextlib.suppress(MachineError):  # it is asked again below
                looker.ask()
                asked[host] = looker
        return {host: self._rows(host, asked.get(host)) for host in list(self._lookers)}

    def close(self) -> None:
        """End all of them."""
        for looker in self._lookers.values():
            looker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, host: str) -> Looker:
        return Looker(host, self._settings.container(host))

    def _rows(self, host: str, looker: Looker | None) -> tuple[SocketRow, ...]:
        deadline = time.monotonic() + BACK_SECONDS
        while True:
            try:
                if looker is None:
                    self._lookers[host].close()
                    looker = self._lookers[host] = self._begin(host)
                    looker.ask()
                found = looker.rows()
            except MachineError as gone:
                if host not in self._answered or time.monotonic() > deadline:
                    raise
                if not anything_left(self._settings):
                    raise MachineError("lab-gone", lab=self._settings.name) from gone
                looker = None
                time.sleep(RETRY_SECONDS)
            else:
                self._answered.add(host)
                return found
