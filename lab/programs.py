"""The programs a stage drives: servers to freeze and stop, clients to type into, as a learner would by hand."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from lab.errors import MachineError
from lab.hosts.strace import COMMAND as STRACE
from lab.kernel.sockets import parse_ss
from lab.settings import PATIENCE
from lab.wire.state import State

if TYPE_CHECKING:
    from lab.hosts.channel import Event
    from lab.hosts.host import Host
    from lab.kernel.rows import SocketRow
    from lab.recording.play import Party
    from lab.wire.segment import Endpoint

SECONDS: Final = PATIENCE
_POLL_SECONDS: Final = 0.05
_GRACE_SECONDS: Final = 1.0
PROMPT: Final = "input>>>"


class Acts(Protocol):
    """What a program needs of the stage that drives it: its acts are noted, and a play that cannot go on ends there."""

    @property
    def parties(self) -> Sequence[Party]:
        """The programs that took part so far."""
        ...

    def act(self, actor: str, verb: str, text: str = "", time_ns: int | None = None) -> None:
        """Record something that was done."""
        ...

    def stopped(self, program: Program, reason: str, detail: str) -> Exception:
        """Return the error that ends the play."""
        ...


class Program:
    """A program under a name of the exercise, on one host.

    Its `user` is `own`: an unprivileged id that no other program has; `lab`, who types by hand; or root.
    """

    def __init__(self, stage: Acts, host: Host, name: str, argv: Sequence[str], user: str = "own") -> None:
        self.stage = stage
        self.host = host
        self.name = name
        self.argv = argv
        self.user = user
        self.pty = False
        """Whether it sits at a pseudo-terminal of its own: what it reads was typed there, and ^C is a key."""
        self.traced = False
        """Whether strace writes down its system calls."""
        self.followed = True
        """Whether the recorder may follow what it and its children do."""
        self.patience = SECONDS
        """How long it is waited for: its words, its end."""
        self.pid = 0
        self.told_to_end = False
        self._typed_after = 0
        """How many of the host's events had come when it was last typed to."""

    def start(self) -> int:
        """Start it; return its process id."""
        answer = self.host.channel.call(
            "spawn",
            name=self.name,
            argv=list(self.argv),
            user=self.user,
            pty=self.pty,
            tracer=STRACE if self.traced else (),
            followed=self.followed,
        )
        self.pid = answer["pid"]
        return self.pid

    @property
    def exit_event(self) -> Event | None:
        """Its end, when it has come."""
        return next((event for event in self.host.channel.events if self._is_exit(event)), None)

    def wait(self) -> None:
        """Wait for its end; the play stops at the deadline."""
        self._wait_end()

    def _wait_end(self) -> None:
        if self.host.channel.wait_event(self._is_exit, self.patience) is None:
            raise self.stage.stopped(self, "did-not-end", f"{self.patience:g} s")

    def wait_ends(self) -> None:
        """Wait for its end, whatever it does before; the play stops at the deadline."""
        self._wait_end()
        self.told_to_end = True  # an end that is waited for is no breakdown

    def type(self, text: str) -> None:
        """Type a line, or one of the keys `^C` and `^D`, and wait for nothing."""
        self._typed_after = len(self.host.channel.events)
        if text == "^D":
            done = self._call("close")
        else:
            done = self._call("write", text="\x03" if text == "^C" else text + "\n")
        self.stage.act(self.name, "type", text, done["time_ns"])

    def wait_says(self, text: str, *, times: int = 1) -> None:
        """Wait until it has printed so many lines that hold the text, since it was typed to.

        The play stops at the deadline, or at the program's end.
        """
        lines = itertools.count(1)

        def said(event: Event) -> bool:
            if event.name != self.name:
                return False
            return event.kind == "exit" or (text in event.data.get("text", "") and next(lines) >= times)

        event = self.host.channel.wait_event(said, self.patience, after=self._typed_after)
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
        self.told_to_end = True
        self._signal("TERM", "stop")
        self._wait_end()

    def _signal(self, signal_name: str, verb: str) -> None:
        done = self._call("signal", signal_name=signal_name)
        self.stage.act(self.name, verb, time_ns=done["time_ns"])

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the agent takes
        """Do something to the program; the play stops when it has ended before."""
        try:
            return self.host.channel.call(operation, name=self.name, **arguments)
        except MachineError as error:
            # Its pipes close a moment before its end is told.
            if error.code != "host-refused" or self.host.channel.wait_event(self._is_exit, SECONDS) is None:
                raise
            raise self.stage.stopped(self, "ended-early", self.last_words()) from error

    def last_words(self) -> str:
        """Return the last line it printed on stderr, or how it ended."""
        return self._last_line("stderr") or (f"status {self.exit_event.data['status']}" if self.exit_event else "")

    def _last_line(self, stream: str) -> str:
        lines = [event.data["text"].strip() for event in self._outputs() if event.data["stream"] == stream]
        return next((line for line in reversed(lines) if line not in ("", PROMPT)), "")

    def _outputs(self) -> list[Event]:
        return [event for event in self.host.channel.events if event.name == self.name and event.kind == "output"]

    def _is_exit(self, event: Event) -> bool:
        return event.kind == "exit" and event.name == self.name

    def _poll(self, find: Callable[[tuple[SocketRow, ...]], SocketRow | None], reason: str) -> SocketRow:
        """Look at this host until a row is found; the play stops at the deadline or at the program's end.

        `find` may itself stop the play.
        """
        deadline = time.monotonic() + SECONDS
        seen = 0
        while True:
            seen = self._wait_news(seen)
            ended = self.exit_event
            row = find(parse_ss(self.host.look()[2]))
            if row is not None:
                return row
            if ended is not None:
                raise self.stage.stopped(self, "ended-early", self.last_words())
            if time.monotonic() > deadline:
                raise self.stage.stopped(self, reason, f"{SECONDS:g} s")

    def _wait_news(self, seen: int) -> int:
        """Wait a moment for a word of it, or its end, after so many of the host's events; return how many there are.

        A program that does what it was told to mostly says so: then there is no need to look before.
        """
        self.host.channel.wait_event(lambda event: event.name == self.name, _POLL_SECONDS, after=seen)
        return len(self.host.channel.events)


