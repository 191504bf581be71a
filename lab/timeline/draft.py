"""Moments before they have their place in the order: what the parts of the builder fill in."""

from __future__ import annotations

from dataclasses import dataclass

from lab.timeline.model import Lane, Source, What


@dataclass(slots=True)
class Draft:
    """A moment to be; fields as in `Moment`, but causes are other drafts.

    `pid` is the thread that was at it (as the machine numbers it), 0 where nobody was.
    """

    lane: Lane
    host: str
    talk: int | None
    time_ns: int
    ended_ns: int | None
    precision_ns: int
    source: Source
    what: What
    pid: int = 0
    cause: Draft | None = None
    also: tuple[Draft, ...] = ()
    number: int = -1
