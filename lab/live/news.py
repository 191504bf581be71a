"""What is told while it happens: a moment of the timeline, or a part of it, each once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lab.live.polls import Again
from lab.timeline.model import Moment, Talk
from lab.wire.segment import Endpoint

LONG_NS: Final = 1_000_000_000
"""A call that waits is told at its end; one that waits for so long is told of before that, too."""


class Part(StrEnum):
    """What of a moment is told: all of it; its begin or its end; that a call goes on, or that calls were repeated."""

    WHOLE = "whole"
    BEGIN = "begin"
    WAITS = "waits"
    RETURN = "return"
    AGAIN = "again"
    LEFT = "left"
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class News:
    """A part of a moment, told at `time_ns` (ns since the epoch).

    `talk` is its connection; `own` the one connection of a client whose call works on none; `program` whose call it is,
    or who began to listen; `listener` where a state of no connection is; `ready` the connections
    that a wait for many found ready, as far as they are served already. `again` is set for repeated calls, of which
    `moment` is the last one that was told.
    """

    part: Part
    time_ns: int
    moment: Moment
    talk: Talk | None = None
    own: Talk | None = None
    program: str | None = None
    listener: Endpoint | None = None
    ready: tuple[Talk, ...] = ()
    again: Again | None = None


@dataclass(frozen=True, slots=True)
class Appears:
    """A program is seen at work for the first time; `pid` is as the machine numbers it."""

    time_ns: int
    host: str
    program: str
    pid: int


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be known of the telling itself: a code (texts: `live.notes.<code>`) and what fills its text."""

    time_ns: int
    code: str
    params: dict[str, object]


Item = News | Appears | Note
