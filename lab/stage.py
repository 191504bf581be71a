"""What an exercise may do: start programs by name, type into them, freeze them, and look (see recording.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lab.holding import COMMAND as HOLDER
from lab.holding import HeldAcks
from lab.hosts.channel import CrowdedError
from lab.hosts.host import Host
from lab.hosts.strace import COMMAND as STRACE
from lab.hosts.strace import fetch_trace
from lab.kernel.sockets import parse_ss
from lab.play_recorder import PlayRecorder
from lab.polling import Polling
from lab.programs import Client, Program, Server
from lab.recording.play import Party, Stopped
from lab.recording.raw import Trace
from lab.settings import PATIENCE, PORT
from lab.wire.segment import Endpoint
from lab.wire.state import State

SECONDS: Final = PATIENCE
"""How long the stage waits for anything that should happen at once."""
_BROWSER_SECONDS: Final = 20.0
"""A browser takes seconds to start, on a busy machine many."""


class PlayStoppedError(Exception):
    """The play cannot go on, since a program did not do what the next act needs; the record says which and why."""

    def __init__(self, stopped: Stopped) -> None:
        super().__init__(stopped)
        self.stopped = stopped


class Stage(PlayRecorder):
    """The hosts, the programs started on them, and the record of what was done."""

    server_type: type[Server] = Server
    client_type: type[Client] = Client
    filter_type: type[HeldAcks] = HeldAcks

    def __init__(self, hosts: Mapping[str, Host], stand_ins: Mapping[str, str] | None = None) -> None:
        super().__init__(hosts)
        self._stand_ins = stand_ins or {}
        self._servers: list[Server] = []
        self._traced: list[Program] = []

    def serve(  # noqa: PLR0913 - a keyword for each way in which a server may be started
        self,
        program: str,
        *,
        port: int,
        name: str = "server",
        backlog: int | None = None,
        options: Sequence[str] = (),
        ready: bool = True,
        on: str = "server",
        pty: bool = False,
        trace: bool = False,
    ) -> Server:
        """Start a server program on a host, and wait until it listens unless `ready` is False.

        With `pty` it sits at a pseudo-terminal of its own, and `Program.type` types there. With `trace` its system
        calls are recorded.
        """
        program = self._stand_ins.get(program, program)
        host = self.hosts[on]
        argv = [program, *options, *(["--backlog", str(backlog)] if backlog is not None else [])]
        argv += [host.address, str(port)]
        server = self.server_type(self, host, name, argv)
        server.pty = pty
        pid = self._start(server, trace=trace)
        local = Endpoint(host.address, port)
        self.parties.append(Party(name, "server", on, program, " ".join(argv), pid, local, None))
        self.act(name, "serve", " ".join(argv))
        if ready:
            self._servers.append(server)
            server.wait_listening(local)
        return server

    def client(  # noqa: PLR0913 - a keyword for each way in which a client may be started
        self,
        name: str,
        *,
        port: int,
        program: str = "prompt",
        wait: State | None = State.ESTABLISHED,
        args: Sequence[str] = (),
        on: str = "client",
        to: str = "server",
        trace: bool = False,
    ) -> Client:
        """Start a client; wait until it has an ephemeral port and the `ss` of `to` shows it in the state `wait`.

        With `wait` None only the port is waited for.
        """
        client = self._client(name, program, port, args, on=on, to=to, trace=trace)
        local = client.wait_local()
        self.parties[-1] = _with_local(self.parties[-1], local)
        if wait is not None:
            self._wait_connected(client, self.parties[-1], wait, to)
        return client

    def start(self, name: str, program: str, *args: str, on: str = "client", patience: float = SECONDS) -> Client:
        """Start a program that connects wherever its arguments say, or nowhere; this waits for nothing.

        Whoever waits for its words or its end waits for `patience` seconds.
        """
        program = self._stand_ins.get(program, program)
        client = self.client_type(self, self.hosts[on], name, [program, *args])
        client.patience = patience
        pid = client.start()
        self.parties.append(Party(name, "client", on, program, " ".join(client.argv), pid, None, None))
        self.act(name, "run", " ".join(client.argv))
        return client

    def browse(self, name: str, *, port: int, path: str = "/", to: str = "server") -> Client:
        """Open a page: in a real browser when there is that host, else with the client that sends such headers.

        Freeze the server before: this returns when the request waits there unread. A browser opens further connections
        to have them at hand; the party's own is the one that asks first. Its host and program tell which it was.
        """
        if "browser" not in self.hosts:
            return self.client(name, port=port, program="get_page", args=(path,), to=to)
        client = self._client(name, "browse", port, (path,), on="browser", to=to)
        asked = self._wait_asked(client, Endpoint(self.hosts[to].address, port), to)
        self.parties[-1] = _with_local(self.parties[-1], asked)
        return client

    def crowd(self, name: str, *, port: int, count: int, to: str = "server") -> Client:
        """Start the client that opens `count` connections at once and holds them."""
        return self._client(name, "crowd", port, (str(count),), to=to)

    def begin(self, name: str, *, program: str, port: int, args: Sequence[str] = (), trace: bool = False) -> Client:
        """Start a client and wait for nothing."""
        return self._client(name, program, port, args, trace=trace)

    def run(
        self,
        program: str,
        *,
        port: int,
        args: Sequence[str] = (),
        name: str | None = None,
        on: str = "client",
        to: str = "server",
    ) -> None:
        """Run a client program to its end."""
        self._client(name or program, program, port, args, on=on, to=to).wait()

    def shell(
        self, name: str, *, on: str, line: str, root: bool = False, sees_all: bool = False, says: str | None = None
    ) -> Program:
        """Type a line into a shell on a host, and wait for its end; with `says`, only until it has printed that.

        With `sees_all` it sees the processes of the play's programs, as who starts them by hand sees theirs.
        """
        host = self.hosts[on]
        program = Program(self, host, name, ("bash", "-c", line), "root" if root or sees_all else "lab")
        pid = program.start()
        self.parties.append(Party(name, "root" if root else "shell", on, line.partition(" ")[0], line, pid, None, None))
        self.act(name, "run", line)
        if says is None:
            program.wait()
        else:
            program.wait_says(says)
        return program

    def _client(
        self,
        name: str,
        program: str,
        port: int,
        args: Sequence[str],
        *,
        on: str = "client",
        to: str = "server",
        trace: bool = False,
    ) -> Client:
        program = self._stand_ins.get(program, program)
        host = self.hosts[on]
        remote = Endpoint(self.hosts[to].address, port)
        argv = [program, remote.address, str(port), *args]
        client = self.client_type(self, host, name, argv)
        client.followed = on != "browser"  # a browser calls more than anybody wants to know
        pid = self._start(client, trace=trace)
        self.parties.append(Party(name, "client", on, program, " ".join(argv), pid, None, remote))
        self.act(name, "connect", " ".join(argv))
        return client

    def hold_acks(self, *, on: str = "client", port: int = PORT, name: str = "hold") -> HeldAcks:
        """Hold back bare ACKs to a port where they leave the host `on`, but for connections that are already there.

        What is returned releases them client by client, or all; it is a context, too. It ends with the run at the
        latest.
        """
        host = self.hosts[on]
        held = self.filter_type(self, host, name, port)
        pid = held.start()
        self.parties.append(Party(name, "root", on, HOLDER[0], " ".join(HOLDER), pid, None, None))
        self.act(name, "hold", f"{on} :{port}")
        held.hold()
        return held

    def _start(self, program: Program, *, trace: bool) -> int:
        program.traced = trace
        if trace:
            self._traced.append(program)
        return program.start()

    def traces(self) -> tuple[Trace, ...]:
        """Return the system calls of the traced programs: the play is over, and those that still run are ended."""
        found = []
        for program in self._traced:
            text, whole = fetch_trace(program.host.channel, program.name)
            command = " ".join((*STRACE, *program.argv))
            file = f"traces/{program.name}.strace"
            found.append(Trace(program.host.name, program.pid, command, text, file, cut=not whole))
        return tuple(found)

    def stopped(self, program: Program, reason: str, detail: str) -> PlayStoppedError:
        """Return the error that ends the play, and what the record will say of it, a server's breakdown included."""
        if reason != "ended-early":
            self.note_starved(program.patience)
        ended = [server for server in self._servers if server is not program and server.broke_down(reason)]
        details = [detail, *(f"{server.name}: {server.last_words()}" for server in ended)]
        return PlayStoppedError(Stopped(self._step, program.name, reason, "; ".join(details)))

    def crowded(self, error: CrowdedError) -> Stopped:
        """Return what the record will say of a play that ends since nothing more can be started on a host."""
        return Stopped(self._step, str(error.params["program"]), "took-all-processes", "")

    def _wait_asked(self, client: Client, remote: Endpoint, to: str) -> Endpoint:
        """Wait until something that the client's host sent is unread at that endpoint; return where it came from."""
        polling = Polling(max(SECONDS, _BROWSER_SECONDS))
        while True:
            ended = client.exit_event
            for row in parse_ss(self.hosts[to].look()[2]):
                if row.local == remote and row.peer and row.peer.address == client.host.address and row.recv_q:
                    return row.peer
            if ended is not None:
                raise self.stopped(client, "ended-early", client.last_words())
            if polling.late():
                raise self.stopped(client, "not-connected", f"{remote}: Recv-Q 0")

    def _wait_connected(self, client: Client, party: Party, wait: State, to: str) -> None:
        polling = Polling(SECONDS)
        while True:
            ended = client.exit_event
            rows = parse_ss(self.hosts[to].look()[2])
            states = [row.state for row in rows if party.has(row.local, row.peer)]
            if wait in states:
                return
            if ended is not None:
                raise self.stopped(client, "ended-early", client.last_words())
            if polling.late():
                raise self.stopped(client, "not-connected", f"{party.local}: {'/'.join(states) or '-'} ≠ {wait}")


def _with_local(party: Party, local: Endpoint) -> Party:
    return Party(party.name, party.role, party.host, party.program, party.command, party.pid, local, party.remote)
