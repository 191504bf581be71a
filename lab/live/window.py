"""What is still needed of all that was heard: the connections that are open or ended a moment ago, and their calls."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from lab.kernel.trace import KernelCall, KernelTrace, Reset, Started, Transition
from lab.live.hearing import Heard
from lab.live.thinning import Pair, over, pair_of, thinned
from lab.recording.raw import CaptureRecord, KernelRecord
from lab.recording.recording import Recording
from lab.recording.run import Run
from lab.timeline.connections import Joined, join
from lab.timeline.descriptors import Descriptors
from lab.timeline.lives import Lives, lives_of
from lab.wire.capture import Capture
from lab.wire.segment import Segment
from lab.wire.state import State

KEEP_NS: Final = 2_000_000_000
"""How long what is over is kept: late news still belong to it."""
_MAKES: Final = frozenset({"socket", "accept", "accept4"})
_MOST_OPEN: Final = 200
_MOST_STARTED: Final = 1_000


class Window:
    """Takes what was heard, gives it as a recording, and forgets what is over."""

    def __init__(self, addresses: Mapping[str, str], hosts: Iterable[str], begun_ns: int) -> None:
        self._addresses = addresses
        self._begun_ns = begun_ns
        self.homes: Mapping[int, str] = {}
        """Hosts' addresses by thread: of those that may listen on all addresses."""
        self._segments: dict[str, list[Segment]] = {host: [] for host in hosts}
        self._transitions: list[Transition] = []
        self._resets: list[Reset] = []
        self._calls: list[KernelCall] = []
        self._under_way: list[KernelCall] = []
        self._started: list[Started] = []
        self._open: set[Pair] = set()
        self._held: list[KernelCall] = []
        self._closed: set[tuple[int, int | None]] = set()
        self._pids: set[int] = set()

    @property
    def size(self) -> int:
        """How many segments and calls it holds."""
        return sum(map(len, self._segments.values())) + len(self._calls)

    def hear(self, heard: Heard, calls: Iterable[KernelCall], under_way: Iterable[KernelCall]) -> None:
        """Take what is new, with those of the calls that are to be told of."""
        for host, segments in heard.segments.items():
            self._segments[host] += segments
        self._transitions += heard.told.transitions
        self._resets += heard.told.resets
        self._started += heard.told.started
        self._calls += calls
        self._under_way = list(under_way)

    def forget_hosts(self) -> None:
        """Forget all segments: a host was made anew, and its connections are gone."""
        for segments in self._segments.values():
            segments.clear()

    def forget_kernel(self) -> None:
        """Forget what the kernel told: its recorder is gone, and what is the case now nobody knows."""
        for some in (self._transitions, self._resets, self._calls, self._under_way, self._started):
            some.clear()

    def trace(self) -> KernelTrace:
        """Return what the kernel told, as far as it is still needed."""
        calls = sorted([*self._calls, *self._under_way], key=lambda call: call.begun_ns)
        return KernelTrace(
            transitions=tuple(self._transitions),
            resent=(),
            resets=tuple(self._resets),
            calls=tuple(calls),
            started=tuple(self._started),
            clock="",
            precision_ns=0,
            lost={},
            missing=(),
            begun_ns=self._begun_ns,
            ended_ns=self._begun_ns,
            agents=self.homes,
        )

    def recording(self, trace: KernelTrace | None, now_ns: int) -> Recording:
        """Return it all as a recording; without a trace where the kernel is not recorded."""
        captures = tuple(
            CaptureRecord(
                host,
                Capture(tuple(some), len(some), 1, nanosecond=True, skipped=0),
                len(some),
                len(some),
                0,
                died=False,
                file="",
            )
            for host, some in self._segments.items()
        )
        kernel = None if trace is None else KernelRecord(trace, died=False, file="")
        return Recording(self._begun_ns, now_ns, self._addresses, captures, kernel)

    def forget(self, until_ns: int, busy: Collection[int] = ()) -> None:
        """Forget what was over some time before; all up to `until_ns` was told. The threads that are `busy` live."""
        since_ns = until_ns - KEEP_NS
        trace = self.trace()
        recording = self.recording(trace, until_ns)
        joined = join(Run(recording))
        lives = lives_of(trace, joined, recording.homes)
        kept = _worth(joined, since_ns)
        self._open = {pair_of(joined[number].conversation.segments[0]) for number in kept}
        self._segments = {host: _of_host(host, joined, kept, since_ns) for host in self._segments}
        living = [
            life for life in lives.all if life.talk in kept or life.closed_ns is None or life.closed_ns >= since_ns
        ]
        self._transitions = sorted(each for life in living for each in life.transitions)
        self._resets = [each for each in self._resets if each.time_ns >= since_ns]
        self._pids = {each.pid for each in self._transitions} | {*busy}
        self._forget_calls(trace, lives, {id(life) for life in living}, since_ns)
        family = _with_children(_with_parents(self._pids, self._started), self._started)
        self._started = [
            each for each in self._started[-_MOST_STARTED:] if each.time_ns >= since_ns or each.pid in family
        ]

    def cut(self, most: int) -> tuple[int, int, int]:
        """Keep so many segments and calls, the first; return the time of the last, and how many of each are gone."""
        before = sum(map(len, self._segments.values())), len(self._calls)
        times = sorted(
            [*(each.time_ns for some in self._segments.values() for each in some), *map(_begun, self._calls)]
        )
        last_ns = times[most - 1]
        for host, segments in self._segments.items():
            self._segments[host] = [each for each in segments if each.time_ns <= last_ns]
        self._calls = [call for call in self._calls if call.begun_ns <= last_ns]
        return last_ns, before[0] - sum(map(len, self._segments.values())), before[1] - len(self._calls)

    def glance(self, calls: Iterable[KernelCall], *, told: bool) -> None:
        """Look at calls only for what they close. Once what is here is `told`, no more is kept of closed sockets."""
        self._closed |= {(call.pid, call.fd) for call in calls if call.name == "close"}
        if told:
            self._transitions = _unended(self._transitions)
            self._started = self._started[-_MOST_STARTED:]

    def begin_again(self) -> None:
        """Forget all but what was open before, and still is as far as is known."""
        for host, segments in self._segments.items():
            self._segments[host] = [each for each in segments if pair_of(each) in self._open]
        self._calls = [call for call in self._held if (call.pid, _made(call)) not in self._closed]
        self._under_way = []
        self._closed.clear()

    @property
    def pids(self) -> set[int]:
        """Whose sockets are known, and who was busy, as of the last time that something was forgotten."""
        return self._pids

    def _forget_calls(self, trace: KernelTrace, lives: Lives, living: set[int], since_ns: int) -> None:
        """Keep the calls that made a living socket's descriptor, told which it is, or closed it."""
        descriptors = Descriptors(trace, lives)
        told: set[int] = set()
        kept: list[KernelCall] = []
        self._held = []
        for call in (*self._calls, *self._under_way):
            made = descriptors.made_by(call)
            opening = made or descriptors.of(call)
            life = opening.life if opening else None
            recent = (call.ended_ns or call.begun_ns) >= since_ns
            if life is not None and id(life) in living:
                self._pids.add(call.pid)
                first = call.socket == life.socket and id(opening) not in told
                if first:
                    told.add(id(opening))
                if made or first or call.name == "close":
                    self._held.append(call)
                    recent = True
            if recent and call.ended_ns is not None:
                kept.append(call)
        self._calls = kept


