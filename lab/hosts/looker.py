"""Ask a host for `ss` again and again, beside whatever else happens there: no agent, and so nobody is kept out."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
from typing import Final, Self

from lab.errors import MachineError
from lab.foreign import TAKEN
from lab.hosts.ending import wait_end
from lab.kernel.rows import SocketRow
from lab.kernel.sockets import SS_COMMAND, parse_ss

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin:
            try:
                self._process.stdin.close()
            except OSError:
                self._process.kill()
        wait_end(self._process)

    def _gone(self) -> MachineError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        detail = f"exit status {self._process.returncode}"
        return MachineError("host-died", host=self._host, container=self._container, detail=detail)
