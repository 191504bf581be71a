"""What woke a program that waited for many descriptors at once, and what it then did for each that was ready."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from lab.timeline.draft import Draft
from lab.timeline.model import CallMade, Lane, Moment, SegmentSent
from lab.timeline.sides import arrival_ns, brings, segment_of
from lab.timeline.waiting import FOR_MANY
from lab.wire.bits import has_syn

_READS: Final = frozenset({"recv", "read"})
_WRITES: Final = frozenset({"send", "write"})
_SERVES: Final = frozenset({"accept", *_READS, *_WRITES})
Thread = tuple[str, str, int]
"""A host, who told of its calls, and the number of a thread, which is that one's."""


def find_wakes(by_talk: Sequence[Sequence[Draft]], loose: Iterable[Draft]) -> None:
    """Link each wait for many descriptors with the arrivals that made some ready, and with the calls that serve them.

    No record says which descriptors were ready, but for how many: they are those that the thread next reads, accepts
    from or writes to, before it waits again.
    """
    threads: dict[Thread, list[Draft]] = {}
    for draft in loose:
        if isinstance(draft.what, CallMade) and draft.what.name in FOR_MANY:
            threads.setdefault(_thread(draft, draft.what), []).append(draft)
    if not threads:
        return
    for some in (*by_talk, loose):
        for draft in some:
            if isinstance(draft.what, CallMade) and draft.what.name in _SERVES:
                calls = threads.get(_thread(draft, draft.what))
                if calls is not None:
                    calls.append(draft)
    arrivals = _Arrivals(by_talk)
    for calls in threads.values():
        calls.sort(key=lambda each: each.time_ns)
        for wait, served in _rounds(calls):
            _link(wait, served, arrivals)


def _thread(draft: Draft, call: CallMade) -> Thread:
    return draft.host, draft.source, call.pid


class _Arrivals:
    """The segments of each connection in the order in which they arrived on each side, found when asked for."""

    def __init__(self, by_talk: Sequence[Sequence[Draft]]) -> None:
        self._by_talk = by_talk
        self._found: dict[tuple[int, bool], tuple[list[int], list[Draft]]] = {}

    def of(self, talk: int, *, at_server: bool) -> tuple[list[int], list[Draft]]:
        """Return the times of the arrivals, and the segments."""
        if (talk, at_server) not in self._found:
            some = [
                (time_ns, draft)
                for draft in self._by_talk[talk]
                if isinstance(draft.what, SegmentSent) and draft.what.from_client is at_server
                if (time_ns := arrival_ns(draft)) is not None
            ]
            some.sort(key=lambda pair: pair[0])
            self._found[talk, at_server] = [time_ns for time_ns, _ in some], [draft for _, draft in some]
        return self._found[talk, at_server]


class _Call(NamedTuple):
    """A call that followed a wait, and the segment that may have made its descriptor ready."""

    draft: Draft
    call: CallMade
    arrival: Draft | None


def _rounds(calls: Sequence[Draft]) -> Iterator[tuple[Draft, list[tuple[Draft, Draft | None]]]]:
    """Yield each wait that told of something with what followed up to the next: calls, and the reads before them."""
    wait: Draft | None = None
    follow: list[tuple[Draft, Draft | None]] = []
    read: dict[int | None, Draft] = {}
    for draft in calls:
        call = _call(draft)
        if call.name in FOR_MANY:
            if wait is not None:
                yield wait, follow
            wait, follow = (draft, []) if draft.ended_ns is not None and (call.result or 0) > 0 else (None, [])
            continue
        if wait is not None:
            follow.append((draft, read.get(draft.talk)))
        if call.name in _READS:
            read[draft.talk] = draft
    if wait is not None:
        yield wait, follow


def _link(wait: Draft, follow: Iterable[tuple[Draft, Draft | None]], arrivals: _Arrivals) -> None:
    candidates = [_Call(draft, _call(draft), _behind(draft, wait, read, arrivals)) for draft, read in follow]
    woken: list[Draft] = []
    for draft, _, arrival in _served(candidates, _call(wait).result or 0):
        draft.cause = wait
        if arrival is not None and not any(arrival is each for each in woken):
            woken.append(arrival)
    woken.sort(key=lambda each: arrival_ns(each) or 0)
    if woken:
        wait.cause, *also = woken
        wait.also = tuple(also)


def _served(candidates: Sequence[_Call], ready: int) -> list[_Call]:
    """Return the first call on each of as many descriptors as were ready; an accept() for each that it took out.

    What reads something comes before what finds nothing there. Who reads one connection often writes to others of which
    nothing was told, so a write counts last, and beside reads only if something arrived there during the wait.
    """
    found: dict[tuple[int | None, int | None], _Call] = {}
    fds: set[int | None] = set()
    reads = [each for each in candidates if each.call.name not in _WRITES]
    came = [each for each in reads if not each.call.error]
    written = [each for each in candidates if each.call.name in _WRITES and (each.arrival or not came)]
    for each in (*came, *(each for each in reads if each.call.error), *written):
        fd, talk = each.call.fd, each.draft.talk
        if fd in fds if each.call.name != "accept" or each.call.error else (fd, talk) in found:
            continue
        if fd in fds or len(fds) < ready:
            fds.add(fd)
            found[fd, talk] = each
    return list(found.values())


def _call(draft: Draft) -> CallMade:
    assert isinstance(draft.what, CallMade)  # noqa: S101 - only calls are asked
    return draft.what


def _behind(draft: Draft, wait: Draft, read: Draft | None, arrivals: _Arrivals) -> Draft | None:
    """Return the segment that made ready what this call serves."""
    call = _call(draft)
    if draft.talk is None or wait.ended_ns is None:
        return None
    times, segments = arrivals.of(draft.talk, at_server=draft.lane is Lane.SERVER_CALLS)
    until = bisect_right(times, wait.ended_ns)
    if call.name == "accept":
        return next((each for each in segments[:until] if not has_syn(segment_of(each))), None)
    if call.name in _WRITES:
        return segments[until - 1] if until and times[until - 1] >= wait.time_ns else None
    since = bisect_left(times, read.time_ns) if read else 0
    fresh = next((each for each in segments[since:until] if brings(segment_of(each))), None)
    # Else it is the rest of what it read only in part.
    return fresh or next((each for each in reversed(segments[:until]) if brings(segment_of(each))), None)


def served(moments: Iterable[Moment]) -> dict[int, list[Moment]]:
    """Return the calls that serve what a wait for many descriptors told of, by the number of the wait."""
    found: dict[int, list[Moment]] = {}
    for moment in moments:
        if isinstance(moment.what, CallMade) and moment.what.name in FOR_MANY:
            found[moment.number] = []
        elif isinstance(moment.what, CallMade) and moment.cause in found:
            found[moment.cause].append(moment)
    return found
