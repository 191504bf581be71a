"""What the tests of the kernel's recorder share: a lab with its recorder, connections to record, tracefs mounted."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lab.hosts.connection import Connection
from lab.hosts.host import Host
from lab.hosts.recorder import BUFFER_KB, Recorder
from lab.hosts.tracefs import FOLDERS, mounted_tracefs
from lab.recording.raw import KernelRecord
from lab.settings import HOSTS, PORT, RECORDER, Settings
from lab.stage import Stage
from tests.support import run

SYS_ADMIN: Final = 1 << 21
"""Its bit, see linux/capability.h."""

_NUMBERS: Final = itertools.count()


@dataclass(frozen=True, slots=True)
class Scene:
    """A lab that is up, with its recorder."""

    settings: Settings
    hosts: Mapping[str, Host]
    recorder: Recorder
    connection: Connection

    def begin(self, buffer_kb: int = BUFFER_KB) -> None:
        """Start the recorder, and wait until it records."""
        self.recorder.begin(buffer_kb)
        self.recorder.wait_recording()
        assert self.recorder.unrecorded == ""

    def end(self) -> KernelRecord:
        """End it, and return what it recorded."""
        record = self.recorder.end()
        assert record is not None, self.recorder.unrecorded
        return record

    def connect(self, count: int) -> None:
        """Have a client make so many connections in turn, each of which the server closes first."""
        stage, number = Stage(self.hosts), next(_NUMBERS)
        with stage.step("rounds"):
            server = stage.serve("serve_blocking", port=PORT, name=f"server{number}")
            stage.run("rounds", port=PORT, args=(str(count),), name=f"rounds{number}")
            server.stop()


@contextlib.contextmanager
def scene(settings: Settings) -> Iterator[Scene]:
    """Yield the lab with its agents running; hosts and recorder come up if they are not."""
    with Connection(settings) as connection:
        hosts = connection.hosts({host: {} for host in HOSTS})
        for host in hosts.values():
            host.clean()
        yield Scene(settings, hosts, connection.recorder(), connection)
        for host in hosts.values():
            host.clean()


@contextlib.contextmanager
def mounted() -> Iterator[None]:
    """Have tracefs be mounted on the machine, as most distributions do, and as it was afterwards."""
    if mounted_tracefs():
        yield
        return
    run("mount", "-t", "tracefs", "tracefs", str(FOLDERS[0]))
    try:
        yield
    finally:
        run("umount", str(FOLDERS[0]))


def in_recorder(settings: Settings, *command: str) -> str:
    """Run a command in the recorder's container; return what it printed."""
    return run("docker", "exec", settings.container(RECORDER), *command)


def signal_in_recorder(settings: Settings, name: str, script: str) -> None:
    """Send a signal to the python process of the recorder's container that runs that script."""
    code = (
        "import os, signal, sys\n"
        "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "    words = open(f'/proc/{pid}/cmdline').read().split(chr(0))\n"
        "    if sys.argv[2] in words[:6] and int(pid) != os.getpid():\n"
        "        os.kill(int(pid), getattr(signal, sys.argv[1]))\n"
    )
    in_recorder(settings, "python3", "-I", "-S", "-c", code, name, script)


def powers(settings: Settings) -> set[int]:
    """Return the capabilities of each process in the recorder's container, and what they could ever gain."""
    look = "cat /proc/[0-9]*/status"
    lines = in_recorder(settings, "sh", "-c", look).splitlines()
    return {int(line.split()[1], 16) for line in lines if line.startswith(("CapPrm", "CapEff", "CapBnd"))}


def container_ids(settings: Settings) -> dict[str, str]:
    """Return the ids of the lab's containers, by their names."""
    command = ["docker", "ps", "-a", "--no-trunc", "--filter", f"label=socketlab={settings.name}"]
    answer = subprocess.run(
        [*command, "--format", "{{.Names}} {{.ID}}"], check=True, capture_output=True, text=True
    ).stdout
    return dict(line.split() for line in answer.splitlines())
