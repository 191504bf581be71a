"""What a timeline is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.wire.segment import Endpoint, Segment
from lab.wire.state import State


class Lane(StrEnum):
    """Where a moment stands on the page, from the client's program over the wire to the server's."""

    CLIENT_CALLS = "client-calls"
    CLIENT_STATE = "client-state"
    WIRE = "wire"
    SERVER_STATE = "server-state"
    SERVER_CALLS = "server-calls"


class Source(StrEnum):
    """Who told it. Only the last is not observed: a state that the segments of a capture prove."""

    KERNEL = "kernel"
    STRACE = "strace"
    SS = "ss"
    CAPTURE = "capture"
    INFERRED = "inferred"


class Signal(StrEnum):
    """What became of a call that a signal broke off, as far as is known.

    The program ended in it; the same call was begun anew; another one followed; none did, and of no end is known.
    """

    ENDED = "ended"
    ANEW = "anew"
    ELSE = "else"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class CallMade:
    """A system call of the program `party` (None: a program that the exercise does not name).

    `name` is as programs write it (`recv`, not recvfrom). `result` is None while it has not returned; `error` is an
    errno's name, or the kernel's own name for a call that a signal broke off (`ERESTARTSYS`), which no program sees.
    `about` is what of it was asked for: an option (`SO_REUSEADDR`), or what epoll_ctl does with which descriptor
    (`ADD 5`). `signal` is set where a signal broke the call off.
    """

    party: str | None
    pid: int
    name: str
    fd: int | None
    result: int | None
    error: str | None
    about: str | None = None
    signal: Signal | None = None


@dataclass(frozen=True, slots=True)
class StateChange:
    """An end of a connection is in `state` from now on; `before` is None where nothing was known of it."""

    state: State
    before: State | None


@dataclass(frozen=True, slots=True)
class SegmentSent:
    """A segment, by its frames in the captures of the two hosts (None: not in that one).

    `seq` and `ack` count from each flow's ISN. `again` is set for a retransmission, `reason` for a RST of which the
    kernel said why.
    """

    segment: Segment
    from_client: bool
    seq: int
    ack: int | None
    client_frame: int | None
    server_frame: int | None
    again: bool
    reason: str | None


What = CallMade | StateChange | SegmentSent


@dataclass(frozen=True, slots=True)
class Moment:
    """One record of the timeline.

    `number` is its place in the one order of all moments. `time_ns` is when it was (realtime, ns since the epoch):
    a call's begin, a segment's departure (its arrival where the departure was not captured). `ended_ns` is a call's
    return and a segment's arrival, None where there is none. `precision_ns` is how far the time may be off. `talk` is
    the index of its connection, None where a call works on none or on several. `cause` is the moment that brought this
    one about: the segment behind a state, the call behind a segment; `also` are the further ones of a wait for many
    descriptors, of which several were ready.
    """

    number: int
    lane: Lane
    host: str
    talk: int | None
    time_ns: int
    ended_ns: int | None
    precision_ns: int
    source: Source
    what: What
    cause: int | None
    step: str | None
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Talk:
    """A connection: `name` is the exercise's name for its client, None for one of a crowd that has none.

    `moments` are the numbers of its moments in their order; `begun_ns` and `ended_ns` those of the first and the last.
    """

    number: int
    name: str | None
    client: Endpoint
    server: Endpoint
    client_host: str
    server_host: str
    begun_ns: int
    ended_ns: int
    moments: tuple[int, ...]


class QueueKind(StrEnum):
    """Which queue: connections that wait for accept(), bytes that wait to be read, bytes not yet acknowledged."""

    ACCEPT = "accept"
    RECV = "recv"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Level:
    """How long a queue is from `time_ns` on; `observed` by `ss`, otherwise counted from segments and calls."""

    time_ns: int
    value: int
    observed: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue over time: an end's Recv-Q or Send-Q (bytes), or a listener's accept queue (connections; `talk` None).

    `at_client` tells whether it is the client's end: both may be on one host.
    """

    kind: QueueKind
    host: str
    talk: int | None
    listener: Endpoint | None
    levels: tuple[Level, ...]
    at_client: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of it. `by_kernel`: states and calls come from the kernel's own tracer, not from looks of `ss`.

    `lacks` are codes of what could not be told, and why (texts: `report.timeline.lacks.<code>`).
    """

    begun_ns: int
    ended_ns: int
    moments: Sequence[Moment]
    talks: Sequence[Talk]
    queues: Sequence[Queue]
    by_kernel: bool
    lacks: tuple[str, ...]
