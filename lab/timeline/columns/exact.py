"""The connections of which something is unusual: their moments as the exact way makes them, one after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lab.kernel.columns.calls import NONE as NEVER
from lab.timeline.alone import segments_of, states_of
from lab.timeline.causes import find_causes
from lab.timeline.columns.calls import KeptCalls
from lab.timeline.columns.lives import LifeColumns
from lab.timeline.columns.times import NONE, Mask, Rows
from lab.timeline.connections import passages
from lab.timeline.draft import Draft
from lab.timeline.lives import Life
from lab.timeline.looks import Looks
from lab.timeline.model import Lane, Source
from lab.timeline.reasons import Reasons
from lab.wire.segment import Endpoint

ListenersEnds = Mapping[tuple[str, Endpoint], list[Draft]]


@dataclass(slots=True)
class Exact:
    """The drafts of the odd connections, connection after connection, and which of them were which calls."""

    drafts: list[Draft] = field(default_factory=list)
    place: list[int] = field(default_factory=list)
    """Each one's place among those of its connection."""
    calls: dict[int, int] = field(default_factory=dict)
    """By a call's place among those that are kept, its place in `drafts`."""


def exact(
    columns: LifeColumns,
    calls: KeptCalls,
    looks: Looks,
    reasons: Reasons,
    resolutions: Mapping[str, int],
    listeners_ends: ListenersEnds,
) -> Exact:
    """Return the moments of the odd connections; `listeners_ends` are those of listeners whose calls were recorded."""
    found = Exact()
    connections = columns.connections
    of_talk = _by_talk(calls.talk, connections.odd)
    lives = lives_of_talks(columns, connections.odd)
    for number in np.flatnonzero(connections.odd).tolist():
        joined = connections.joined(number)
        mine = of_talk.get(number, [])
        drafts = call_drafts(calls, mine, connections.hosts.names)
        drafts += states_of(number, joined, lives.get(number, ()), looks)
        drafts += segments_of(number, joined, passages(joined), reasons, resolutions)
        ends = listeners_ends.get((joined.server_host, joined.server), ())
        find_causes(drafts, joined.client_host, joined.server_host, ends)
        found.calls |= {call: len(found.drafts) + place for place, call in enumerate(mine)}
        found.place += range(len(drafts))
        found.drafts += drafts
    return found


def lives_of_talks(columns: LifeColumns, which: Mask) -> dict[int, list[Life]]:
    """Return the lives of the ends of these connections."""
    return {talk: [columns.life(row) for row in rows] for talk, rows in _by_talk(columns.talk, which).items()}


def _by_talk(talk: Rows, which: Mask) -> dict[int, list[int]]:
    """Return the rows of each of these connections."""
    some = np.flatnonzero(talk != NONE)
    some = some[which[talk[some]]]
    found: dict[int, list[int]] = {}
    for row, number in zip(some.tolist(), talk[some].tolist(), strict=True):
        found.setdefault(number, []).append(row)
    return found


def call_drafts(calls: KeptCalls, places: list[int], hosts: list[str]) -> list[Draft]:
    """Return these calls as drafts."""
    made = calls.made(places)
    return [
        Draft(
            Lane.SERVER_CALLS if calls.serves[place] else Lane.CLIENT_CALLS,
            hosts[int(calls.host[place])],
            None if (talk := int(calls.talk[place])) == NONE else talk,
            int(calls.begun_ns[place]),
            None if (ended := int(calls.ended_ns[place])) == NEVER else ended,
            0,
            Source.KERNEL,
            what,
            what.pid,
        )
        for place, what in zip(places, made, strict=True)
    ]
