"""Hold back the last ACK of handshakes, by a packet filter in the client's own namespace that cannot outlive the run.

The filter is a table of its own with `flags owner`, fed to one `nft -i` that stays: the kernel takes the table away
when that process ends, by kill -9 too, and nobody else can change it (nft(8)). Nothing else is ever flushed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from lab.errors import EvidenceError
from lab.kernel.sockets import parse_ss
from lab.programs import SECONDS, Acts, Program

if TYPE_CHECKING:
    from lab.hosts.channel import Event
    from lab.hosts.host import Host

TABLE: Final = "hold"
# -e: what the kernel has taken is said again.
COMMAND: Final = ("nft", "-e", "-i")
_NO_HISTORY: Final = ("env", "HOME=/dev/null")
"""nft keeps what was typed in a file at home, and nothing may be left behind."""
_RULES: Final = (
    "table inet {table} {{ flags owner; set known {{ type inet_service; {elements}}}; "
    "chain output {{ type filter hook output priority filter; "
    "tcp dport {port} tcp sport != @known tcp flags == ack ip length < 100 counter drop; }}; }}"
)
"""A bare ACK is a packet of less than 100 bytes with that flag alone. Connections from the ports `known` are exempt."""


class HeldAcks(Program):
    """Bare ACKs to a port are dropped where they leave, but for connections that were there before or are released.

    Leaving it as a context lifts the filter, if that has not been done; so does the end of the run, whatever ends it.
    """

    def __init__(self, stage: Acts, host: Host, name: str, port: int) -> None:
        super().__init__(stage, host, name, (*_NO_HISTORY, *COMMAND), user="root")
        self.port = port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.exit_event is None:
            self.drop()

    def hold(self) -> None:
        """Set the filter and wait until it stands.

        Raises EvidenceError with nft's own words when the kernel refuses it.
        """
        ports = self._connected()
        listed = f"elements = {{ {ports} }}; " if ports else ""
        self._feed(_RULES.format(table=TABLE, port=self.port, elements=listed), echo="add rule")

    def release(self, *clients: str) -> None:
        """Let the ACKs of these clients through from now on: the next one is sent when the server asks again.

        Raises EvidenceError when a client has no port, or the kernel refuses it.
        """
        ports = [self._port_of(client) for client in clients]
        self._feed(f"add element inet {TABLE} known {{ {', '.join(map(str, ports))} }}", echo="add element")
        self.stage.act(self.name, "release", ", ".join(clients))

    def no_more(self) -> None:
        """Hold back no further ones: whoever connects from now on is left alone, the others stay as they are.

        Raises EvidenceError when the kernel refuses it.
        """
        ports = self._connected() or "0"
        self._feed(f"insert rule inet {TABLE} output tcp sport != {{ {ports} }} accept", echo="insert rule")

    def drop(self) -> None:
        """Lift the filter: nft ends and its table with it."""
        done = self._call("close")
        self.stage.act(self.name, "leave", "^D", done["time_ns"])
        self._wait_end()

    def _feed(self, line: str, *, echo: str) -> None:
        """Type a line into nft and wait until it has said what the kernel then has: `echo` is how that begins."""
        seen = len(self.host.channel.events)
        done = self._call("write", text=line + "\n")
        self.stage.act(self.name, "say", line, done["time_ns"])

        def answered(event: Event) -> bool:
            said = event.data.get("text", "")
            return event.name == self.name and (said.startswith(echo) or event.data.get("stream") != "stdout")

        event = self.host.channel.wait_event(answered, SECONDS, after=seen)
        if event is None or event.data.get("stream") != "stdout":
            said = (event and event.data.get("text")) or self.last_words() or f"{SECONDS:g} s"
            raise EvidenceError("probe-died", probe=" ".join(COMMAND), host=self.host.name, detail=str(said).strip())

    def _connected(self) -> str:
        """Return the ports from which this host has connections to the port, with commas."""
        rows = parse_ss(self.host.look()[2])
        return ", ".join(str(row.local.port) for row in rows if row.peer is not None and row.peer.port == self.port)

    def _port_of(self, client: str) -> int:
        end = next((party.local for party in self.stage.parties if party.name == client), None)
        if end is None:
            raise EvidenceError("record-missing", kind="endpoint", name=client)
        return end.port
