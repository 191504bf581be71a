"""Queues over time: counted from segments and calls, and beside that what `ss` showed of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from lab.timeline.connections import Joined, Passage
from lab.timeline.draft import Draft
from lab.timeline.lengths import Change, Half, received, sent
from lab.timeline.lives import Life
from lab.timeline.looks import Looks
from lab.timeline.model import CallMade, Lane, Level, Moment, Queue, QueueKind, StateChange
from lab.wire.segment import Endpoint, Segment
from lab.wire.state import State

_CLOSES: Final = frozenset({State.FIN_WAIT_1, State.LAST_ACK})
_OVER: Final = frozenset({State.TIME_WAIT, State.CLOSED})
_NOT_YET: Final = frozenset({State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED})
"""In these an end has nothing to receive into: half open, it is a request and no socket."""


def queues_of(
    number: int,
    joined: Joined,
    passages: Sequence[Passage],
    drafts: Sequence[Draft | Moment],
    looks: Looks,
    recorded: Collection[tuple[str, Endpoint]],
    let_go: Mapping[Endpoint, int],
) -> Iterator[Queue]:
    """Yield Recv-Q and Send-Q of both ends of a connection, of which `drafts` are the calls and states.

    What was read is known from calls alone: where they were not recorded, a Recv-Q is only what `ss` showed. `recorded`
    are the listeners whose programs' calls were: one that nobody accepts has no call of its own. `let_go` is when the
    kernel let go of the socket of an end: in FIN-WAIT-2 and TIME-WAIT what stays has no queues.
    """
    conversation = joined.conversation
    isns = conversation.isn(joined.client), conversation.isn(joined.server)
    for client in (True, False):
        host = joined.client_host if client else joined.server_host
        ends = (joined.client, joined.server) if client else (joined.server, joined.client)
        lane, states = (Lane.CLIENT_CALLS, Lane.CLIENT_STATE) if client else (Lane.SERVER_CALLS, Lane.SERVER_STATE)
        calls = [draft for draft in drafts if draft.lane is lane and isinstance(draft.what, CallMade)]
        fin, over = _first(drafts, states, _CLOSES), _first(drafts, states, _OVER)
        over = min((each for each in (over, let_go.get(ends[0])) if each is not None), default=None)
        told = bool(calls) or (not client and (host, joined.server) in recorded)
        stands = _stands(drafts, states)
        half = Half(number, host, *ends, client, told, calls, passages, isns, stands, fin, over)
        for kind, changes in ((QueueKind.RECV, received(half)), (QueueKind.SEND, sent(half))):
            levels = merged(changes, _observed(half, kind, looks))
            if levels:
                yield Queue(kind, host, number, None, levels, client)


def _stands(drafts: Sequence[Draft | Moment], lane: Lane) -> int | None:
    """Return since when an end can receive, None for never; 0 where no state of it is known."""
    known = [draft for draft in drafts if draft.lane is lane and isinstance(draft.what, StateChange)]
    times = (
        draft.time_ns for draft in known if isinstance(draft.what, StateChange) and draft.what.state not in _NOT_YET
    )
    return min(times, default=None if known else 0)


def _first(drafts: Sequence[Draft | Moment], lane: Lane, states: frozenset[State]) -> int | None:
    """Return when an end was first in one of these states."""
    times = (
        draft.time_ns
        for draft in drafts
        if draft.lane is lane and isinstance(draft.what, StateChange) and draft.what.state in states
    )
    return min(times, default=None)


def _observed(half: Half, kind: QueueKind, looks: Looks) -> Iterator[Level]:
    for seen, row in looks.showing(half.host, half.local, half.peer):
        value = row.recv_q if kind is QueueKind.RECV else row.send_q
        yield Level((seen.begun_ns + seen.ended_ns) // 2, value, observed=True)


def accept_queue(
    place: tuple[str, Endpoint], born: Iterable[int], accepted: Iterable[int], ended: Iterable[int], looks: Looks
) -> Queue | None:
    """Return the accept queue of a place (host, endpoint) where something listened, one program after another.

    One more at each of the times `born`, one less at each of `accepted`; `ended` are the ends of listeners, which take
    along who still waited.
    """
    host, listener = place
    happened = [(time_ns, 1) for time_ns in born] + [(time_ns, -1) for time_ns in accepted]
    changes: list[Change] = []
    level = 0
    for time_ns, by in sorted([*happened, *((time_ns, 0) for time_ns in ended)]):
        change = by or -level
        level += change
        if change:
            changes.append((time_ns, change))
    observed = [
        Level((seen.begun_ns + seen.ended_ns) // 2, row.recv_q, observed=True)
        for seen, row in looks.showing(host, listener, None)
    ]
    levels = merged(changes, observed)
    return Queue(QueueKind.ACCEPT, host, None, listener, levels) if levels else None


def merged(changes: Sequence[Change], observed: Iterable[Level]) -> tuple[Level, ...]:
    """Return the counted levels after each change, and the observed ones between them, in the order of time."""
    level = 0
    counted: list[Level] = []
    for time_ns, by in changes:
        level += by
        if counted and counted[-1].time_ns == time_ns:
            counted[-1] = Level(time_ns, level, observed=False)
        else:
            counted.append(Level(time_ns, level, observed=False))
    return tuple(sorted([*counted, *observed], key=lambda each: each.time_ns))


def established_ns(life: Life) -> int | None:
    """Return when a socket entered its listener's queue."""
    return next((each.time_ns for each in life.transitions if each.new is State.ESTABLISHED), None)


def handshake_done(segments: Sequence[Segment]) -> int | None:
    """Return when a handshake's last acknowledgement came, by a capture; None when it did not."""
    return segments[2].time_ns if len(segments) > 2 else None  # noqa: PLR2004 - S, S. and the last ACK
