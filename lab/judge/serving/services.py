"""Who asked and who was answered when: connections of clients, as one host's capture has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lab.errors import EvidenceError
from lab.judge.judging import whole_capture
from lab.recording.run import Run
from lab.wire.conversation import Conversation
from lab.wire.segment import Endpoint

_CONNECTED: Final = re.compile(r"(?:(?P<who>\S+) )?connected from (?P<address>[0-9a-f.:]+):(?P<port>\d{1,5})")


@dataclass(frozen=True)
class Service:
    """One connection under the name of its client: times in ns since the epoch as its server's host captured them."""

    name: str
    conversation: Conversation

    @property
    def begun_ns(self) -> int:
        """When its SYN came."""
        return self.conversation.segments[0].time_ns

    @property
    def ended_ns(self) -> int:
        """When the first FIN or RST went by; the last segment where there was none."""
        ends = (*self.conversation.teardown[:1], *self.conversation.resets[:1], self.conversation.segments[-1])
        return min(segment.time_ns for segment in ends)

    @property
    def exchanges(self) -> tuple[tuple[int, int | None], ...]:
        """(request came, its answer left) for each run of data from the client; None for a request never answered."""
        found: list[tuple[int, int | None]] = []
        for segment in self.conversation.data:
            if self.conversation.from_client(segment):
                if not found or found[-1][1] is not None:
                    found.append((segment.time_ns, None))
            elif found and found[-1][1] is None:
                found[-1] = (found[-1][0], segment.time_ns)
        return tuple(found)

    @property
    def asked_ns(self) -> int | None:
        """When its first request came."""
        return self.exchanges[0][0] if self.exchanges else None

    @property
    def answered_ns(self) -> int | None:
        """When its first answer left."""
        return self.exchanges[0][1] if self.exchanges else None

    @property
    def first_wait_ns(self) -> int | None:
        """How long it waited for its first answer, from its SYN on."""
        return None if self.answered_ns is None else self.answered_ns - self.begun_ns

    @property
    def answers(self) -> tuple[int, ...]:
        """When its answers left."""
        return tuple(answered for _, answered in self.exchanges if answered is not None)


def services(run: Run, clients: Sequence[str], on: str = "server") -> tuple[Service, ...]:
    """Return the connections of some clients: one of a client that has one, all of a client that printed of several.

    Raises EvidenceError for a client that the run does not have, or a capture that is not whole; a connection that the
    capture does not hold is left out.
    """
    record = whole_capture(run, on)
    found = []
    for client in clients:
        remote = run.play.party(client).remote
        for name, local, moment_ns in _ends(run, client):
            same = [
                conversation
                for conversation in record.conversations
                if conversation.client == local and remote in (None, conversation.server)
            ]
            # Another client may have had this port before, or get it later.
            if same:
                nearest = min(same, key=lambda one: abs(one.segments[0].time_ns - moment_ns))
                found.append(Service(name, nearest))
    return tuple(found)


def service(run: Run, client: str, on: str = "server") -> Service:
    """Return the one connection of a client; EvidenceError when there is none."""
    found = services(run, (client,), on)
    if not found:
        raise EvidenceError("record-missing", kind="endpoint", name=client)
    return found[0]


def client_names(run: Run, party: str) -> dict[Endpoint, str]:
    """Return the names of the connections that clients made to a server program, by the clients' ends."""
    local = run.play.party(party).local
    on_this_port = [one.name for one in run.play.parties if one.role == "server" and one.local == local]
    begun = {name: run.acted_ns(name) for name in on_this_port}
    ended = min((time for time in begun.values() if time > begun[party]), default=run.recording.ended_ns)
    clients = [
        one.name for one in run.play.parties if one.remote == local and begun[party] <= run.acted_ns(one.name) <= ended
    ]
    return {end: name for client in clients for name, end, _ in _ends(run, client)}


def in_turn(found: Sequence[Service]) -> bool:
    """Whether nobody was answered between the first and the last answer of another."""
    spans = sorted((one.answers[0], one.answers[-1]) for one in found if one.answers)
    return all(before[1] < after[0] for before, after in pairwise(spans))


def _ends(run: Run, client: str) -> Iterator[tuple[str, Endpoint, int]]:
    """Yield the name of each connection, its end, and about when it was made."""
    local = run.play.party(client).local
    if local is not None:
        yield client, local, run.acted_ns(client)
        return
    for output in run.play.outputs:
        said = _CONNECTED.fullmatch(output.text) if output.actor == client else None
        if said:
            yield said["who"] or client, Endpoint(said["address"], int(said["port"])), output.time_ns
