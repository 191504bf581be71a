"""Where on the timeline the places lie that an expectation was judged by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from lab.judge.verdict import Comparison, Look, Result, Verdict
from lab.report.page.run import PageRun, Told
from lab.timeline.model import CallMade, Moment, SegmentSent, StateChange, Timeline

_LADDER: Final = ("Segment", "Flags")
"""How the comparison of a ladder begins: its rows are segments in their order, of which the look names the first."""
_SAME_CALL_NS: Final = 5_000_000
"""How far apart strace and the kernel may tell of the same call."""


class Proof(NamedTuple):
    """The numbers of the moments that an expectation was judged by, and the indices of the looks of `ss`."""

    moments: tuple[int, ...]
    looks: tuple[int, ...]


def proofs(timeline: Timeline, run: PageRun) -> tuple[Proof, ...]:
    """Return the proof of each result, in their order; empty where it lies nowhere on the timeline."""
    finder = _Finder(timeline, run)
    looks = {look.file: index for index, look in enumerate(run.looks)}
    return tuple(
        Proof(
            tuple(dict.fromkeys(number for look in result.look for number in finder.moments(result, look))),
            tuple(dict.fromkeys(looks[look.file] for look in result.look if look.file in looks)),
        )
        for result in run.results
    )


class _Finder:
    """Finds moments by the frames of the captures, by the kernel's times, and by calls."""

    def __init__(self, timeline: Timeline, run: PageRun) -> None:
        self._timeline = timeline
        self._told = run.told
        self._hosts = {file: host for host, file in run.captures.items()}
        self._frames = dict(_frames(timeline))

    def moments(self, result: Result, look: Look) -> Iterator[int]:
        """Yield the numbers of the moments that a look of a result means."""
        if told := self._told.get(look):
            yield from self._call(told) if told.call else self._states(told, result.comparison)
            return
        first = self._frames.get((self._hosts.get(look.file, ""), look.frame or 0))
        if first is None:
            return
        if result.verdict is Verdict.PASS and result.comparison and result.comparison.columns[:2] == _LADDER:
            yield from self._rungs(result.comparison, first)
        else:
            yield first.number

    def _rungs(self, comparison: Comparison, first: Moment) -> Iterator[int]:
        """Yield the segments that the rows of a ladder stand for: one conversation's, from the first on."""
        rows = iter([pair.observed[1] for pair in comparison.pairs if pair.observed is not None])
        wanted = next(rows, None)
        for moment in self._same_talk(first):
            if isinstance(moment.what, SegmentSent) and moment.what.segment.flags.letters == wanted:
                yield moment.number
                wanted = next(rows, None)

    def _states(self, told: Told, comparison: Comparison | None) -> Iterator[int]:
        """Yield an end's states from that time on, as many as the comparison agrees upon."""
        moments = self._timeline.moments
        first = next((m for m in moments if m.time_ns == told.time_ns and isinstance(m.what, StateChange)), None)
        if first is None:
            return
        most = sum(pair.agrees for pair in comparison.pairs) if comparison else 0
        for count, moment in enumerate(m for m in self._same_talk(first) if m.lane is first.lane):
            if count == 0 or count < most:
                yield moment.number

    def _call(self, told: Told) -> Iterator[int]:
        """Yield the program's call of that name which is nearest to that time."""
        near = [
            (abs(moment.time_ns - told.time_ns), moment.number)
            for moment in self._timeline.moments
            if isinstance(moment.what, CallMade) and (moment.what.party, moment.what.name) == (told.party, told.call)
        ]
        if near and min(near)[0] <= _SAME_CALL_NS:
            yield min(near)[1]

    def _same_talk(self, first: Moment) -> Iterator[Moment]:
        """Yield the moments of its connection from this one on."""
        numbers = (first.number,) if first.talk is None else self._timeline.talks[first.talk].moments
        yield from (self._timeline.moments[number] for number in numbers if number >= first.number)


def _frames(timeline: Timeline) -> Iterator[tuple[tuple[str, int], Moment]]:
    """Yield the segments by (host, frame number in that host's capture)."""
    for moment in timeline.moments:
        if isinstance(moment.what, SegmentSent) and moment.talk is not None:
            talk = timeline.talks[moment.talk]
            if moment.what.client_frame is not None:
                yield (talk.client_host, moment.what.client_frame), moment
            if moment.what.server_frame is not None:
                yield (talk.server_host, moment.what.server_frame), moment
