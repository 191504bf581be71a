"""A picture of the TCP state machine, with the states a connection went through marked on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.report.ink import EMPTY, Line, Role, Span, cells, line
from lab.report.lengths import duration
from lab.report.seen import Sighting
from lab.wire.conversation import Conversation
from lab.wire.infer import durations
from lab.wire.machine import TRANSITIONS, Event, advance
from lab.wire.state import State

Path = tuple[State, tuple[Event, ...]]
"""A way through the machine: where it begins, and what happens on it."""

OPENS: Final[tuple[Path, Path]] = (
    (State.CLOSED, (Event.SEND_SYN, Event.RECEIVE_SYN_ACK)),
    (State.CLOSED, (Event.OPEN_PASSIVE, Event.RECEIVE_SYN, Event.RECEIVE_ACK_OF_SYN)),
)
"""The ways into ESTAB: of who connects, and of who listens."""
CLOSES: Final[tuple[Path, Path]] = (
    (State.ESTABLISHED, (Event.SEND_FIN, Event.RECEIVE_ACK_OF_FIN, Event.RECEIVE_FIN, Event.TIMEOUT_2MSL)),
    (State.ESTABLISHED, (Event.RECEIVE_FIN, Event.SEND_FIN, Event.RECEIVE_ACK_OF_FIN)),
)
"""The ways out of ESTAB: of who closes first, and of who closes second."""
_COLUMN: Final = 30
_STEM: Final = 2
_MIDDLE: Final = _STEM + _COLUMN // 2
_BEFORE: Final = frozenset({State.CLOSED, State.LISTEN})
"""States of no connection: in the one there is no socket, in the other it is the listener's."""


class Visit(NamedTuple):
    """An end of the connection that was in a state: its role, whether `ss` showed it, and how long (ns) if known."""

    role: str
    observed: bool
    lasted_ns: int | None


class MapWords(NamedTuple):
    """The heads of the two columns above (connects, listens) and below (closes first, second); an event in words."""

    heads: tuple[str, ...]
    event: Callable[[Event], str]


def visits(conversation: Conversation, sightings: frozenset[Sighting]) -> dict[State, list[Visit]]:
    """Return who was in each state, the client before the server."""
    found: dict[State, list[Visit]] = {}
    for endpoint, state, begun, ended in durations(conversation):
        ends = (conversation.client, conversation.server)
        role, peer = ("client", ends[1]) if endpoint == ends[0] else ("server", ends[0])
        if state not in _BEFORE:
            observed = Sighting(role, state, endpoint, peer) in sightings
            lasted = None if ended is None else ended - begun
            found.setdefault(state, []).append(Visit(role, observed, lasted))
    return found


def left_out() -> int:
    """Return how many transitions of the table the picture does not show."""
    shown = set()
    for begin, events in (*OPENS, *CLOSES):
        state = begin
        for event in events:
            shown.add((state, event))
            state = advance(state, event)
    return len(TRANSITIONS.keys() - shown)


def draw(visited: Mapping[State, Sequence[Visit]], words: MapWords, width: int) -> list[Line]:
    """Return the picture: opening above, ESTAB in the middle, closing below; the first-mover's way at the left.

    Where both ways find no room beside each other, they stand below each other.
    """
    drawn = _wide(visited, words)
    return drawn if max(map(cells, drawn)) <= width else [*_narrow(visited, words)]


def _narrow(visited: Mapping[State, Sequence[Visit]], words: MapWords) -> Iterator[Line]:
    established = line(*_state(State.ESTABLISHED, visited))
    for path, head in zip((*OPENS, *CLOSES), words.heads, strict=True):
        yield line(Span(head, Role.DIM))
        if path in CLOSES:
            yield established
        yield from _way(path, visited, words)
        if path in OPENS:
            yield established


def _wide(visited: Mapping[State, Sequence[Visit]], words: MapWords) -> list[Line]:
    above = [_way(path, visited, words) for path in OPENS]
    below = [_way(path, visited, words) for path in CLOSES]
    stem = line(" " * _STEM, Span("│", Role.DIM))
    height = max(map(len, above))
    above = [[*way, *[stem] * (height - len(way))] for way in above]
    arm = "─" * (_COLUMN // 2 - 1)
    return [
        _beside(_heads(words.heads[:2])),
        *(_beside(pair) for pair in zip(*above, strict=True)),
        line(" " * _STEM, Span(f"└{arm}┬{arm}┘", Role.DIM)),
        line(" " * (_MIDDLE - 2), *_state(State.ESTABLISHED, visited)),
        line(" " * _STEM, Span(f"┌{arm}┴{arm}┐", Role.DIM)),
        _beside(_heads(words.heads[2:])),
        *(_beside(pair) for pair in zip_longest(*below, fillvalue=EMPTY)),
    ]


def _way(path: Path, visited: Mapping[State, Sequence[Visit]], words: MapWords) -> list[Line]:
    """Return a way's lines but for ESTAB, which both ways share."""
    state, events = path
    lines = [] if state is State.ESTABLISHED else [line(*_state(state, visited))]
    for event in events:
        state = advance(state, event)
        lines.append(line(" " * _STEM, Span("│ ", Role.DIM), Span(words.event(event), Role.DIM)))
        if state is not State.ESTABLISHED:
            lines.append(line(*_state(state, visited)))
    return lines


def _state(state: State, visited: Mapping[State, Sequence[Visit]]) -> tuple[Span, ...]:
    name = "CLOSED" if state is State.CLOSED else state.value
    who = visited.get(state, ())
    if not who:
        return (Span(name, Role.DIM),)
    observed = all(visit.observed for visit in who)
    spans = [Span(name, Role.STATE) if observed else Span(f"{name} ~", Role.INFERRED), Span("  ")]
    for index, visit in enumerate(who):
        time = f" {duration(visit.lasted_ns)}" if visit.lasted_ns is not None else ""
        spans += [Span(", " if index else ""), Span(visit.role, Role.HOST), Span(time)]
    return tuple(spans)


def _heads(texts: Sequence[str]) -> list[Line]:
    return [line(Span(text, Role.DIM)) for text in texts]


def _beside(pair: Sequence[Line]) -> Line:
    left, right = pair
    used = sum(cell_len(span.text) for span in left)
    return (*left, Span(" " * (_COLUMN - used)), *right)