class Server(Program):
    """A server program."""

    def wait_listening(self, local: Endpoint) -> None:
        """Wait until `ss` shows this very program listening on that port; the play stops if it is another one."""

        def listening(rows: tuple[SocketRow, ...]) -> SocketRow | None:
            mine = self._listening(rows)
            for row in mine:
                if row.local.port == local.port:
                    return row
            for row in mine:
                raise self.stage.stopped(self, "did-not-listen", f"{local}; LISTEN {row.local}")
            return None

        self._poll(listening, "did-not-listen")

    def wait(self) -> None:
        """Wait for its end; the play stops when it listens instead, or at the deadline."""
        deadline = time.monotonic() + SECONDS
        seen = self._wait_news(0)
        while self.exit_event is None:
            for row in self._listening(parse_ss(self.host.look()[2])):
                raise self.stage.stopped(self, "did-not-end", f"LISTEN {row.local}")
            if time.monotonic() > deadline:
                raise self.stage.stopped(self, "did-not-end", f"{SECONDS:g} s")
            seen = self._wait_news(seen)

    def broke_down(self, reason: str) -> bool:
        """Tell whether it has ended though nobody told it to; where its client did, its own end may come any moment."""
        if not self.told_to_end and reason == "ended-early":
            self.host.channel.wait_event(self._is_exit, _GRACE_SECONDS)
        return not self.told_to_end and self.exit_event is not None

    def _listening(self, rows: tuple[SocketRow, ...]) -> list[SocketRow]:
        return [
            row
            for row in rows
            if row.state is State.LISTEN and any(process.pid == self.pid for process in row.processes)
        ]


class Client(Program):
    """A client program."""

    _said = 0
    """How many lines were typed."""

    def wait_local(self) -> Endpoint:
        """Wait until the kernel gave its connection a port; return that endpoint."""

        def connecting(rows: tuple[SocketRow, ...]) -> SocketRow | None:
            for row in rows:
                if row.peer and any(process.pid == self.pid for process in row.processes):
                    return row
            return None

        return self._poll(connecting, "not-connected").local

    def say(self, text: str, *, answer: bool = True) -> None:
        """Type a line; unless `answer` is False wait until the client asks for the next one, or for its end."""
        done = self._call("write", text=text + "\n")
        self._said += 1
        self.stage.act(self.name, "say", text, done["time_ns"])
        if answer and self._wait_settled() is None:
            raise self.stage.stopped(self, "no-answer", text)

    def leave(self) -> None:
        """Type Ctrl-D and wait until the client has closed its connection and ended."""
        done = self._call("close")
        self.stage.act(self.name, "leave", "^D", done["time_ns"])
        self._wait_end()

    def wait(self) -> None:
        """Wait for its end; the play stops when the client asks for another line instead, or at the deadline."""
        settled = self._wait_settled()
        if self.exit_event is None:
            raise self.stage.stopped(self, "did-not-end", self.last_words() if settled else f"{self.patience:g} s")

    def _wait_settled(self) -> Event | None:
        """Wait until the client has ended, or has dealt with all that was typed and asks for more; None if neither."""

        def settled(event: Event) -> bool:
            return self._is_exit(event) or (self._is_prompt(event) and self._asks())

        return self.host.channel.wait_event(settled, self.patience)

    def last_words(self) -> str:
        """Return the last line it printed, on stderr if it did so there, or how it ended."""
        return self._last_line("stderr") or self._last_line("stdout") or super().last_words()

    def _asks(self) -> bool:
        """Tell whether it asks for more lines than were typed; some clients never ask."""
        return sum(self._is_prompt(event) for event in self._outputs()) > self._said

    def _is_prompt(self, event: Event) -> bool:
        return event.kind == "output" and event.name == self.name and event.data["text"] == PROMPT