def _worth(joined: Sequence[Joined], since_ns: int) -> set[int]:
    """Return which connections are still told of: open, or over for a short time only; of many idle ones the newest."""
    idle: list[tuple[int, int]] = []
    kept: set[int] = set()
    for number, each in enumerate(joined):
        sides = [side for side in (each.near, each.far) if side]
        last_ns = max(side.segments[-1].time_ns for side in sides)
        if last_ns >= since_ns:
            kept.add(number)
        elif not all(over(side.segments) for side in sides):
            idle.append((last_ns, number))
    return kept | {number for _, number in sorted(idle)[-_MOST_OPEN:]}


def _of_host(host: str, joined: Sequence[Joined], kept: set[int], since_ns: int) -> list[Segment]:
    found: list[Segment] = []
    for number in sorted(kept):
        each = joined[number]
        side = each.near if each.client_host == host else each.far if each.server_host == host else None
        found += thinned(side.segments, since_ns) if side else ()
    return sorted(found, key=lambda segment: segment.number)


def _unended(transitions: Iterable[Transition]) -> list[Transition]:
    """Leave out those of sockets that were closed."""
    living: dict[int, list[Transition]] = {}
    for each in transitions:
        living.setdefault(each.socket, []).append(each)
        if each.new is State.CLOSED:
            del living[each.socket]
    return sorted(each for some in living.values() for each in some)


def _begun(call: KernelCall) -> int:
    return call.begun_ns


def _made(call: KernelCall) -> int | None:
    """Return the descriptor that a call made, or works on."""
    return call.result if call.name in _MAKES else call.fd


def _with_parents(pids: set[int], started: Iterable[Started]) -> set[int]:
    parents: Mapping[int, int] = {each.pid: each.parent for each in started if each.parent is not None}
    found = set(pids)
    for pid in pids:
        above = parents.get(pid)
        while above is not None and above not in found:
            found.add(above)
            above = parents.get(above)
    return found


def _with_children(pids: set[int], started: Iterable[Started]) -> set[int]:
    """Add all that these forked, who may call after hours."""
    found = set(pids)
    for each in started:
        if each.parent in found:
            found.add(each.pid)
    return found
