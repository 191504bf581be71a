"""Where on the timeline the places lie that an expectation was judged by."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from lab.judge.verdict import Comparison, Look, Result, Verdict
from lab.report.page.places import Places, Spot, Told
from lab.report.page.run import PageRun
from lab.timeline.model import CallMade, Moment, SegmentSent, StateChange, Timeline

_LADDER: Final = ("Segment", "Flags")
"""How the comparison of a ladder begins: its rows are segments in their order, of which the look names the first."""
_SAME_CALL_NS: Final = 5_000_000
"""How far apart strace and the kernel may tell of the same call."""
_COUNTED: Final = frozenset({"called-count", "handed"})
_LACKS: Final = dict.fromkeys(("counters", "spent", "spent-of-time"), "totals") | dict.fromkeys(
    ("called", "handed"), "never"
)


class Proof(NamedTuple):
    """What an expectation was judged by: the numbers of moments, the indices of looks of `ss`, and spots."""

    moments: tuple[int, ...]
    looks: tuple[int, ...]
    spots: tuple[Spot, ...] = ()
    lacks: str = ""
    """Why it has no place at all: totals (a comparison of sums), never (what did not happen), else empty."""

    @property
    def placed(self) -> bool:
        """Whether it can be shown on the picture."""
        return bool(self.moments or self.looks or self.spots)


def proofs(timeline: Timeline, run: PageRun) -> tuple[Proof, ...]:
    """Return the proof of each result, in their order; empty where it lies nowhere on the timeline."""
    finder = _Finder(timeline, run)
    looks = {look.file: index for index, look in enumerate(run.looks)}
    return tuple(_proof(result, run.places.get(result.id, Places()), finder, looks) for result in run.results)


def _proof(result: Result, places: Places, finder: _Finder, looks: Mapping[str, int]) -> Proof:
    named = () if _never(result) else (*result.look, *places.frames)
    moments = dict.fromkeys(number for look in named for number in finder.moments(result, look))
    calls = [
        (finder.call(Told(each.time_ns, each.party, str(each.message.params["call"]))), each) for each in places.calls
    ]
    moments |= dict.fromkeys(number for number, _ in calls if number is not None)
    found = Proof(
        tuple(moments),
        tuple(dict.fromkeys(looks[look.file] for look in named if look.file in looks)),
        (*places.spots, *(each for number, each in calls if number is None)),
    )
    return found if found.placed else found._replace(lacks=_LACKS.get(result.expected.code, ""))


def _never(result: Result) -> bool:
    """Tell whether no call was counted: what the look names then is another one."""
    return result.observed.code in _COUNTED and result.observed.params.get("count") == 0


class _Finder:
    """Finds moments by the frames of the captures, by the kernel's times, and by calls."""

    def __init__(self, timeline: Timeline, run: PageRun) -> None:
        self._timeline = timeline
        self._told = run.told
        self._hosts = {file: host for host, file in run.captures.items()}
        self._frames = dict(_frames(timeline))
        self._calls: dict[tuple[str | None, str | None], list[tuple[int, int]]] = defaultdict(list)
        for moment in timeline.moments:
            if isinstance(moment.what, CallMade):
                self._calls[moment.what.party, moment.what.name].append((moment.time_ns, moment.number))

    def moments(self, result: Result, look: Look) -> Iterator[int]:
        """Yield the numbers of the moments that a look of a result means."""
        if told := self._told.get(look):
            if not told.call:
                yield from self._states(told, result.comparison)
            elif (number := self.call(told)) is not None:
                yield number
            return
        first = self._frames.get((self._hosts.get(look.file, ""), look.frame or 0))
        if first is None:
            return
        if result.verdict is Verdict.PASS and result.comparison and _is_ladder(result):
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

    def call(self, told: Told) -> int | None:
        """Return the program's call of that name which is nearest to that time, None where none is near."""
        mine = self._calls[told.party, told.call]
        at = bisect_left(mine, (told.time_ns, 0))
        near = min(((abs(time - told.time_ns), number) for time, number in mine[max(0, at - 1) : at + 1]), default=None)
        return near[1] if near and near[0] <= _SAME_CALL_NS else None

    def _same_talk(self, first: Moment) -> Iterator[Moment]:
        """Yield the moments of its connection from this one on."""
        numbers = (first.number,) if first.talk is None else self._timeline.talks[first.talk].moments
        yield from (self._timeline.moments[number] for number in numbers if number >= first.number)


def _is_ladder(result: Result) -> bool:
    columns = () if result.comparison is None else result.comparison.columns
    return columns[:2] == _LADDER and "Frame" not in columns


def _frames(timeline: Timeline) -> Iterator[tuple[tuple[str, int], Moment]]:
    """Yield the segments by (host, frame number in that host's capture)."""
    for moment in timeline.moments:
        if isinstance(moment.what, SegmentSent) and moment.talk is not None:
            talk = timeline.talks[moment.talk]
            if moment.what.client_frame is not None:
                yield (talk.client_host, moment.what.client_frame), moment
            if moment.what.server_frame is not None:
                yield (talk.server_host, moment.what.server_frame), moment
