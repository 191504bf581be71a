"""From moments to marks in the order of time: which calls are bars, which runs of polling and of data are folded."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from lab.report.ink import Role
from lab.report.lanes.choice import Choice
from lab.report.lanes.levels import level_marks
from lab.report.lanes.marks import Mark, Part, call_mark, segment_mark, state_mark
from lab.report.lanes.runs import Key, Run, folded
from lab.report.lengths import duration
from lab.timeline.model import CallMade, Lane, Moment, SegmentSent, StateChange, Timeline
from lab.timeline.waiting import waits
from lab.timeline.wakes import served
from lab.wire.segment import Flags
from lab.wire.state import State

LONG_NS: Final = 10_000_000
"""From here on time that passes has a line of its own."""
TOGETHER_NS: Final = 200_000
"""What follows from what stands in its line is written beside it when it came no later than this; a segment that is
longer under way is drawn twice, as it leaves and as it arrives."""
_MOST_NAMED: Final = 6
_SEGMENTS_KEPT: Final = (2, 1)
_SEGMENTS_MOST: Final = 8
_PLAIN: Final = Flags.ACK | Flags.PSH


class Told(NamedTuple):
    """What was so already when the picture begins (states, calls under way), what then happened, how queues grew."""

    before: tuple[Mark, ...]
    marks: tuple[Mark, ...]
    levels: tuple[Mark, ...]


class TellWords(NamedTuple):
    """A segment sent again; a call that a signal broke off; segments left out, from their number and their bytes."""

    again: str
    interrupted: str
    skipped: Callable[[int, int], str]


@dataclass(slots=True)
class _Point:
    """A moment's begin or its return."""

    moment: Moment
    returns: bool = False
    whole: bool = False
    run: Run | None = None


def tell(timeline: Timeline, choice: Choice, words: TellWords) -> Told:
    """Return the marks of a choice."""
    before: dict[object, Mark] = {}
    visible: list[Moment] = []
    states: dict[tuple[Lane, int | None], State] = {}
    begun_ns, ended_ns = choice.window
    for moment in timeline.moments:
        if not choice.holds(moment) or moment.time_ns >= ended_ns:
            continue
        earlier = moment.time_ns < begun_ns
        if isinstance(moment.what, StateChange):
            end = moment.lane, moment.talk
            if states.get(end) is moment.what.state:
                continue  # it was known already: what proved it came before who told it
            states[end] = moment.what.state
            if earlier:
                before[end] = state_mark(moment, moment.what)
        if not earlier:
            visible.append(moment)
        elif isinstance(moment.what, CallMade) and (moment.ended_ns is None or moment.ended_ns >= begun_ns):
            before[moment.number] = call_mark(moment, moment.what, Part.BEGIN, words.interrupted)
            visible.append(moment)
    standing = tuple(mark for mark in before.values() if mark.state is not State.CLOSED)
    points = _wholes(list(_points(visible, ended_ns)), begun_ns)
    ready = {number: _names(calls, choice, timeline) for number, calls in served(timeline.moments).items()}
    marks = _short_of_segments(list(_marks(points, choice, words, timeline, ready)), words, timeline)
    owners = choice.owners
    for mark in (*standing, *marks):
        what = timeline.moments[mark.number].what if mark.number >= 0 else None
        if mark.talk is None and mark.lane is Lane.CLIENT_CALLS and isinstance(what, CallMade):
            mark.talk = owners.get(what.party or "")
    return Told(standing, tuple(marks), tuple(level_marks(timeline, choice)))


def _points(moments: Sequence[Moment], ended_ns: int) -> Iterator[_Point]:
    """Yield begins in the timeline's order, and each return before whatever begins after it."""
    pending: list[tuple[int, int, _Point]] = []
    for moment in moments:
        while pending and pending[0][0] < moment.time_ns:
            yield heapq.heappop(pending)[2]
        yield _Point(moment)
        ended = moment.ended_ns
        if ended is not None and ended < ended_ns and _ends_apart(moment, ended):
            heapq.heappush(pending, (ended, moment.number, _Point(moment, returns=True)))
    while pending:
        yield heapq.heappop(pending)[2]


def _ends_apart(moment: Moment, ended: int) -> bool:
    """Tell whether a moment's end is told apart: calls that wait, segments that are long under way."""
    if isinstance(moment.what, CallMade):
        return waits(moment)
    return isinstance(moment.what, SegmentSent) and ended - moment.time_ns > TOGETHER_NS


def _wholes(points: list[_Point], begun_ns: int) -> list[_Point]:
    """Take the returns away of calls that are told in one line: nothing happened meanwhile, or they were folded."""
    shown: list[_Point] = []
    for at, point in enumerate(points):
        following = points[at + 1] if at + 1 < len(points) else None
        if point.returns and shown and shown[-1].whole and shown[-1].moment is point.moment:
            continue
        if isinstance(point.moment.what, CallMade) and not point.returns and point.moment.time_ns >= begun_ns:
            ended = point.moment.ended_ns
            at_once = following is not None and following.returns and following.moment is point.moment
            point.whole = at_once or (ended is not None and not _ends_apart(point.moment, ended))
        shown.append(point)
    for run in folded([_key(point) for point in shown]):
        for point in shown[run.begin : run.end]:
            point.run = run
    return shown


