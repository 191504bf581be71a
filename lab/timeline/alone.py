"""The states and the segments of one connection, by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lab.timeline.connections import Joined, Passage, relative
from lab.timeline.draft import Draft
from lab.timeline.lives import Life
from lab.timeline.looks import Looks
from lab.timeline.model import Lane, SegmentSent, Source
from lab.timeline.reasons import Reasons
from lab.timeline.states import ends_of, guessed_states, told_states
from lab.wire.segment import Endpoint


def states_of(number: int, joined: Joined, lives: Iterable[Life], looks: Looks) -> Iterator[Draft]:
    """Yield the states of both ends of a connection; `lives` are those of its sockets, as far as they were told."""
    lived = {(life.host, _local(life, joined)): life for life in lives}
    for end in ends_of(number, joined):
        found = lived.get((end.host, end.local))
        yield from told_states(end, found, looks) if found else guessed_states(end, looks)


def let_go_of(joined: Joined, lives: Iterable[Life]) -> Mapping[Endpoint, int]:
    """Return when the kernel let go of the sockets of a connection's ends, as far as it had."""
    ends = {(joined.client_host, joined.client), (joined.server_host, joined.server)}
    gone = [(life.host, _local(life, joined), life.closed_ns) for life in lives]
    return {local: closed_ns for host, local, closed_ns in gone if closed_ns is not None and (host, local) in ends}


def _local(life: Life, joined: Joined) -> Endpoint:
    """Return a socket's own end; one that was never told which port it got is the client's."""
    return life.local if life.local.port else joined.client


def segments_of(
    number: int, joined: Joined, passed: Sequence[Passage], reasons: Reasons, resolutions: Mapping[str, int]
) -> Iterator[Draft]:
    """Yield the segments of a connection; `resolutions` tell how far each host's stamps may be off."""
    for each in passed:
        segment = each.segment
        host = joined.client_host if each.from_client is (each.sent is not None) else joined.server_host
        seq, ack = relative(segment, joined)
        near, far = (each.sent, each.arrived) if each.from_client else (each.arrived, each.sent)
        yield Draft(
            Lane.WIRE,
            joined.client_host if each.from_client else joined.server_host,
            number,
            segment.time_ns,
            each.arrived.time_ns if each.arrived and each.sent else None,
            resolutions.get(host, 0),
            Source.CAPTURE,
            SegmentSent(
                segment,
                each.from_client,
                seq,
                ack,
                near.number if near else None,
                far.number if far else None,
                each.again,
                reasons.of(segment),
            ),
        )
