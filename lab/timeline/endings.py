"""Who closed where no program did: the kernel, when a signal had ended the program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final

from lab.timeline.draft import Draft
from lab.timeline.model import CallMade, Signal, Source, StateChange
from lab.wire.state import State

CLOSES: Final = frozenset({State.FIN_WAIT_1, State.LAST_ACK})


def close_at_the_end(by_talk: Iterable[list[Draft]], loose: Iterable[Draft]) -> None:
    """Give each end that was closed in a thread which a signal had ended the call that the signal broke off as cause.

    A process that ends gives all its descriptors back: do_exit() in kernel/exit.c, in the same thread.
    """
    by_talk = list(by_talk)
    broken = {
        draft.pid: draft
        for draft in chain(loose, *by_talk)
        if isinstance(draft.what, CallMade) and draft.what.signal is Signal.ENDED and draft.source is Source.KERNEL
    }
    close_in(chain.from_iterable(by_talk) if broken else (), broken)


def close_in(drafts: Iterable[Draft], broken: Mapping[int, Draft]) -> None:
    """Do so with these moments; `broken` are the calls that a signal broke off and ended, by their thread."""
    for draft in drafts:
        if draft.pid and isinstance(draft.what, StateChange) and draft.what.state in CLOSES:
            end = broken.get(draft.pid)
            if end is not None and (end.ended_ns or end.time_ns) <= draft.time_ns:
                draft.cause = end
