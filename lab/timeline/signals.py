"""What a signal that broke a call off did to its program."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Final, Protocol, TypeVar

from lab.timeline.model import Signal

BEGUN_ANEW: Final = "ERESTART"
"""How the names begin of what such a call returns inside the kernel, which then begins it anew or makes it EINTR."""


class _AnyCall(Protocol):
    @property
    def pid(self) -> int: ...
    @property
    def begun_ns(self) -> int: ...
    @property
    def ended_ns(self) -> int | None: ...


_C = TypeVar("_C", bound=_AnyCall)


def broken_off(error: str | None) -> bool:
    """Tell whether this is what a call returns that a signal broke off."""
    return error is not None and (error == "EINTR" or error.startswith(BEGUN_ANEW))


def signals(
    calls: Iterable[_C], broken: Callable[[_C], bool], like: Callable[[_C], Hashable], ended: Callable[[_C], bool]
) -> dict[int, Signal]:
    """Return what became of each call that is `broken`, by its id(): from the thread's next call, and from its end.

    `calls` are in the order of time; two are `like` each other when they ask for the same of the same; `ended` tells
    whether a call's program was ended by a signal then, where no other call of its thread follows.
    """
    found: dict[int, Signal] = {}
    waiting: dict[int, _C] = {}
    for call in calls:
        before = waiting.pop(call.pid, None)
        if before is not None:
            found[id(before)] = Signal.ANEW if like(before) == like(call) else Signal.ELSE
        if broken(call):
            waiting[call.pid] = call
    for last in waiting.values():
        found[id(last)] = Signal.ENDED if ended(last) else Signal.LAST
    return found
