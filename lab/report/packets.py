"""Both captures of a run as one pcapng file: beside each packet what it did to its host, and what it proves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lab.exercise import JudgedRun
from lab.judge.verdict import Result
from lab.recording.run import Run
from lab.report.checks import MARKS
from lab.report.lanes.marks import state_name
from lab.report.page.proofs import proofs
from lab.report.page.run import run_of
from lab.report.words import Words
from lab.timeline.model import CallMade, Lane, Moment, SegmentSent, Source, StateChange, Talk, Timeline
from lab.wire.bits import has_fin, has_rst, has_syn
from lab.wire.capture import raw_capture
from lab.wire.pcapng import Interface, Packet, write_pcapng
from lab.wire.segment import Segment

_APPLICATION: Final = "Socket Lab"
Frame = tuple[str, int]
"""A host, and the number of a frame in its capture."""


def run_pcapng(judged: JudgedRun, language: str) -> bytes:
    """Return the captures of a run as one file, an interface for each host; CaptureError for one that is damaged."""
    run = judged.run
    words = Words(judged.exercise.texts(language), language, run.recording.hosts)
    comments = packet_comments(run, judged.timeline, judged.judgement.results, words)
    interfaces: list[Interface] = []
    packets: list[Packet] = []
    for index, record in enumerate(run.recording.captures):
        raw = raw_capture(record.data[:], where=record.file)
        about = words.lab("packet.interface", host=record.host)
        interfaces.append(Interface(record.host, about, raw.linktype, raw.snaplen))
        packets += [
            Packet(index, frame.time_ns, frame.data, frame.length, comments.get((record.host, frame.number), ()))
            for frame in raw.frames
        ]
    about = words.lab("packet.capture", exercise=run.play.exercise)
    return write_pcapng(interfaces, packets, comment=about, application=_APPLICATION)


def packet_comments(
    run: Run, timeline: Timeline, results: tuple[Result, ...], words: Words
) -> Mapping[Frame, tuple[str, ...]]:
    """Return the comments on each frame of each host's capture, as far as the timeline tells of it."""
    proving: dict[int, list[str]] = {}
    for result, proof in zip(results, proofs(timeline, run_of(run, results)), strict=True):
        title = words.own(f"expect.{result.id}.title")
        for number in proof.moments:
            told = words.lab("packet.proves", mark=MARKS[result.verdict], title=title)
            proving.setdefault(number, []).append(told)
    programs = {party.name: party.program for party in run.play.parties}
    found: dict[Frame, tuple[str, ...]] = {}
    for talk in timeline.talks:
        own = [timeline.moments[number] for number in talk.moments]
        states = {lane: _States(own, lane) for lane in (Lane.CLIENT_STATE, Lane.SERVER_STATE)}
        for moment in own:
            if isinstance(moment.what, SegmentSent):
                cause = None if moment.cause is None else timeline.moments[moment.cause]
                sent = [*_sent(moment.what, cause, programs, words), *proving.get(moment.number, ())]
                for frame, lane in _frames(moment.what, talk):
                    found[frame] = (*states[lane].told(moment, moment.what, frame[0], cause, words), *sent)
    return found


def _frames(sent: SegmentSent, talk: Talk) -> Iterator[tuple[Frame, Lane]]:
    if sent.client_frame is not None:
        yield (talk.client_host, sent.client_frame), Lane.CLIENT_STATE
    if sent.server_frame is not None:
        yield (talk.server_host, sent.server_frame), Lane.SERVER_STATE


def _sent(sent: SegmentSent, cause: Moment | None, programs: Mapping[str, str], words: Words) -> Iterator[str]:
    if cause is not None and isinstance(cause.what, CallMade):
        call = cause.what
        name = call.name if call.fd is None else f"{call.name}({call.fd})"
        program = programs.get(call.party or "")
        nameless = words.lab("packet.call-nameless", call=name)
        yield words.lab("packet.call", call=name, program=program) if program else nameless
    if cause is not None and isinstance(cause.what, StateChange):
        yield words.lab("packet.queued")
    if sent.again:
        yield words.lab("packet.again")
    if sent.reason:
        yield words.lab("packet.reset", reason=sent.reason)


class _States:
    """The changes of one end's state in their order, each told with the segment that made it or came with it."""

    def __init__(self, moments: Sequence[Moment], lane: Lane) -> None:
        self._lane = lane
        self._changes = [each for each in moments if each.lane is lane and isinstance(each.what, StateChange)]
        self._caused: dict[int, list[int]] = {}
        for place, each in enumerate(self._changes):
            if each.cause is not None:
                self._caused.setdefault(each.cause, []).append(place)
        self._told = -1
        """The place of the latest change that was told."""

    def told(self, moment: Moment, sent: SegmentSent, host: str, cause: Moment | None, words: Words) -> Iterator[str]:
        """Yield what a segment was to this end: the change that it brought, or the state that it left as it was."""
        places = [*self._caused.get(moment.number, ())]
        mine = sent.from_client is (self._lane is Lane.CLIENT_STATE)
        if mine and cause is not None and not isinstance(cause.what, SegmentSent) and _changes_sender(sent.segment):
            places += self._caused.get(cause.number, ())
        if places:
            first, self._told = min(places), max(self._told, *places)
            before, after = self._before(first), self._shown(max(places))
            if before.rstrip(" ~") != after.rstrip(" ~"):
                yield words.lab("packet.turns", host=host, before=before, after=after)
                return
        at = moment.time_ns if mine or moment.ended_ns is None else moment.ended_ns
        while self._told + 1 < len(self._changes) and self._changes[self._told + 1].time_ns <= at:
            self._told += 1
        if self._told >= 0:
            yield words.lab("packet.stays", host=host, state=self._shown(self._told))

    def _before(self, place: int) -> str:
        if place:
            return self._shown(place - 1)
        before = _change(self._changes[0]).before
        return "?" if before is None else state_name(before)

    def _shown(self, place: int) -> str:
        moment = self._changes[place]
        name = state_name(_change(moment).state)
        return f"{name} ~" if moment.source is Source.INFERRED else name


def _change(moment: Moment) -> StateChange:
    assert isinstance(moment.what, StateChange)  # noqa: S101 - only these are kept
    return moment.what


def _changes_sender(segment: Segment) -> bool:
    """Tell whether sending it changes its sender's state: what else the same call sent does not."""
    return has_syn(segment) or has_fin(segment) or has_rst(segment)
