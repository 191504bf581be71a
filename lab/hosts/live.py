"""Listen to all hosts of a lab that is up, and to the kernel: no agent is driven, and so nobody is kept out."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Self

from lab.errors import MachineError
from lab.hosts.ear import Ear
from lab.hosts.engine import LABEL
from lab.hosts.recorder import DIED, NOT_PERMITTED, SWITCHED_OFF, lab_programs
from lab.hosts.tracefs import live_instance_name
from lab.kernel.syscalls import syscall_ids
from lab.live.hearing import Arrived, Counts
from lab.settings import RECORDER

if TYPE_CHECKING:
    from lab.settings import Settings

# As in lab/hosts/tcpdump.py, but to stdout: it is asked for its counts with each line, and ends with its stdin or,
# should the shell be killed, with the shell. Of a segment no more than a few letters are shown: so more have room.
_CAPTURE: Final = """
setpriv --pdeathsig KILL tcpdump -i eth0 -w - -U -n -s 192 -B 16384 -Z root --immediate-mode \
    --time-stamp-precision=nano tcp &
while read -r _; do kill -USR1 $! || exit; done
kill -KILL $!
"""
_STREAM: Final = ("python3", "-E", "-s", "-S", "/lab/recorder/stream.py")
_PYTHON: Final = "python3"
"""Runs what a learner has written; the lab's own agents and recorders have names of their own."""
_BUFFER_KB: Final = 8192
_START_SECONDS: Final = 10.0
_BACK_SECONDS: Final = 10.0
"""How long a host that is gone may take to be there again: an exercise makes it anew in one or two."""
_RETRY_SECONDS: Final = 0.2
_POLL_SECONDS: Final = 0.05
_ASK_AGAIN_NS: Final = 2_000_000_000
_COUNT: Final = re.compile(r"(\d+) packets? (captured|received by filter|dropped by kernel)")
_COUNTS: Final = ("captured", "received by filter", "dropped by kernel")


class _Host:
    """A host's capture, while it is written."""

    def __init__(self, host: str, container: str) -> None:
        self.host = host
        self.listening = False
        self._asked_ns = 0
        self._found: dict[str, int] = {}
        self._counts: Counts | None = None
        self.ear = Ear(container, ("sh", "-c", _CAPTURE), self._heard)

    def ask(self) -> None:
        """Have tcpdump say how far it is, unless it has not answered yet."""
        now_ns = time.time_ns()
        if self.listening and (not self._asked_ns or now_ns - self._asked_ns > _ASK_AGAIN_NS):
            self._asked_ns = now_ns
            self.ear.say(b"\n")

    def take(self) -> tuple[bytes, Counts | None]:
        """Return what has come since the last time, and the last answer."""
        counts, self._counts = self._counts, None
        return self.ear.take(), counts

    def gone(self) -> MachineError:
        """Say why it ended."""
        return MachineError("host-died", host=self.host, container=self.ear.container, detail=self.ear.last_words())

    def _heard(self, line: str) -> None:
        if "listening on" in line:
            self.listening = True
        self._found |= {what: int(number) for number, what in _COUNT.findall(line)}
        if "dropped by kernel" in line and all(what in self._found for what in _COUNTS):
            self._counts = Counts(self._asked_ns, *(self._found.pop(what) for what in _COUNTS))
            self._asked_ns = 0


class LiveLab:
    """All of them at once; leaving it ends everything that was started for it.

    Raises MachineError `host-died` for a host that is not there, `lab-gone` when the lab is taken down meanwhile.
    """

    def __init__(self, settings: Settings, hosts: Iterable[str]) -> None:
        self._settings = settings
        self._anew: list[str] = []
        self._recorder: Ear | None = None
        self.unrecorded = "" if settings.recorder else SWITCHED_OFF
        """Why the kernel is not recorded, a code; empty while it is."""
        self._hosts: dict[str, _Host] = {}
        for host in hosts:
            self._hosts[host] = _Host(host, settings.container(host))
        if not self.unrecorded:
            self._recorder = self._record()

    def wait_listening(self) -> None:
        """Wait until all captures have begun."""
        deadline = time.monotonic() + _START_SECONDS
        while not all(host.listening for host in self._hosts.values()):
            for host in self._hosts.values():
                if host.ear.ended or time.monotonic() > deadline:
                    raise host.gone()
            time.sleep(_POLL_SECONDS)

    def take(self) -> Arrived:
        """Return what has come since the last time."""
        for name, host in self._hosts.items():
            if host.ear.ended:
                self._hosts[name] = self._back(host)
                self._anew.append(name)
        captures = {name: host.take() for name, host in self._hosts.items()}
        for host in self._hosts.values():
            host.ask()
        anew, self._anew = tuple(self._anew), []
        return Arrived(captures, self._from_recorder(), anew)

    def no_recorder(self, code: str) -> None:
        """Go on without the recorder, for that reason."""
        self.unrecorded = code
        if self._recorder:
            self._recorder.close()
            self._recorder = None

    def close(self) -> None:
        """End all that was started."""
        ears = [host.ear for host in self._hosts.values()] + ([self._recorder] if self._recorder else [])
        for ear in ears:
            ear.hang_up()
        for ear in ears:
            ear.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _record(self) -> Ear:
        wanted = {
            "name": live_instance_name(self._settings),
            "addresses": list(self._settings.addresses.values()),
            "programs": [*lab_programs(), _PYTHON],
            "calls": syscall_ids(platform.machine()),
            "buffer_kb": _BUFFER_KB,
        }
        return Ear(self._settings.container(RECORDER), (*_STREAM, json.dumps(wanted)))

    def _from_recorder(self) -> bytes | None:
        if self._recorder is None:
            return None
        ended, data = self._recorder.ended, self._recorder.take()
        if ended and not data:
            absent = "No such container" in self._recorder.last_words() or "is not running" in self._recorder.words
            self.no_recorder(NOT_PERMITTED if absent else DIED)
            return None
        return data

    def _back(self, host: _Host) -> _Host:
        """Listen again to a host that an exercise has made anew, or whose programs were ended (`lab reset`)."""
        deadline = time.monotonic() + _BACK_SECONDS
        while True:
            host.ear.close()
            again = _Host(host.host, host.ear.container)
            while not again.ear.ended and not again.listening and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
            if again.listening:
                return again
            failure = again.gone()
            again.ear.close()
            if not self._stands():
                raise MachineError("lab-gone", lab=self._settings.name) from failure
            if time.monotonic() > deadline:
                raise failure
            time.sleep(_RETRY_SECONDS)

    def _stands(self) -> bool:
        """Tell whether anything of the lab is left."""
        command = ["docker", "ps", "-a", "-q", "--filter", f"label={LABEL}={self._settings.name}"]
        return bool(
            subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors="replace").stdout.strip()
        )
