"""Calls in vain that a thread makes again and again: told three times, then counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lab.kernel.calls import FAMILIES
from lab.kernel.trace import KernelCall
from lab.timeline.waiting import FOR_MANY

_LONGEST_PERIOD: Final = 8
_TIMES: Final = 3
_ON_MANY: Final = FOR_MANY | {"sleep"}
_FIRST_NS: Final = 1_000_000_000
_TENFOLD: Final = 10
_STILL_NS: Final = 5_000_000_000

_Key = tuple[str, int | None, int | None]


class Again(NamedTuple):
    """A thread has made the same calls `times` times from `begun_ns` to `ended_ns`, and goes on with it or not."""

    pid: int
    begun_ns: int
    ended_ns: int
    times: int
    goes_on: bool
    last: tuple[str, int | None]
    """The last of these calls: its name, and the descriptor that it works on."""


@dataclass(slots=True)
class _Thread:
    """What a thread did last; while it repeats itself, `pattern` is what, and `place` where in it the next one is."""

    last: deque[tuple[_Key, int]] = field(default_factory=lambda: deque(maxlen=_LONGEST_PERIOD * _TIMES))
    pattern: tuple[_Key, ...] = ()
    place: int = 0
    begun_ns: int = 0
    ended_ns: int = 0
    left_out: int = 0
    next_ns: int = 0


class Polls:
    """Takes the calls of all threads, and lets through what is not a repetition."""

    def __init__(self) -> None:
        self._threads: dict[int, _Thread] = {}

    def take(self, calls: Iterable[KernelCall]) -> tuple[list[KernelCall], list[Again]]:
        """Return the calls to tell of, and how often others were made."""
        kept: list[KernelCall] = []
        again: list[Again] = []
        for call in calls:
            thread = self._threads.get(call.pid)
            if not _in_vain(call):
                if thread:
                    again += _ended(call.pid, thread)
                    del self._threads[call.pid]
                kept.append(call)
                continue
            if thread is None:
                thread = self._threads[call.pid] = _Thread()
            key = _key(call)
            if thread.pattern and thread.pattern[thread.place] == key:
                again += _count(call, thread)
                continue
            again += _ended(call.pid, thread)
            kept.append(call)
            thread.last.append((key, call.begun_ns))
            _look(thread)
        return kept, again

    def expects(self, call: KernelCall, now_ns: int) -> bool:
        """Tell whether a call under way is one of a repetition, as far as can be seen."""
        thread = self._threads.get(call.pid)
        if not thread or not thread.pattern or now_ns - call.begun_ns > _STILL_NS:
            return False
        return thread.pattern[thread.place][:2] == _key(call)[:2]

    def forget(self, pids: Iterable[int]) -> None:
        """Forget all threads but these."""
        self._threads = {pid: self._threads[pid] for pid in pids if pid in self._threads}


def _in_vain(call: KernelCall) -> bool:
    """Tell whether a call moved nothing: it failed, found the end, or only asked or waited."""
    family = FAMILIES.get(call.name, call.name)
    if family in _ON_MANY:
        return True
    return call.result is not None and (call.result < 0 or (call.result == 0 and family in ("recv", "read")))


def _key(call: KernelCall) -> _Key:
    return FAMILIES.get(call.name, call.name), call.fd, call.result


def _look(thread: _Thread) -> None:
    """Find out whether the thread has begun to repeat itself."""
    keys = [key for key, _ in thread.last]
    for period in range(1, _LONGEST_PERIOD + 1):
        recent = keys[-period * _TIMES :]
        if len(recent) < period * _TIMES:
            return
        if recent == recent[:period] * _TIMES:
            thread.pattern, thread.place, thread.left_out = tuple(recent[:period]), 0, 0
            thread.begun_ns = thread.last[-period * _TIMES][1]
            thread.next_ns = thread.begun_ns + _FIRST_NS
            return


def _count(call: KernelCall, thread: _Thread) -> Iterator[Again]:
    """Count a repetition; say so now and then."""
    thread.left_out += 1
    thread.place = (thread.place + 1) % len(thread.pattern)
    thread.ended_ns = call.ended_ns or call.begun_ns
    if thread.ended_ns >= thread.next_ns:
        thread.next_ns = thread.begun_ns + (thread.next_ns - thread.begun_ns) * _TENFOLD
        yield _again(call.pid, thread, goes_on=True)


def _ended(pid: int, thread: _Thread) -> Iterator[Again]:
    if thread.left_out:
        yield _again(pid, thread, goes_on=False)
    if thread.pattern:
        thread.last.clear()
    thread.pattern, thread.left_out = (), 0


def _again(pid: int, thread: _Thread, *, goes_on: bool) -> Again:
    times = _TIMES + thread.left_out // len(thread.pattern)
    return Again(pid, thread.begun_ns, thread.ended_ns, times, goes_on, thread.pattern[-1][:2])
