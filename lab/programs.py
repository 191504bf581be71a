"""The programs a stage drives: servers to freeze and stop, clients to type into, as a learner would by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from lab.errors import MachineError
from lab.kernel.sockets import parse_ss
from lab.wire.state import State

if TYPE_CHECKING:
    from lab.hosts.channel import Event
    from lab.hosts.host import Host
    from lab.kernel.rows import SocketRow
    from lab.stage import Stage
    from lab.wire.segment import Endpoint

SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.003
PROMPT: Final = "input>>>"


class Program:
    """A program under a name of the exercise, on one host, run by the unprivileged user unless `user` is root."""

    def __init__(self, stage: Stage, host: Host, name: str, argv: Sequence[str], user: str = "lab") -> None:
        self.stage = stage
        self.host = host
        self.name = name
        self.argv = argv
        self.user = user
        self.pid = 0

    def start(self) -> int:
        """Start it; return its process id."""
        answer = self.host.channel.call("spawn", name=self.name, argv=list(self.argv), user=self.user)
        self.pid = answer["pid"]
        return self.pid

    @property
    def exit_event(self) -> Event | None:
        """Its end, when it has come."""
        return next((event for event in self.host.channel.events if self._is_exit(event)), None)

    def wait(self) -> None:
        """Wait for its end; the play stops at the deadline."""
        if self.host.channel.wait_event(self._is_exit, SECONDS) is None:
            raise self.stage.stopped(self, "did-not-end", f"{SECONDS:g} s")

    def wait_says(self, text: str) -> None:
        """Wait until it prints a line that holds the text; the play stops at the deadline or at its end."""

        def said(event: Event) -> bool:
            return event.name == self.name and (event.kind == "exit" or text in event.data["text"])

        event = self.host.channel.wait_event(said, SECONDS)
        if event is None:
            raise self.stage.stopped(self, "no-answer", text)
        if event.kind == "exit":
            raise self.stage.stopped(self, "ended-early", self.last_words())

    def freeze(self) -> None:
        """Stop the program where it stands (SIGSTOP); the kernel goes on without it."""
        self._signal("STOP", "freeze")

    def thaw(self) -> None:
        """Let a frozen program go on (SIGCONT)."""
        self._signal("CONT", "thaw")

    def stop(self) -> None:
        """End the program (SIGTERM) and wait for its end."""
        self._signal("TERM", "stop")
        self.wait()

    def _signal(self, signal_name: str, verb: str) -> None:
        try:
            answer = self.host.channel.call("signal", name=self.name, signal_name=signal_name)
        except MachineError as error:
            if self.exit_event is None:
                raise
            raise self.stage.stopped(self, "ended-early", self.last_words()) from error
        self.stage.act(self.name, verb, time_ns=answer["time_ns"])

    def last_words(self) -> str:
        """Return the last line it printed on stderr, or how it ended."""
        lines = [
            event.data["text"]
            for event in self.host.channel.events
            if event.name == self.name and event.kind == "output" and event.data["stream"] == "stderr"
        ]
        end = self.exit_event
        return next((line for line in reversed(lines) if line.strip()), f"status {end.data['status']}" if end else "")

    def _is_exit(self, event: Event) -> bool:
        return event.kind == "exit" and event.name == self.name

    def _poll(self, find: Callable[[tuple[SocketRow, ...]], SocketRow | None], reason: str) -> SocketRow:
        """Look at this host until a row is found; the play stops at the deadline or at the program's end."""
        deadline = time.monotonic() + SECONDS
        while True:
            ended = self.exit_event
            row = find(parse_ss(self.host.look()[2]))
            if row is not None:
                return row
            if ended is not None:
                raise self.stage.stopped(self, "ended-early", self.last_words())
            if time.monotonic() > deadline:
                raise self.stage.stopped(self, reason, f"{SECONDS:g} s")
            time.sleep(_POLL_SECONDS)


class Server(Program):
    """A server program."""

    def wait_listening(self, local: Endpoint) -> None:
        """Wait until `ss` shows this very program listening on that port."""

        def listening(rows: tuple[SocketRow, ...]) -> SocketRow | None:
            for row in rows:
                mine = any(process.pid == self.pid for process in row.processes)
                if row.state is State.LISTEN and mine and row.local.port == local.port:
                    return row
            return None

        self._poll(listening, "did-not-listen")


class Client(Program):
    """A client program."""

    def wait_local(self) -> Endpoint:
        """Wait until the kernel gave its connection a port; return that endpoint."""

        def connecting(rows: tuple[SocketRow, ...]) -> SocketRow | None:
            for row in rows:
                if row.peer and any(process.pid == self.pid for process in row.processes):
                    return row
            return None

        return self._poll(connecting, "not-connected").local

    def say(self, text: str, *, answer: bool = True) -> None:
        """Type a line; unless `answer` is False wait for what it then prints, or for its end."""
        seen = len(self.host.channel.events)
        done = self.host.channel.call("write", name=self.name, text=text + "\n")
        self.stage.act(self.name, "say", text, done["time_ns"])
        if not answer:
            return

        def answered(event: Event) -> bool:
            return event.name == self.name and (event.kind == "exit" or event.data["text"] not in (PROMPT, ""))

        if self.host.channel.wait_event(answered, SECONDS, after=seen) is None:
            raise self.stage.stopped(self, "no-answer", text)

    def leave(self) -> None:
        """Type Ctrl-D and wait until the client has closed its connection and ended."""
        done = self.host.channel.call("close", name=self.name)
        self.stage.act(self.name, "leave", "^D", done["time_ns"])
        self.wait()
