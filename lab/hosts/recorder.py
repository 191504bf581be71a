"""The kernel's own record of the lab's sockets and system calls: a recorder that has begun before anything happens.

Its other end is images/host/recorder/, in a container beside the hosts. Nothing here fails a run: where it cannot
record, `unrecorded` says why.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from lab.errors import LabError
from lab.hosts.tracefs import instance_name
from lab.kernel.syscalls import syscall_ids
from lab.recording.raw import KernelRecord
from lab.settings import ROOT

if TYPE_CHECKING:
    from lab.hosts.channel import Channel, Event
    from lab.settings import Settings

T = TypeVar("T")

NAME: Final = "recorder"
FILE: Final = "kernel.trace"
# Without -I, which would keep its modules from finding each other.
COMMAND: Final = ("python3", "-E", "-s", "-S", "/lab/recorder/record.py")
FOLDER: Final = "/tmp/recording"  # noqa: S108 - in the recorder's container, whose /tmp nobody else has
HEADER: Final = "/run/recording.json"
BUFFER_KB: Final = 8192
"""The size of each processor's buffer."""
SWITCHED_OFF: Final = "switched-off"
NO_TRACEFS: Final = "no-tracefs"
NOT_PERMITTED: Final = "not-permitted"
DIED: Final = "died"
_CODES: Final = (NO_TRACEFS, NOT_PERMITTED, DIED)
_WHO: Final = "who"
_SHOWN: Final = "shown\n"
_BEGUN: Final = "recording"
_DONE: Final = "recorded "
_CANNOT: Final = "cannot record: "
_START_SECONDS: Final = 5.0
_DRAIN_SECONDS: Final = 20.0
_CHUNK_BYTES: Final = 2**22


def lab_programs() -> list[str]:
    """Return the names of all programs of the lessons."""
    folders = [ROOT / "images" / kind for kind in ("servers", "clients")]
    return sorted({path.stem for folder in folders for path in folder.rglob("*.py")})


class Recorder:
    """One recording: `begin` it with the captures, `wait_recording` before anything is played, `end` it after."""

    def __init__(
        self,
        settings: Settings,
        channel: Channel | None,
        unrecorded: str = "",
        hosts: Mapping[str, Channel] | None = None,
    ) -> None:
        """Take the recorder's channel, and those of the hosts whose programs' calls are recorded."""
        self._settings = settings
        self._channel = channel
        self._hosts = hosts or {}
        self.unrecorded = unrecorded
        """Why there is or will be no record: switched-off, no-tracefs, not-permitted, died; else empty."""
        self._stopped = False
        self._early = False
        """Whether it had ended before anybody told it to."""
        if channel and channel.state in _CODES:
            self.unrecorded = channel.state

    def begin(self, buffer_kb: int = BUFFER_KB, *, calls: bool = True) -> None:
        """Start it: it records the calls of what the agents of this lab's hosts start, whatever that is called.

        Where the kernel cannot be told whose programs are whose, it records what is called as the lab's programs are.
        Without `calls` it records what becomes of sockets alone.
        """

        def spawn(channel: Channel) -> None:
            wanted = {
                "name": instance_name(self._settings),
                "addresses": list(self._settings.addresses.values()),
                "hosts": [self._settings.addresses[host] for host in self._hosts],
                "programs": lab_programs(),
                "calls": syscall_ids(channel.facts.get("kernel.machine", "")) if calls else None,
                "buffer_kb": buffer_kb,
            }
            channel.call("spawn", name=NAME, argv=[*COMMAND, json.dumps(wanted)], user="root")

        self._try(spawn)

    def wait_recording(self) -> None:
        """Wait until it records; on the way there each host's agent shows it who it is."""

        def wait(channel: Channel) -> None:
            if self._expect(channel, (_WHO, _BEGUN), _START_SECONDS) == _WHO:
                self._show_who(self._hosts)
                channel.call("write", name=NAME, text=_SHOWN)
                self._expect(channel, (_BEGUN,), _START_SECONDS)

        self._try(wait)

    def stop(self) -> None:
        """Have it record nothing any more; what it recorded is then kept for `end`."""

        def stop(channel: Channel) -> None:
            self._early = any(_tells(event, _DONE) for event in channel.events)
            if not self._early:
                channel.call("signal", name=NAME, signal_name="INT")
            self._stopped = bool(self._expect(channel, (_DONE,), _DRAIN_SECONDS))

        self._try(stop)

    def end(self) -> KernelRecord | None:
        """Have it record nothing any more, and return what it recorded; None when `unrecorded` says why."""
        if not self._stopped:
            self.stop()
        return self._try(lambda channel: KernelRecord(content=_fetch(channel), died=self._early, file=FILE))

    def _try(self, do: Callable[[Channel], T]) -> T | None:
        """Do it if there is somebody to do it; whatever goes wrong, there is no record then."""
        if self._channel is None or self.unrecorded:
            return None
        try:
            return do(self._channel)
        except LabError:
            self.unrecorded = DIED
            return None

    def _show_who(self, hosts: Mapping[str, Channel]) -> None:
        """Have each host's agent show who it is; where one does not, programs are known by their names alone."""
        addresses = self._settings.addresses
        with contextlib.suppress(LabError):
            asked = [(host, host.begin("beacon", {"address": addresses[name]})) for name, host in hosts.items()]
            for host, number in asked:
                host.answer(number, "beacon", _START_SECONDS)

    def _expect(self, channel: Channel, words: Sequence[str], seconds: float) -> str:
        """Wait until it says one of these; empty, with the reason kept, when it says why not, ends, or says nothing."""
        event = channel.wait_event(
            lambda event: any(_tells(event, word) for word in words) or _gives_up(event), seconds
        )
        if event:
            for word in words:
                if _tells(event, word):
                    return word
        said = event.data.get("text", "").removeprefix(_CANNOT).partition(":")[0] if event else ""
        self.unrecorded = said if said in _CODES else DIED
        return ""


def _tells(event: Event, words: str) -> bool:
    return event.name == NAME and event.kind == "output" and event.data["text"].startswith(words)


def _gives_up(event: Event) -> bool:
    return event.name == NAME and (event.kind == "exit" or _tells(event, _CANNOT))


def _fetch(channel: Channel) -> bytes:
    """Return the whole recording: the header, then each buffer's pages; what held it is removed."""
    header = _fetch_file(channel, HEADER)
    buffers = [
        _fetch_file(channel, f"{FOLDER}/{at}") for at, each in enumerate(json.loads(header)["cpus"]) if each["pages"]
    ]
    return header + b"".join(buffers)


def _fetch_file(channel: Channel, path: str) -> bytes:
    pieces: list[bytes] = []
    while True:
        answer = channel.call("fetch", path=path, offset=sum(map(len, pieces)), size=_CHUNK_BYTES)
        pieces.append(base64.b64decode(answer["data"]))
        if len(pieces[-1]) < _CHUNK_BYTES:
            channel.call("remove", path=path)
            return b"".join(pieces)
