"""Put a recording together as one timeline, one connection after another, moment by moment: the exact way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from lab.recording.play import NOTHING, Play
from lab.recording.recording import Recording
from lab.recording.run import Run
from lab.timeline.alone import let_go_of, segments_of, states_of
from lab.timeline.calls import Strace, kernel_calls
from lab.timeline.causes import find_causes, find_causes_of_listeners, ordered
from lab.timeline.connections import Joined, join, passages
from lab.timeline.descriptors import Descriptors
from lab.timeline.draft import Draft
from lab.timeline.endings import close_at_the_end
from lab.timeline.lacks import lacks_of, resolutions_of
from lab.timeline.lives import Life, Lives, lives_of
from lab.timeline.looks import Looks, looks_of
from lab.timeline.model import CallMade, Moment, Queue, Source, Talk, Timeline
from lab.timeline.programs import programs_of
from lab.timeline.queues import accept_queue, established_ns, handshake_done, queues_of
from lab.timeline.reasons import Reasons
from lab.timeline.states import listener_states
from lab.timeline.steps import Steps
from lab.timeline.wakes import find_wakes
from lab.wire.segment import Endpoint


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
    listeners_ends: dict[tuple[str, Endpoint], list[Draft]] = field(default_factory=dict)

    def add(self, drafts: Iterable[Draft]) -> None:
        """Take moments; those of no connection apart."""
        for draft in drafts:
            if draft.source is Source.KERNEL:
                draft.precision_ns = self.precision_ns
            (self.loose if draft.talk is None else self.by_talk[draft.talk]).append(draft)


def build_one_by_one(recording: Recording, play: Play = NOTHING) -> Timeline:
    """Return what `build_timeline` does."""
    return _finished(recording, play, *_gathered(recording, play))


def _gathered(recording: Recording, play: Play) -> tuple[_Parts, list[Queue]]:
    run = Run(recording, play)
    joined, looks = join(run), looks_of(recording)
    trace = recording.kernel.trace if recording.kernel else None
    lives = lives_of(trace, joined, recording.homes) if trace else Lives(())
    parts = _Parts(joined, looks, lives, [[] for _ in joined], trace.precision_ns if trace else 0)
    programs = None
    if trace:
        descriptors = Descriptors(trace, lives)
        programs = programs_of(trace, lives, descriptors, run)
        parts.add(kernel_calls(trace, descriptors, programs))
        _add_listeners(parts)
    parts.add(_by_strace(recording, play, parts))
    find_causes_of_listeners(parts.loose)
    of_talk: dict[int | None, list[Life]] = {}
    for life in lives.all:
        of_talk.setdefault(life.talk, []).append(life)
    for number, each in enumerate(joined):
        parts.add(states_of(number, each, of_talk.get(number, ()), looks))
    reasons, resolutions = Reasons(trace), resolutions_of(recording)
    recorded = {
        (life.host, life.local)
        for life in lives.all
        if life.listens and programs and programs.recorded(life.transitions[0].pid)
    }
    queues: list[Queue] = []
    for number, each in enumerate(joined):
        passed = passages(each)
        gone = let_go_of(each, of_talk.get(number, ()))
        queues += queues_of(number, each, passed, parts.by_talk[number], looks, recorded, gone)
        parts.by_talk[number] += segments_of(number, each, passed, reasons, resolutions)
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
    steps, named = Steps(play.steps), []
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
        lacks=tuple(lacks_of(recording)),
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
