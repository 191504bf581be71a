"""Read the rungs of a ladder out of the evidence: which segments belong to a view, what each end's state was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from lab.recording.play import Step
from lab.report.ladder import Rung, Standing, labels
from lab.report.lengths import duration
from lab.report.seen import Sighting
from lab.wire.bits import has_syn
from lab.wire.conversation import Conversation
from lab.wire.infer import Inferred, durations, infer
from lab.wire.segment import Segment
from lab.wire.state import State

if TYPE_CHECKING:
    from lab.report.words import Words

_TOO_SHORT_NS: Final = 5_000_000
"""A round of `ss` takes about this long (4.4 ms measured through the agent)."""
_NOTHING_TO_SEE: Final = frozenset({State.CLOSED, State.LISTEN})


def part_of(conversation: Conversation, part: str | None, step: Step, next_ns: int | None) -> tuple[Segment, ...]:
    """Return the segments of a ladder's part.

    `open` is the handshake with all that was sent again in it, `data` what this step sent between handshake and close,
    `close` everything of this step after the handshake, so that what led to the close is seen too; None is the whole
    conversation.
    """
    if part is None:
        return tuple(conversation.segments)
    last = max((segment.number for segment in conversation.handshake), default=0)
    opening = {segment.number for segment in conversation.segments if segment.number <= last or has_syn(segment)}
    if part == "open":
        return tuple(segment for segment in conversation.segments if segment.number in opening)
    closing = min((segment.number for segment in conversation.teardown), default=None)
    rest = [segment for segment in conversation.segments if segment.number not in opening]
    if part == "data":
        return tuple(
            segment
            for segment in rest
            if (closing is None or segment.number < closing)
            and segment.time_ns >= step.begun_ns
            and (next_ns is None or segment.time_ns < next_ns)
        )
    return tuple(
        segment
        for segment in rest
        if segment.time_ns >= step.begun_ns or (closing is not None and segment.number >= closing)
    )


def climb(
    conversation: Conversation, segments: Sequence[Segment], sightings: frozenset[Sighting]
) -> tuple[tuple[Rung, ...], frozenset[tuple[str, State]]]:
    """Return a rung per segment, and (role, state) of each inferred state that is marked on them."""
    wanted = {segment.number for segment in segments}
    again = {segment.number for segment in conversation.retransmissions}
    start = conversation.segments[0].time_ns
    marked: set[tuple[str, State]] = set()
    rungs: list[Rung] = []
    for one in infer(conversation):
        if one.segment.number not in wanted:
            continue
        rung = Rung(
            labels(conversation, one.segment),
            conversation.from_client(one.segment),
            one.segment.time_ns - start,
            _standing(one, "client", conversation, sightings, first=not rungs),
            _standing(one, "server", conversation, sightings, first=not rungs),
            one.segment.number in again,
            one.from_less,
        )
        rungs.append(rung)
        for role, standing in (("client", rung.client), ("server", rung.server)):
            if standing is not None and standing.inferred:
                marked.add((role, standing.state))
    return tuple(rungs), frozenset(marked)


def _standing(
    one: Inferred, role: str, conversation: Conversation, sightings: frozenset[Sighting], *, first: bool
) -> Standing | None:
    """Return an end's state where it changed, and at the first rung (but not that nothing is there yet)."""
    changed = one.client_changed if role == "client" else one.server_changed
    state = one.client if role == "client" else one.server
    if not changed and (not first or state in _NOTHING_TO_SEE):
        return None
    ends = (conversation.client, conversation.server)
    local, peer = ends if role == "client" else ends[::-1]
    seen = state in _NOTHING_TO_SEE or Sighting(role, state, local, peer) in sightings
    return Standing(state, inferred=not seen, news=changed)


def inferred_notes(
    conversation: Conversation, marked: frozenset[tuple[str, State]], words: Words, *, from_less: bool = False
) -> list[str]:
    """Return the footnotes of a ladder with inferred states: how long each lasted, and why `ss` did not show it.

    With `from_less`, also that some rest on less than what would show them.
    """
    notes = ["~ " + words.lab("ladder.from-less")] if from_less else []
    roles = {conversation.client: "client", conversation.server: "server"}
    lasted: list[str] = []
    longest = 0
    for endpoint, state, begun, ended in durations(conversation):
        if (roles.get(endpoint), state) not in marked:
            continue
        length = None if ended is None else ended - begun
        longest = max(longest, _TOO_SHORT_NS if length is None else length)
        time = words.lab("ladder.to-the-end") if length is None else duration(length)
        lasted.append(f"{state.value} {time}")
    if not lasted:
        return notes
    key = "ladder.too-short" if longest < _TOO_SHORT_NS else "ladder.not-seen"
    return ["~ " + words.lab(key, states=words.lab("ladder.comma").join(lasted)), *notes]
