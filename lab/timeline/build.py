"""Put a recording together as one timeline."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lab.recording.play import NOTHING, Play, Step
from lab.recording.recording import Recording
from lab.recording.run import Run
from lab.timeline.calls import Strace, kernel_calls
from lab.timeline.causes import find_causes, find_causes_of_listeners, ordered
from lab.timeline.connections import Joined, Passage, join, passages, relative
from lab.timeline.descriptors import Descriptors
from lab.timeline.draft import Draft
from lab.timeline.endings import close_at_the_end
from lab.timeline.lives import Life, Lives, lives_of
from lab.timeline.looks import Looks, looks_of
from lab.timeline.model import CallMade, Lane, Moment, Queue, SegmentSent, Source, Talk, Timeline
from lab.timeline.programs import Programs
from lab.timeline.queues import accept_queue, established_ns, handshake_done, queues_of
from lab.timeline.reasons import Reasons
from lab.timeline.states import ends_of, guessed_states, listener_states, told_states
from lab.timeline.wakes import find_wakes
from lab.wire.segment import Endpoint

_MICROSECOND: Final = 1_000
"""What a capture's time may be off that is told in microseconds."""


@dataclass(slots=True)
class _Parts:
    """What a timeline is made from, while it is made."""

    joined: list[Joined]
    looks: Looks
    lives: Lives
    by_talk: list[list[Draft]]
    precision_ns: int
    """How far the kernel's times may be off."""
    loose: list[Draft] = field(default_factory=list)
    let_go: dict[tuple[int, str, Endpoint], int] = field(default_factory=dict)
    """When the kernel let go of the sockets of connections."""
    listeners_ends: dict[tuple[str, Endpoint], list[Draft]] = field(default_factory=dict)

    def add(self, drafts: Iterable[Draft]) -> None:
        """Take moments; those of no connection apart."""
        for draft in drafts:
            if draft.source is Source.KERNEL:
                draft.precision_ns = self.precision_ns
            (self.loose if draft.talk is None else self.by_talk[draft.talk]).append(draft)


def build_timeline(recording: Recording, play: Play = NOTHING) -> Timeline:
    """Return the timeline of a recording, with the names and steps of the play that there was, if there was one.

    With the kernel's record, states and calls are what it told; without, states are what the captures prove (marked
    where `ss` showed them) and calls what strace told of the programs that ran under it. Raises EvidenceError for
    what cannot be read. Takes time and memory in proportion to the number of segments, calls and states.
    """
    with _uncollected():
        return _finished(recording, play, *_gathered(recording, play))


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Hold back the garbage collector: it would look again and again at millions of records, none of them garbage."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _gathered(recording: Recording, play: Play) -> tuple[_Parts, list[Queue]]:
    run = Run(recording, play)
    joined, looks = join(run), looks_of(recording)
    trace = recording.kernel.trace if recording.kernel else None
    lives = lives_of(trace, joined, recording.homes) if trace else Lives(())
    parts = _Parts(joined, looks, lives, [[] for _ in joined], trace.precision_ns if trace else 0)
    programs = None
    if trace:
        descriptors = Descriptors(trace, lives)
        programs = Programs(trace, lives, descriptors, run)
        parts.add(kernel_calls(trace, descriptors, programs))
        _add_listeners(parts)
    parts.add(_by_strace(recording, play, parts))
    find_causes_of_listeners(parts.loose)
    parts.add(_states(parts))
    reasons = Reasons(trace)
    resolutions = {record.host: 0 if record.capture.nanosecond else _MICROSECOND for record in recording.captures}
    recorded = {
        (life.host, life.local)
        for life in lives.all
        if life.listens and programs and programs.recorded(life.transitions[0].pid)
    }
    queues: list[Queue] = []
    for number, each in enumerate(joined):
        passed = passages(each)
        gone = {
            local: parts.let_go[number, host, local]
            for host, local in ((each.client_host, each.client), (each.server_host, each.server))
            if (number, host, local) in parts.let_go
        }
        queues += queues_of(number, each, passed, parts.by_talk[number], looks, recorded, gone)
        parts.by_talk[number] += _segments(number, each, passed, reasons, resolutions)
        place = each.server_host, each.server
        ends = parts.listeners_ends.get(place, ()) if place in recorded else ()
        find_causes(parts.by_talk[number], each.client_host, each.server_host, ends)
    find_wakes(parts.by_talk, parts.loose)
    close_at_the_end(parts.by_talk, parts.loose)
    queues += _accept_queues(play, parts, recorded)
    return parts, queues


def _add_listeners(parts: _Parts) -> None:
    for life in parts.lives.all:
        if life.listens:
            states = list(listener_states(life))
            parts.add(states)
            if life.closed_ns is not None:
                parts.listeners_ends.setdefault((life.host, life.local), []).append(states[-1])


def _segments(
    number: int, joined: Joined, passed: Sequence[Passage], reasons: Reasons, resolutions: Mapping[str, int]
) -> Iterator[Draft]:
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


def _states(parts: _Parts) -> Iterator[Draft]:
    lived: dict[tuple[int, str, Endpoint], Life] = {}
    for life in parts.lives.all:
        if life.talk is not None:
            lived[life.talk, life.host, life.local] = life
            local = life.local
            if not local.port:
                local = parts.joined[life.talk].client
                lived[life.talk, life.host, local] = life
            if life.closed_ns is not None:
                parts.let_go[life.talk, life.host, local] = life.closed_ns
    for number, each in enumerate(parts.joined):
        for end in ends_of(number, each):
            found = lived.get((number, end.host, end.local))
            yield from told_states(end, found, parts.looks) if found else guessed_states(end, parts.looks)


