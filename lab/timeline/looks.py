"""What `ss` showed of each connection's ends, look by look."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lab.errors import EvidenceError
from lab.kernel.rows import SocketRow
from lab.recording.recording import Recording
from lab.wire.segment import Endpoint
from lab.wire.state import State


class Seen(NamedTuple):
    """One look at a host: it began and ended (ns); its rows by (local, peer), listeners under (local, None)."""

    begun_ns: int
    ended_ns: int
    rows: dict[tuple[Endpoint, Endpoint | None], SocketRow]


@dataclass(frozen=True, slots=True)
class Looks:
    """All looks of a run, by host, in the order of time."""

    by_host: dict[str, list[Seen]]
    places: dict[tuple[str, Endpoint, Endpoint | None], list[int]] = field(default_factory=dict)
    """Which looks at its host show a socket: most show nearly none of all that a run had."""

    def __post_init__(self) -> None:
        """Note where each socket was seen."""
        for host, looks in self.by_host.items():
            for place, seen in enumerate(looks):
                for ends in seen.rows:
                    self.places.setdefault((host, *ends), []).append(place)

    def of(self, host: str, local: Endpoint, peer: Endpoint | None) -> Iterator[tuple[Seen, SocketRow | None]]:
        """Yield each look at the host with the row of that socket, None where it was not there."""
        for seen in self.by_host.get(host, ()):
            yield seen, seen.rows.get((local, peer))

    def showing(self, host: str, local: Endpoint, peer: Endpoint | None) -> Iterator[tuple[Seen, SocketRow]]:
        """Yield the looks that show that socket, with its row."""
        for place in self.places.get((host, local, peer), ()):
            seen = self.by_host[host][place]
            yield seen, seen.rows[local, peer]

    def vanishing(
        self, host: str, ends: tuple[Endpoint, Endpoint], since_ns: int, until_ns: int
    ) -> tuple[Seen, Seen] | None:
        """Return the last look within this time that still shows a socket, and the next, the first without it.

        None where it was not seen, or until the end.
        """
        looks, places = self.by_host.get(host, []), self.places.get((host, *ends), [])
        at = bisect_left(places, since_ns, key=lambda place: looks[place].begun_ns)
        if at == len(places):
            return None
        while at + 1 < len(places) and places[at + 1] == places[at] + 1:
            at += 1
        after = places[at] + 1
        return (looks[after - 1], looks[after]) if after < len(looks) and looks[after].begun_ns < until_ns else None

    def shows(self, host: str, ends: tuple[Endpoint, Endpoint], state: State, begun_ns: int, until_ns: int) -> bool:
        """Tell whether some look within this time shows the end in that state."""
        return any(
            row.state is state and seen.ended_ns >= begun_ns and seen.begun_ns <= until_ns
            for seen, row in self.showing(host, *ends)
        )


def looks_of(recording: Recording) -> Looks:
    """Return what the outputs and samplings of `ss` show; an output that cannot be read shows nothing."""
    found: dict[str, list[Seen]] = {}
    for output in recording.outputs:
        try:
            rows = output.rows
        except EvidenceError:
            continue
        found.setdefault(output.host, []).append(Seen(output.begun_ns, output.ended_ns, _by_ends(rows)))
    for sampling in recording.samplings:
        try:
            told = sampling.rows()
        except EvidenceError:
            continue
        for (time_ns, rows), (until_ns, _) in zip(told, (*told[1:], (sampling.ended_ns, ())), strict=True):
            # An output was seen again and again until the next one: it held from its first look on.
            found.setdefault(sampling.host, []).append(Seen(time_ns, until_ns, _by_ends(rows)))
    return Looks({host: sorted(seen, key=lambda one: one.begun_ns) for host, seen in found.items()})


def _by_ends(rows: tuple[SocketRow, ...]) -> dict[tuple[Endpoint, Endpoint | None], SocketRow]:
    return {(row.local, row.peer): row for row in rows}
