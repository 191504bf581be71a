"""The control channel to one host: one `docker exec -i` for the whole run, JSON lines both ways.

The other end is images/host/agent/. Killing this process, even with -9, closes the pipe; the agent sees end-of-file
and takes everything along that it started.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from lab.errors import EvidenceError, MachineError
from lab.hosts.ending import wait_end

AGENT: Final = ("python3", "-I", "-S", "/lab/agent")
CALL_SECONDS: Final = 10.0
BUSY_SECONDS: Final = 5.0
"""How long an agent waits for the one before it to have cleaned up: who has the lab's turn need not wait for a play."""
_END_SECONDS: Final = 2.0
_OVERSLEPT_SECONDS: Final = 0.25


class CrowdedError(MachineError):
    """A host can start nothing more, since the program `program` of a play fills it with processes or threads."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something the agent told unasked: kind is output, lost, exit or stalled; `data` holds its fields.

    `lost` says that a program printed more than is kept, `stalled` that the whole host stood still.
    """

    kind: str
    name: str
    time_ns: int
    data: dict[str, Any]


class Channel:
    """Requests to the agent of one host, and its events in order of arrival."""

    def __init__(self, host: str, container: str, patience: float = BUSY_SECONDS) -> None:
        self.host = host
        self.container = container
        self.events: list[Event] = []
        self._answers: dict[int, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._greeting: dict[str, Any] | None = None
        self._ended = False
        self._words = ""
        self._process = _docker_exec(container, patience)
        self._reader = threading.Thread(target=self._read, name=f"channel-{host}", daemon=True)
        self._reader.start()

    def wait_ready(self, timeout: float = CALL_SECONDS) -> Self:
        """Wait for the agent's greeting.

        Raises MachineError when the host has no agent, has not set its packet guard, has not the address of its link by
        which the others know it, or is driven by another lab.
        """
        self._wait_for(lambda: self._greeting is not None, timeout, "agent")
        if self._greeting and self._greeting["event"] == "busy":
            raise MachineError("host-busy", host=self.host, container=self.container)
        if self._greeting and self._greeting["event"] == "unguarded":
            raise MachineError("host-unguarded", host=self.host, container=self.container)
        if self._greeting and self._greeting["event"] == "misaddressed":
            detail = self._greeting["detail"]
            raise MachineError("host-misaddressed", host=self.host, container=self.container, detail=detail)
        return self

    @property
    def config(self) -> str:
        """What the host was made from, as `lab.hosts.compose` named it; empty before the agent has answered."""
        return str(self._greeting.get("config", "")) if self._greeting else ""

    @property
    def owner(self) -> str:
        """Whose the host is, see lab/hosts/owner.py; empty for nobody's, and before the agent has answered."""
        return str(self._greeting.get("owner", "")) if self._greeting else ""

    @property
    def state(self) -> str:
        """What the container said of itself when it was ready, see images/host/recorder/keep.py; empty in a host."""
        return str(self._greeting.get("state", "")) if self._greeting else ""

    @property
    def facts(self) -> dict[str, str]:
        """What never changes there, by name: versions of the tools, kernel release; empty before the greeting."""
        return dict(self._greeting.get("facts", {})) if self._greeting else {}

    def call(self, operation: str, *, patience: float = CALL_SECONDS, **arguments: object) -> dict[str, Any]:
        """Do one operation of the agent and return its answer, for which this waits `patience` seconds.

        Raises MachineError when the host or its agent has died, or the agent refuses; EvidenceError when it is too
        slow.
        """
        return self.answer(self.begin(operation, arguments), operation, patience)

    def call_all(self, *calls: tuple[str, Mapping[str, object]]) -> list[dict[str, Any]]:
        """Do several operations, begun in this order without waiting for each other; return their answers."""
        numbers = [(self.begin(operation, arguments), operation) for operation, arguments in calls]
        return [self.answer(number, operation, CALL_SECONDS) for number, operation in numbers]

    def begin(self, operation: str, arguments: Mapping[str, object]) -> int:
        """Ask for an operation without waiting for it; return the number to ask `answer` for."""
        number = next(self._numbers)
        line = json.dumps({"id": number, "op": operation, **arguments}).encode() + b"\n"
        try:
            stdin = self._process.stdin
            if stdin is None:
                raise self._died()
            stdin.write(line)
            stdin.flush()
        except (OSError, ValueError) as error:
            raise self._died() from error
        return number

    def answer(self, number: int, operation: str, patience: float) -> dict[str, Any]:
        """Wait for what `begin` asked for; raises as `call` does."""
        self._wait_for(lambda: number in self._answers, patience, operation)
        answer = self._answers.pop(number)
        if "error" in answer:
            code, detail = answer["error"]["code"], answer["error"]["detail"]
            if code == "crowded":
                raise CrowdedError("host-crowded", host=self.host, program=detail, operation=operation)
            if code == "timeout":
                raise EvidenceError("host-too-slow", host=self.host, detail=detail)
            raise MachineError("host-refused", host=self.host, operation=operation, detail=detail)
        result: dict[str, Any] = answer["ok"]
        return result

    def wait_event(self, wanted: Callable[[Event], bool], timeout: float, after: int = 0) -> Event | None:
        """Wait for an event, also one that has already come, but not among the first `after`; None at the deadline."""
        found: list[Event] = []
        seen = after

        def come() -> bool:
            nonlocal seen
            while not found and seen < len(self.events):
                if wanted(self.events[seen]):
                    found.append(self.events[seen])
                seen += 1
            return bool(found)

        self._wait_for(come, timeout, None)
        return found[0] if found else None

    def hang_up(self) -> None:
        """Tell the agent that it is over, and whoever waits for it here; `close` waits for its end."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def close(self) -> None:
        """End the agent and everything it started; safe to call twice."""
        self.hang_up()
        wait_end(self._process, [self._reader])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        for line in stdout:
            try:
                message = json.loads(line)
                with self._changed:
                    self._take(message)
                    self._changed.notify_all()
            except (ValueError, TypeError, KeyError):  # no agent speaks: the engine says there why not
                self._words = line.decode("utf-8", "replace").strip()
                break
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
        elif message["event"] in ("ready", "busy", "unguarded", "misaddressed"):
            self._greeting = message
        else:
            self.events.append(Event(message["event"], message["name"], message["time_ns"], message))

    def _wait_for(self, come: Callable[[], bool], timeout: float, operation: str | None) -> None:
        deadline = time.monotonic() + timeout
        with self._changed:
            while not come():
                if self._ended:
                    break
                left = deadline - time.monotonic()
                if left <= 0:
                    if operation is None:
                        return
                    raise EvidenceError("host-too-slow", host=self.host, detail=f"{operation}: {timeout:g} s")
                deadline += self._overslept(left)
            else:
                return
        raise self._died()

    def _overslept(self, seconds: float) -> float:
        """Wait for news; return by how much this took longer than it may.

        A process that was stopped may reach its deadline before its reader has read what came meanwhile.
        """
        begun = time.monotonic()
        self._changed.wait(seconds)
        return max(time.monotonic() - begun - seconds - _OVERSLEPT_SECONDS, 0)

    def _died(self) -> MachineError:
        """Say why the other end is gone: the words of `docker exec` when it has any."""
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        with contextlib.suppress(OSError, ValueError):
            stderr = self._process.stderr.read() if self._process.stderr else b""
            lines = stderr.decode("utf-8", "replace").strip().splitlines()
            self._words = lines[-1] if lines else self._words
        detail = self._words or f"exit status {self._process.returncode}"
        return MachineError("host-died", host=self.host, container=self.container, detail=detail)


def _docker_exec(container: str, patience: float) -> subprocess.Popen[bytes]:
    command = ["docker", "exec", "-i", container, *AGENT, f"{patience:g}"]
    try:
        # A session of its own: Ctrl-C in the terminal must reach the lab alone, which then closes in order.
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        raise MachineError("engine-absent") from None
