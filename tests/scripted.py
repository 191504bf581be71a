"""A channel whose other end is a script: what an agent was asked once and what it said, so that no engine is needed.

Stage, programs and runner are driven by it as by a host. Each request must be the one that was recorded, in its order;
what had come up to the next request comes then. tests/fixtures/record_channels.py records such scripts.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from lab.conditions import state
from lab.hosts.channel import Channel
from lab.hosts.connection import Connection
from lab.hosts.host import Host
from lab.hosts.recorder import SWITCHED_OFF, Recorder
from lab.settings import PORT, ROOT, Settings, read_settings
from lab.stage import Stage

SCRIPTS: Final = ROOT / "tests" / "fixtures" / "channels"
SETTINGS: Final[Settings] = read_settings({"LAB_NAME": "scripted", "LAB_SUBNET": "10.34.0.0/24", "LAB_RECORDER": "0"})
HOSTS: Final = ("server", "client")
Entry = Mapping[str, dict[str, Any]]
"""`sent` or `got`, and the message."""


class Clock:
    """The time of a play is that of the last thing that any of its hosts told."""

    def __init__(self) -> None:
        self.now_ns = 0

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take the times that a message tells."""
        for told in (message, message.get("ok", {})):
            for name in ("time_ns", "begun_ns", "ended_ns"):
                self.now_ns = max(self.now_ns, int(told.get(name) or 0))

    def set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the stage and the runner read it, and wait for nothing."""
        read = SimpleNamespace(time_ns=lambda: self.now_ns, sleep=lambda _: None, monotonic=time.monotonic)
        for module in ("lab.runner", "lab.play_recorder"):
            monkeypatch.setattr(f"{module}.time", read)


class ScriptedChannel(Channel):
    """Says what an agent said; AssertionError for a request that the agent was not asked, or not then."""

    def __init__(self, host: str, entries: Iterable[Entry], clock: Clock) -> None:
        self.host = self.container = host
        self.events = []
        self._answers, self._numbers = {}, itertools.count(1)
        self._greeting = None
        self._changed = threading.Condition()
        self._entries, self._clock = deque(entries), clock
        self._hear()

    def begin(self, operation: str, arguments: Mapping[str, object]) -> int:
        number = next(self._numbers)
        asked = json.loads(json.dumps({"id": number, "op": operation, **arguments}))
        recorded = self._entries.popleft()["sent"] if self._entries else None
        assert asked == recorded, f"{self.host} was asked {asked}, in the script it was {recorded}"
        self._hear()
        return number

    def hang_up(self) -> None:
        assert not self._entries, f"{self.host} was not asked all of its script: {self._entries[0]}"

    def close(self) -> None:
        """Nothing runs."""

    def _hear(self) -> None:
        while self._entries and "got" in self._entries[0]:
            message = self._entries.popleft()["got"]
            self._clock.hear(message)
            self._take(message)

    def _wait_for(self, come: Callable[[], bool], timeout: float, operation: str | None) -> None:
        assert come() or operation is None, f"in the script {self.host} does not answer {operation} in {timeout:g} s"


class ScriptedConnection:
    """Two hosts that say what they said once; nothing of the kernel was recorded."""

    def __init__(self, name: str) -> None:
        self.clock = Clock()
        self._channels = {host: ScriptedChannel(host, read_script(name, host), self.clock) for host in HOSTS}

    def hosts(self, *_: object) -> Mapping[str, Host]:
        return {host: Host(host, SETTINGS.addresses[host], channel) for host, channel in self._channels.items()}

    def recorder(self) -> Recorder:
        return Recorder(SETTINGS, None, SWITCHED_OFF)

    def hang_up(self) -> None:
        for channel in self._channels.values():
            channel.hang_up()


def connection(name: str, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """Return the connection of that script, whose clock the play goes by."""
    made = ScriptedConnection(name)
    made.clock.set(monkeypatch)
    return cast("Connection", made)


def read_script(name: str, host: str) -> list[Entry]:
    """Return what a host was asked and what it said."""
    return [json.loads(line) for line in script_of(name, host).read_text(encoding="utf-8").splitlines()]


def script_of(name: str, host: str) -> Path:
    """Return the file of a host's script."""
    return SCRIPTS / f"{name}.{host}.jsonl"


class Played:
    """An exercise as far as the runner needs one: what happens, on the usual two hosts."""

    further: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def __init__(self, play: Callable[[Stage], None]) -> None:
        self.id, self.play, self.lab = play.__name__, play, self

    def sysctls(self, _: str) -> Mapping[str, int | str]:
        return {}


def talk(stage: Stage) -> None:
    """A client says something, leaves while the server is frozen, and the server closes when it goes on."""
    with stage.step("talks"):
        server = stage.serve("serve_blocking", port=PORT, backlog=5)
        stage.count("before")
        a = stage.client("a", port=PORT)
        a.say("hello")
        stage.snapshot("connected", server=state("ESTAB", "a"))
    with stage.step("ends"):
        server.freeze()
        a.leave()
        stage.snapshot("left", server=state("CLOSE-WAIT", "a"), client=state("FIN-WAIT-2", "a"))
        server.thaw()
        stage.snapshot("closed", on=("client",), client=state("TIME-WAIT", "a"))
        stage.count("after")
        server.stop()


def refused(stage: Stage) -> None:
    """A client dials where nobody listens: the play stops."""
    with stage.step("dials"):
        stage.client("a", port=PORT)
    with stage.step("never"):
        stage.serve("serve_blocking", port=PORT)


PLAYS: Final = {play.__name__: play for play in (talk, refused)}
