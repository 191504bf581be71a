"""Where on the timeline the places lie that an expectation was judged by."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from lab.judge.verdict import CallAt, Look, Message, PrintedLine, ProgramEnd, Reference, Result, StatesFrom
from lab.report.page.run import PageRun
from lab.timeline.model import CallMade, Moment, SegmentSent, StateChange, Timeline

CALLED: Final = "called-once"
"""A call, in the page's own words."""
_SAME_CALL_NS: Final = 5_000_000
"""How far apart strace and the kernel may tell of the same call."""
_LACKS: Final = dict.fromkeys(("counters", "spent", "spent-of-time"), "totals") | dict.fromkeys(
    ("called", "handed"), "never"
)


@dataclass(frozen=True, slots=True)
class Spot:
    """What the program `party` did that is no record of a timeline, on the client's side or on the server's.

    `message` says it: a line it printed or its end in the judge's words (`judge.<code>`), or CALLED, with its `call`.
    """

    time_ns: int
    party: str
    client: bool
    message: Message = field(hash=False)


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
    return tuple(_proof(result, run, finder, looks) for result in run.results)


def _proof(result: Result, run: PageRun, finder: _Finder, looks: Mapping[str, int]) -> Proof:
    moments: dict[int, None] = {}
    spots: list[Spot] = []
    for reference in result.proof:
        numbers = list(finder.moments(reference))
        moments |= dict.fromkeys(numbers)
        if not numbers and (spot := _spot(reference, run)):
            spots.append(spot)
    shown = (looks[each.file] for each in result.proof if isinstance(each, Look) and each.file in looks)
    found = Proof(tuple(moments), tuple(dict.fromkeys(shown)), tuple(spots))
    return found if found.placed else found._replace(lacks=_LACKS.get(result.expected.code, ""))


def _spot(reference: Reference, run: PageRun) -> Spot | None:
    """Return what a timeline does not hold: what a program did and no tracer told, or what it printed, or its end."""
    match reference:
        case CallAt(party, call, time_ns):
            message = Message(CALLED, {"party": party, "call": call})
        case PrintedLine(party, time_ns, text):
            message = Message("printed", {"party": party, "line": text.strip()})
        case ProgramEnd(party, time_ns, message):
            pass
        case _:
            return None
    return Spot(time_ns, party, party in run.clients, message)


class _Finder:
    """Finds moments by the frames of the captures, by the kernel's times, and by calls."""

    def __init__(self, timeline: Timeline, run: PageRun) -> None:
        self._timeline = timeline
        self._hosts = {file: host for host, file in run.captures.items()}
        self._frames = dict(_frames(timeline))
        self._calls: dict[tuple[str | None, str | None], list[tuple[int, int]]] = defaultdict(list)
        for moment in timeline.moments:
            if isinstance(moment.what, CallMade):
                self._calls[moment.what.party, moment.what.name].append((moment.time_ns, moment.number))

    def moments(self, reference: Reference) -> Iterator[int]:
        """Yield the numbers of the moments that a reference means."""
        match reference:
            case Look(file, int(frame)):
                if sent := self._frames.get((self._hosts.get(file, ""), frame)):
                    yield sent.number
            case StatesFrom():
                yield from self._states(reference)
            case CallAt():
                yield from self._near(reference)

    def _states(self, states: StatesFrom) -> Iterator[int]:
        """Yield an end's states from that time on, as many as were judged."""
        moments = self._timeline.moments
        first = next((m for m in moments if m.time_ns == states.time_ns and isinstance(m.what, StateChange)), None)
        if first is not None:
            same = (moment.number for moment in self._same_talk(first) if moment.lane is first.lane)
            yield from islice(same, max(1, states.count))

    def _near(self, call: CallAt) -> Iterator[int]:
        """Yield the program's call of that name which is nearest to that time, none where none is near."""
        mine = self._calls[call.party, call.call]
        at = bisect_left(mine, (call.time_ns, 0))
        near = min(((abs(time - call.time_ns), number) for time, number in mine[max(0, at - 1) : at + 1]), default=None)
        if near and near[0] <= _SAME_CALL_NS:
            yield near[1]

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
