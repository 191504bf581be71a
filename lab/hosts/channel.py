"""The control channel to one host: one `docker exec -i` for the whole run, JSON lines both ways.

The other end is images/host/agent.py. Killing this process, even with -9, closes the pipe; the agent sees end-of-file
and takes everything along that it started.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Self

from lab.errors import EvidenceError, MachineError

AGENT: Final = ("python3", "-I", "-S", "/lab/agent.py")
CALL_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something the agent told unasked: kind is output or exit; `data` holds its fields."""

    kind: str
    name: str
    time_ns: int
    data: dict[str, Any]


class Channel:
    """Requests to the agent of one host, and its events in order of arrival."""

    def __init__(self, host: str, container: str) -> None:
        self.host = host
        self.container = container
        self.events: list[Event] = []
        self._answers: dict[int, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._greeting: dict[str, Any] | None = None
        self._ended = False
        # A session of its own: Ctrl-C in the terminal must reach the lab alone, which then closes in order.
        self._process = subprocess.Popen(
            ["docker", "exec", "-i", container, *AGENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=f"channel-{host}", daemon=True)
        self._reader.start()

    def wait_ready(self, timeout: float = CALL_SECONDS) -> Self:
        """Wait for the agent's greeting; MachineError when the host has no agent or another lab drives it."""
        self._wait_for(lambda: self._greeting is not None, timeout, "agent")
        if self._greeting and self._greeting["event"] == "busy":
            raise MachineError("host-busy", host=self.host, container=self.container)
        if self._greeting and self._greeting["event"] == "unguarded":
            raise MachineError("host-unguarded", host=self.host, container=self.container)
        return self

    @property
    def config(self) -> str:
        """What the host was made from, as `lab.hosts.compose` named it; empty before the agent has answered."""
        return str(self._greeting.get("config", "")) if self._greeting else ""

    def call(self, operation: str, *, timeout: float = CALL_SECONDS, **arguments: object) -> dict[str, Any]:
        """Do one operation of the agent and return its answer.

        Raises MachineError when the host or its agent has died, or the agent refuses.
        """
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
        self._wait_for(lambda: number in self._answers, timeout, operation)
        answer = self._answers.pop(number)
        if "error" in answer:
            error = answer["error"]
            if error["code"] == "timeout":
                raise EvidenceError("host-too-slow", host=self.host, detail=error["detail"])
            raise MachineError("host-refused", host=self.host, operation=operation, detail=error["detail"])
        result: dict[str, Any] = answer["ok"]
        return result

    def wait_event(self, wanted: Callable[[Event], bool], timeout: float, after: int = 0) -> Event | None:
        """Wait for an event, also one that has already come, but not among the first `after`; None at the deadline."""
        found: list[Event] = []

        def come() -> bool:
            found.extend(event for event in self.events[after:] if wanted(event))
            return bool(found)

        self._wait_for(come, timeout, None)
        return found[0] if found else None

    def close(self) -> None:
        """End the agent and everything it started; safe to call twice."""
        if self._process.stdin:
            try:
                self._process.stdin.close()
            except OSError:
                pass
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()

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
            except ValueError:
                break
            with self._changed:
                self._take(message)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
        elif message["event"] in ("ready", "busy", "unguarded"):
            self._greeting = message
        else:
            self.events.append(Event(message["event"], message["name"], message["time_ns"], message))

    def _wait_for(self, come: Callable[[], bool], timeout: float, operation: str | None) -> None:
        deadline = time.monotonic() + timeout
        with self._changed:
            while not come():
                if self._ended:
                    raise self._died()
                left = deadline - time.monotonic()
                if left <= 0:
                    if operation is None:
                        return
                    raise EvidenceError("host-too-slow", host=self.host, detail=f"{operation}: {timeout:g} s")
                self._changed.wait(left)

    def _died(self) -> MachineError:
        """Say why the other end is gone: the words of `docker exec` when it has any."""
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
        words = self._process.stderr.read().decode("utf-8", "replace").strip() if self._process.stderr else ""
        detail = words.splitlines()[-1] if words else f"exit status {self._process.returncode}"
        return MachineError("host-died", host=self.host, container=self.container, detail=detail)