def _by_strace(recording: Recording, play: Play, parts: _Parts) -> Iterator[Draft]:
    """Yield the calls that strace told of programs of which the kernel told none."""
    told = {
        draft.what.party
        for drafts in (*parts.by_talk, parts.loose)
        for draft in drafts
        if isinstance(draft.what, CallMade)
    }
    talks: dict[tuple[Endpoint, Endpoint], list[int]] = {}
    for number, each in enumerate(parts.joined):
        talks.setdefault((each.client, each.server), []).append(number)
    strace = Strace(talks, parts.joined)
    for trace in recording.traces:
        party = play.process(trace.host, trace.pid)
        if party is None or party.name not in told:
            yield from strace.calls(trace, party)


def _accept_queues(play: Play, parts: _Parts, recorded: Collection[tuple[str, Endpoint]]) -> Iterator[Queue]:
    """Yield the accept queue of each place where a server of the exercise, or of the record, listened."""
    places = {(party.host, party.local): None for party in play.parties if party.role == "server" and party.local} | {
        (life.host, life.local): None for life in parts.lives.all if life.listens
    }
    mine, accepted = _served(parts)
    lives: dict[Endpoint, list[Life]] = {}
    for life in parts.lives.all:
        lives.setdefault(life.local, []).append(life)
    for host, listener in places:
        out, here = accepted.get(listener, []), lives.get(listener, [])
        born = [established_ns(life) for life in here if life.serves]
        if not born:
            born = [handshake_done(each.conversation.handshake) for each in mine.get(listener, ())]
        counted = [time_ns for time_ns in born if time_ns is not None]
        if not out and (host, listener) not in recorded:
            counted = []
        over = [life.closed_ns for life in here if life.listens and life.closed_ns is not None]
        queue = accept_queue((host, listener), counted, out, over, parts.looks)
        if queue:
            yield queue


def _served(parts: _Parts) -> tuple[dict[Endpoint, list[Joined]], dict[Endpoint, list[int]]]:
    """Return the connections to each server's end, and when an accept returned one of them."""
    mine: dict[Endpoint, list[Joined]] = {}
    accepted: dict[Endpoint, list[int]] = {}
    for each, drafts in zip(parts.joined, parts.by_talk, strict=True):
        mine.setdefault(each.server, []).append(each)
        accepted.setdefault(each.server, []).extend(
            draft.ended_ns
            for draft in drafts
            if isinstance(draft.what, CallMade)
            and draft.what.name == "accept"
            and not draft.what.error
            and draft.ended_ns is not None
        )
    return mine, accepted


def _finished(recording: Recording, play: Play, parts: _Parts, queues: list[Queue]) -> Timeline:
    drafts = ordered([draft for some in (*parts.by_talk, parts.loose) for draft in some])
    steps, named = _Steps(play.steps), []
    for number, draft in enumerate(drafts):
        draft.number = number
        named.append(steps.at(draft.time_ns))
    talks = tuple(
        Talk(
            number,
            each.name,
            each.client,
            each.server,
            each.client_host,
            each.server_host,
            min(draft.time_ns for draft in some),
            max(max(draft.time_ns, draft.ended_ns or 0) for draft in some),
            tuple(sorted(draft.number for draft in some)),
        )
        for number, (each, some) in enumerate(zip(parts.joined, parts.by_talk, strict=True))
    )
    parts.by_talk.clear()
    parts.loose.clear()
    return Timeline(
        recording.begun_ns,
        recording.ended_ns,
        tuple(_moments(drafts, named)),
        talks,
        tuple(queues),
        by_kernel=recording.kernel is not None,
        lacks=tuple(_lacks(recording)),
    )


def _moments(drafts: list[Draft], steps: list[str | None]) -> list[Moment]:
    """Return the drafts, in their order, as moments in their steps.

    Each is given up once it is made a moment, the last first: hardly any is the cause of one before it.
    """
    moments = []
    while drafts:
        draft = drafts.pop()
        moments.append(
            Moment(
                draft.number,
                draft.lane,
                draft.host,
                draft.talk,
                draft.time_ns,
                draft.ended_ns,
                draft.precision_ns,
                draft.source,
                draft.what,
                draft.cause.number if draft.cause else None,
                steps.pop(),
                tuple(each.number for each in draft.also),
            )
        )
    moments.reverse()
    return moments


def _lacks(recording: Recording) -> Iterator[str]:
    """Yield codes of what could not be told."""
    if recording.kernel is None:
        yield recording.unrecorded or "no-recorder"
        return
    trace = recording.kernel.trace
    if recording.kernel.died:
        yield "ended-early"
    if trace.lost_states:
        yield "lost-states"
    if trace.lost_calls:
        yield "lost-calls"
    if trace.precision_ns:
        yield "other-clock"
    if "raw_syscalls:sys_enter" in trace.left_out:
        yield "no-calls"
    if "all-addresses" in trace.left_out:
        yield "by-name"
    for event in trace.missing:
        yield f"missing-{event.partition(':')[2]}"


class _Steps:
    """Finds the step of a time; a moment between two steps belongs to none."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = sorted(steps, key=lambda step: step.begun_ns)
        self._at = 0

    def at(self, time_ns: int) -> str | None:
        """Return the step of that time; times must not go back."""
        while self._at < len(self._steps) and self._steps[self._at].ended_ns < time_ns:
            self._at += 1
        if self._at < len(self._steps) and self._steps[self._at].begun_ns <= time_ns:
            return self._steps[self._at].id
        return None
