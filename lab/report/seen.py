"""Which states `ss` really showed: what tells an observed state from one inferred from the capture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lab.errors import EvidenceError
from lab.kernel.rows import SocketRow
from lab.recording.recording import Recording, Sampling, SsOutput
from lab.wire.segment import Endpoint
from lab.wire.state import State


class Sighting(NamedTuple):
    """A state that `ss` on a host showed for one end of a connection."""

    host: str
    state: State
    local: Endpoint
    peer: Endpoint


def sightings(recording: Recording) -> frozenset[Sighting]:
    """Return every state of every connection that some output or sampling of `ss` shows.

    An output that cannot be read shows nothing; the expectations that need it say so.
    """
    records: tuple[SsOutput | Sampling, ...] = (*recording.outputs, *recording.samplings)
    return frozenset(
        Sighting(record.host, row.state, row.local, row.peer)
        for record in records
        for row in _rows(record)
        if row.peer is not None
    )


def _rows(record: SsOutput | Sampling) -> Iterator[SocketRow]:
    try:
        if isinstance(record, SsOutput):
            yield from record.rows
        else:
            yield from (row for _, rows in record.rows() for row in rows)
    except EvidenceError:
        return
