"""The kernel's own record of the lab's sockets and system calls: a recorder that has begun before anything happens.

Its other end is images/host/recorder/, in a container beside the hosts. Nothing here fails a run: where it cannot
record, `unrecorded` says why.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from lab.errors import LabError
from lab.evidence.raw import KernelRecord
from lab.hosts.tracefs import instance_name
from lab.kernel.syscalls import syscall_ids
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
_BEGUN: Final = "recording"
_DONE: Final = "recorded "
_CANNOT: Final = "cannot record: "
_START_SECONDS: Final = 5.0
_DRAIN_SECONDS: Final = 20.0
_CHUNK_BYTES: Final = 2**22


def lab_programs(first: Collection[str] = ()) -> list[str]:
    """Return the names of all programs of the lessons, those of `first` in front."""
    folders = [ROOT / "images" / kind for kind in ("servers", "clients", "browser")]
    known = sorted({path.stem for folder in folders for path in folder.rglob("*.py")})
    return sorted(known, key=lambda name: name not in first)


class Recorder:
    """One recording: `begin` it with the captures, `wait_recording` before anything is played, `end` it after."""

    def __init__(self, settings: Settings, channel: Channel | None, unrecorded: str = "") -> None:
        self._settings = settings
        self._channel = channel
        self.unrecorded = unrecorded
        """Why there is or will be no record: switched-off, no-tracefs, not-permitted, died; else empty."""
        self._stopped = False
        self._early = False
        """Whether it had ended before anybody told it to."""
        if channel and channel.state in _CODES:
            self.unrecorded = channel.state

    def begin(self, programs: Sequence[str], buffer_kb: int = BUFFER_KB, *, calls: bool = True) -> None:
        """Start it. `programs` are those whose calls are recorded, by name; the kernel tests them in this order.

        Without `calls` it records what becomes of sockets alone.
        """

        def spawn(channel: Channel) -> None:
            wanted = {
                "name": instance_name(self._settings),
                "addresses": list(self._settings.addresses.values()),
                "programs": programs,
                "calls": syscall_ids(channel.facts.get("kernel.machine", "")) if calls else [],
                "buffer_kb": buffer_kb,
            }
            channel.call("spawn", name=NAME, argv=[*COMMAND, json.dumps(wanted)], user="root")

        self._try(spawn)

    def wait_recording(self) -> None:
        """Wait until it records."""
        self._try(lambda channel: self._expect(channel, _BEGUN, _START_SECONDS))

    def stop(self) -> None:
        """Have it record nothing any more; what it recorded is then kept for `end`."""

        def stop(channel: Channel) -> None:
            self._early = any(_tells(event, _DONE) for event in channel.events)
            if not self._early:
                channel.call("signal", name=NAME, signal_name="INT")
            self._stopped = self._expect(channel, _DONE, _DRAIN_SECONDS)

        self._try(stop)

    def end(self) -> KernelRecord | None:
        """Have it record nothing any more, and return what it recorded; None when `unrecorded` says why."""
        if not self._stopped:
            self.stop()
        return self._try(lambda channel: KernelRecord(data=_fetch(channel), died=self._early, file=FILE))

    def _try(self, do: Callable[[Channel], T]) -> T | None:
        """Do it if there is somebody to do it; whatever goes wrong, there is no record then."""
        if self._channel is None or self.unrecorded:
            return None
        try:
            return do(self._channel)
        except LabError:
            self.unrecorded = DIED
            return None

    def _expect(self, channel: Channel, words: str, seconds: float) -> bool:
        """Wait until it says so; False, with the reason kept, when it says why not, ends, or says nothing."""
        event = channel.wait_event(lambda event: _tells(event, words) or _gives_up(event), seconds)
        if event and _tells(event, words):
            return True
        said = event.data.get("text", "").removeprefix(_CANNOT).partition(":")[0] if event else ""
        self.unrecorded = said if said in _CODES else DIED
        return False


def _tells(event: Event, words: str) -> bool:
    return event.name == NAME and event.kind == "output" and event.data["text"].startswith(words)


def _gives_up(event: Event) -> bool:
    return event.name == NAME and (event.kind == "exit" or _tells(event, _CANNOT))


def _fetch(channel: Channel) -> bytes:
    """Return the whole recording: the header, then each processor's pages; what held it is removed."""
    header = _fetch_file(channel, HEADER)
    processors = [_fetch_file(channel, f"{FOLDER}/cpu{each['cpu']}") for each in json.loads(header)["cpus"]]
    return header + b"".join(processors)


def _fetch_file(channel: Channel, path: str) -> bytes:
    pieces: list[bytes] = []
    while True:
        answer = channel.call("fetch", path=path, offset=sum(map(len, pieces)), size=_CHUNK_BYTES)
        pieces.append(base64.b64decode(answer["data"]))
        if len(pieces[-1]) < _CHUNK_BYTES:
            channel.call("remove", path=path)
            return b"".join(pieces)
