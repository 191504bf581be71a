"""Each end's states: as the kernel told them, completed by what only the capture and `ss` tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from lab.timeline.connections import Joined
from lab.timeline.draft import Draft
from lab.timeline.lives import Life
from lab.timeline.looks import Looks
from lab.timeline.model import Lane, Source, StateChange
from lab.wire.conversation import Conversation
from lab.wire.infer import infer
from lab.wire.segment import Endpoint
from lab.wire.state import State

_NEVER: Final = 1 << 62
_LINGERS: Final = frozenset({State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSING})
"""From these the kernel's socket may go straight to CLOSED, while a small one of its own stays behind in FIN-WAIT-2 or
TIME-WAIT, of which no event tells: tcp_time_wait() in net/ipv4/tcp_minisocks.c."""
_SILENT: Final = frozenset({State.SYN_RECEIVED, State.FIN_WAIT_2, State.TIME_WAIT})
"""Of the end of these no segment tells: they are given up, or forgotten when their time is over."""


class Guess(NamedTuple):
    """A state that the capture of its own host proves from `time_ns` on, as long as nothing else is told."""

    time_ns: int
    state: State
    before: State


@dataclass(frozen=True)
class End:
    """One end of a connection, and how its own host's capture has that."""

    talk: int
    host: str
    lane: Lane
    local: Endpoint
    peer: Endpoint
    conversation: Conversation | None

    @cached_property
    def guesses(self) -> tuple[Guess, ...]:
        """The states that the capture proves: found out when asked for, since it takes long and is often not needed."""
        return _guesses(self.conversation, client=self.lane is Lane.CLIENT_STATE)


def ends_of(number: int, joined: Joined) -> tuple[End, End]:
    """Return the client's end and the server's."""
    near, far = joined.near or joined.far, joined.far or joined.near
    return (
        End(number, joined.client_host, Lane.CLIENT_STATE, joined.client, joined.server, near),
        End(number, joined.server_host, Lane.SERVER_STATE, joined.server, joined.client, far),
    )


def _guesses(conversation: Conversation | None, *, client: bool) -> tuple[Guess, ...]:
    found: list[Guess] = []
    before: State | None = None
    for each in infer(conversation) if conversation else ():
        state = each.client if client else each.server
        if state is not before and not (before is None and state in (State.CLOSED, State.LISTEN)):
            known = before or (State.CLOSED if client else State.LISTEN)
            found.append(Guess(each.segment.time_ns, state, known))
        before = state
    return tuple(found)


def told_states(end: End, life: Life, looks: Looks) -> Iterator[Draft]:
    """Yield an end's states as the kernel told them; SYN-RECV's birth and TIME-WAIT, untold, are filled in."""
    begun = life.begun_ns
    if life.transitions[0].new is State.SYN_RECEIVED:
        # Half open, it is no socket yet but a request: that one's birth is told by no event.
        for at, guess in enumerate(end.guesses):
            if guess.state is State.SYN_RECEIVED and guess.time_ns <= begun:
                yield _guessed(end, guess, begun, looks)
            elif at and guess.time_ns > begun:
                break
    last = life.transitions[-1]
    for each in life.transitions:
        if each is last and each.new is State.CLOSED and each.old in _LINGERS:
            yield from _lingering(end, each.time_ns, each.old, looks)
            return
        change = StateChange(each.new, each.old)
        yield Draft(end.lane, end.host, end.talk, each.time_ns, None, 0, Source.KERNEL, change, each.pid)


def _lingering(end: End, time_ns: int, before: State, looks: Looks) -> Iterator[Draft]:
    """Yield what becomes of an end whose socket the kernel has let go: by the capture, and by `ss` where it looked.

    After a RST nothing stays behind. Else what was in FIN-WAIT-2 stays so in its small socket, until the capture shows
    what ended it or `ss` shows it no more.
    """
    known = [guess for guess in end.guesses if guess.time_ns <= time_ns]
    if known and known[-1].state is State.CLOSED:
        yield _closed(end, time_ns, before, Source.KERNEL)
        return
    now = [guess for guess in end.guesses if guess.state in (State.FIN_WAIT_2, State.TIME_WAIT, State.CLOSED)]
    last = Guess(time_ns, before, before)
    for at, guess in enumerate(now):
        until = now[at + 1].time_ns if at + 1 < len(now) else _NEVER
        if guess.state is last.state or (until <= time_ns and guess.state is not State.TIME_WAIT):
            continue
        last = Guess(max(guess.time_ns, time_ns), guess.state, last.state)
        yield _guessed(end, last, until, looks)
    if last.state in (State.FIN_WAIT_2, State.TIME_WAIT):
        yield from _gone(end, looks, last)
    elif last.state is before:
        yield _closed(end, time_ns, before, Source.KERNEL)


def _gone(end: End, looks: Looks, last: Guess, until_ns: int = _NEVER) -> Iterator[Draft]:
    """Yield the end of the last state known: between the last look that shows the row and the first without it."""
    found = looks.vanishing(end.host, (end.local, end.peer), last.time_ns, until_ns)
    if found:
        shown, gone = found
        draft = _closed(end, gone.begun_ns, last.state, Source.SS)
        draft.precision_ns = gone.begun_ns - shown.ended_ns
        yield draft


def _closed(end: End, time_ns: int, before: State, source: Source) -> Draft:
    return Draft(end.lane, end.host, end.talk, time_ns, None, 0, source, StateChange(State.CLOSED, before))


def guessed_states(end: End, looks: Looks) -> Iterator[Draft]:
    """Yield an end's states where the kernel told nothing: as the capture proves them, marked where `ss` shows them."""
    given_up = False
    for at, guess in enumerate(end.guesses):
        until = end.guesses[at + 1].time_ns if at + 1 < len(end.guesses) else _NEVER
        if given_up and guess.state is State.CLOSED:
            continue
        yield _guessed(end, guess, until, looks)
        if guess.state in _SILENT:
            # Nothing on the wire tells of its end: a server gives a half-open request up without a word.
            gone = next(_gone(end, looks, guess, until), None)
            if gone:
                given_up = True
                yield gone


def _guessed(end: End, guess: Guess, until_ns: int, looks: Looks) -> Draft:
    shown = looks.shows(end.host, (end.local, end.peer), guess.state, guess.time_ns, until_ns)
    source = Source.SS if shown else Source.INFERRED
    change = StateChange(guess.state, guess.before)
    return Draft(end.lane, end.host, end.talk, guess.time_ns, None, 0, source, change)


def listener_states(life: Life) -> Iterator[Draft]:
    """Yield when a socket began to listen and when it ended."""
    for each in life.transitions:
        change = StateChange(each.new, each.old)
        yield Draft(Lane.SERVER_STATE, life.host, None, each.time_ns, None, 0, Source.KERNEL, change, each.pid)