def _key(point: _Point) -> Key | None:
    """Return what makes two calls alike; None for what is folded into no run."""
    call = point.moment.what
    if not isinstance(call, CallMade) or not point.whole:
        return None
    return point.moment.lane, call.pid, point.moment.talk, call.name, call.fd, call.result, call.error


def _names(calls: Sequence[Moment], choice: Choice, timeline: Timeline) -> tuple[str, ...]:
    """Return the connections that these calls work on, each once; of many the first."""
    talks = dict.fromkeys(call.talk for call in calls if call.talk is not None)
    names = [choice.labels.get(talk) or f":{timeline.talks[talk].client.port}" for talk in talks]
    return (*names[:_MOST_NAMED], *(["…"] if len(names) > _MOST_NAMED else []))


def _marks(
    points: Sequence[_Point],
    choice: Choice,
    words: TellWords,
    timeline: Timeline,
    ready: Mapping[int, tuple[str, ...]],
) -> Iterator[Mark]:
    seen = {talk.number: _seen_on_both(timeline, talk.moments) for talk in choice.talks}
    begun_ns = choice.window[0]
    for at, point in enumerate(points):
        moment, what = point.moment, point.moment.what
        match what:
            case CallMade():
                if moment.time_ns < begun_ns and not point.returns:
                    continue  # it is told as under way
                now = _Under(choice.window[1], words.interrupted, ready.get(moment.number, ()))
                yield from _call(point, what, at, now)
                if point.run is not None and at == point.run.end - 1:
                    yield _times(point.run, points[point.run.begin].moment, moment)
            case StateChange():
                yield state_mark(moment, what)
            case SegmentSent():
                far = what.server_frame if what.from_client else what.client_frame
                part = Part.SEGMENT
                if point.returns:
                    part = Part.ARRIVED
                elif moment.ended_ns is not None and _ends_apart(moment, moment.ended_ns):
                    part = Part.LEFT
                elif far is None and seen[moment.talk or 0]:
                    part = Part.LOST
                yield segment_mark(moment, what, part, words.again)


def _seen_on_both(timeline: Timeline, numbers: Sequence[int]) -> bool:
    """Tell whether both hosts' captures hold segments of a connection: only then one that a host lacks was lost."""
    segments = [what for number in numbers if isinstance(what := timeline.moments[number].what, SegmentSent)]
    return any(one.client_frame for one in segments) and any(one.server_frame for one in segments)


class _Under(NamedTuple):
    """Under what a call is told: the picture's end, the word for a call that a signal broke off, who was ready."""

    ended_ns: int
    interrupted: str
    ready: Sequence[str]


def _call(point: _Point, call: CallMade, at: int, under: _Under) -> Iterator[Mark]:
    moment, run, interrupted, ready = point.moment, point.run, under.interrupted, under.ready
    if point.returns:
        yield call_mark(moment, call, Part.RETURN, interrupted, ready=ready)
    elif run is not None:
        if at < run.begin + run.period:  # the first of each; the others are only counted
            yield call_mark(moment, call, Part.WHOLE, interrupted)
    elif point.whole and (moment.ended_ns or 0) - moment.time_ns < LONG_NS:
        yield call_mark(moment, call, Part.WHOLE, interrupted, ready=ready)
    else:
        returned = moment.ended_ns is not None and moment.ended_ns < under.ended_ns
        yield call_mark(moment, call, Part.BEGIN, interrupted, open_end=not returned)
        if point.whole:
            yield call_mark(moment, call, Part.RETURN, interrupted, ready=ready)


def _times(run: Run, first: Moment, last: Moment) -> Mark:
    """Return the mark that says how often a folded run was made, and how long it went on."""
    ended = last.ended_ns if last.ended_ns is not None else last.time_ns
    texts = (f"└ ×{run.times} · {duration(ended - first.time_ns)}", f"└ ×{run.times}")
    return Mark(last.time_ns, ended, last.lane, last.talk, Part.TIMES, texts, Role.DIM)


def _short_of_segments(marks: list[Mark], words: TellWords, timeline: Timeline) -> list[Mark]:
    """Fold long runs of one connection's data and acknowledgements between which nothing else happened."""
    shown: list[Mark] = []
    begin = 0
    while begin < len(marks):
        end = begin
        while end < len(marks) and _is_plain(marks[end], timeline) and marks[end].talk == marks[begin].talk:
            end += 1
        if end - begin >= _SEGMENTS_MOST:
            first, last = begin + _SEGMENTS_KEPT[0], end - _SEGMENTS_KEPT[1]
            left_out = marks[first:last]
            sizes = [
                what.segment.length
                for mark in left_out
                if isinstance(what := timeline.moments[mark.number].what, SegmentSent)
            ]
            text = words.skipped(len(left_out), sum(sizes))
            one = left_out[0]
            until = left_out[-1].time_ns
            texts = text, f"… ×{len(left_out)} …"
            skipped = Mark(one.time_ns, until, Lane.WIRE, one.talk, Part.SKIPPED, texts, Role.DIM)
            shown += [*marks[begin:first], skipped, *marks[last:end]]
        else:
            end = max(end, begin + 1)
            shown += marks[begin:end]
        begin = end
    return shown


def _is_plain(mark: Mark, timeline: Timeline) -> bool:
    if mark.part is not Part.SEGMENT:
        return False
    sent = timeline.moments[mark.number].what
    return isinstance(sent, SegmentSent) and not sent.segment.flags & ~_PLAIN and not sent.again
