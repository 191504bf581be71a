"""The ladder: a conversation's segments as arrows between the two hosts, each end's state beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.report.ink import Line, Role, Span, line, pad
from lab.report.lengths import milliseconds
from lab.wire.conversation import Conversation
from lab.wire.segment import Flags, Segment
from lab.wire.state import State

_STATE: Final = 12
_GAP: Final = 3
_TIME: Final = 9
_ARROW_LEAST: Final = 30
_ARROW_SHORTEST: Final = 16
"""With less for the arrow, times stand below it."""
_PREVIEW: Final = 14
_MOST: Final = 24
_HEAD, _TAIL = 14, 8


@dataclass(frozen=True, slots=True)
class Standing:
    """An end's state beside a rung: `inferred` when no `ss` of that host showed it, `news` when it just changed."""

    state: State
    inferred: bool
    news: bool


@dataclass(frozen=True, slots=True)
class Rung:
    """One segment: what it says in several lengths (the longest first), who sent it, when (ns since the first).

    `from_less`: a state beside it rests on less than what would show it.
    """

    labels: tuple[str, ...]
    from_client: bool
    time_ns: int
    client: Standing | None
    server: Standing | None
    again: bool = False
    from_less: bool = False


@dataclass(frozen=True, slots=True)
class LadderWords:
    """The few words of a ladder: the heads of both columns, a segment sent again, rungs left out (from a count)."""

    client: str
    server: str
    again: str
    more: Callable[[int], str]


def labels(conversation: Conversation, segment: Segment) -> tuple[str, ...]:
    """Return what is written on a segment's arrow, its numbers counted from each side's initial one.

    (RFC 9293, section 3.4), as in tcpdump and Wireshark.
    """
    return label_texts(segment, *conversation.relative(segment))


def label_texts(segment: Segment, seq: int, ack: int | None) -> tuple[str, ...]:
    """Return a segment in tcpdump's letters: full, without ack, without numbers, then the flags alone."""
    flags = f"{segment.flags.letters:<3}"
    counts = segment.flags & (Flags.SYN | Flags.FIN | Flags.RST) or segment.length
    parts = [f"seq {seq}"] if counts else []
    said = _payload(segment)
    acked = [f"ack {ack}"] if ack is not None else []
    full = " ".join([flags, *parts, *acked, *said])
    return tuple(dict.fromkeys((full, " ".join([flags, *parts, *said]), " ".join([flags, *said]), flags.strip())))


def _payload(segment: Segment) -> list[str]:
    if not segment.length:
        return []
    text = segment.payload.decode("ascii", "replace").rstrip("\r\n")
    if len(segment.payload) == segment.length and text.isascii() and text.isprintable() and len(text) <= _PREVIEW:
        return [f'"{text}"']
    return [f"length {segment.length}"]


def draw(rungs: Sequence[Rung], words: LadderWords, width: int) -> list[Line]:
    """Return the ladder's lines, at most `width` cells wide; in few, times and notes stand below the arrows."""
    notes = cell_len(words.again) + _GAP if any(rung.again for rung in rungs) else 0
    wanted = max((cell_len(rung.labels[0]) for rung in rungs), default=0) + 8
    room = width - 2 * (_STATE + 1) - _GAP - _TIME - 4 - notes
    layout = _Layout(min(max(wanted, _ARROW_LEAST), room), _GAP, below=False)
    if room < _ARROW_SHORTEST:
        layout = _Layout(min(max(wanted, _ARROW_LEAST), width - 2 * (_STATE + 1)), 1, below=True)
    head = line(
        Span(pad(words.client, _STATE + layout.arrow + layout.gap), Role.HOST), " ", Span(words.server, Role.HOST)
    )  # fmt: skip
    shown: list[Line] = [head]
    if len(rungs) <= _MOST:
        return [*shown, *_rungs(rungs, words, layout, first=True)]
    skipped = words.more(len(rungs) - _HEAD - _TAIL)
    return [
        *shown,
        *_rungs(rungs[:_HEAD], words, layout, first=True),
        line(" " * (_STATE + 1), Span(skipped, Role.DIM)),
        *_rungs(rungs[-_TAIL:], words, layout, first=False),
    ]


class _Layout(NamedTuple):
    """Cells of the arrow and of the gap behind it, and whether times stand below."""

    arrow: int
    gap: int
    below: bool


def _rungs(rungs: Sequence[Rung], words: LadderWords, layout: _Layout, *, first: bool) -> Iterator[Line]:
    for index, rung in enumerate(rungs):
        ends = line(
            *_standing(rung.client, _STATE),
            " ",
            *_arrow(rung, layout.arrow),
            " " * layout.gap,
            *_standing(rung.server, _STATE if layout.below else _STATE + 1),
        )
        time = milliseconds(rung.time_ns) + (" ms" if first and index == 0 else "")
        again = Span(" " * _GAP + words.again if rung.again else "", Role.INFERRED)
        if layout.below:
            yield ends
            yield line(" " * (_STATE + 1), Span(time, Role.DIM), again)
        else:
            yield (*ends, Span(" " * (_TIME - cell_len(milliseconds(rung.time_ns))) + time, Role.DIM), again)


def _standing(standing: Standing | None, width: int) -> tuple[Span, ...]:
    if standing is None:
        return (Span(" " * width),)
    name = "CLOSED" if standing.state is State.CLOSED else standing.state.value
    role = Role.INFERRED if standing.inferred else Role.STATE
    text = pad(f"{name} ~" if standing.inferred else name, width)
    return (Span(text, role if standing.news else Role.DIM),)


def _arrow(rung: Rung, width: int) -> tuple[Span, ...]:
    label = next((text for text in rung.labels if cell_len(text) <= width - 8), rung.labels[-1])
    left = "─── " if rung.from_client else "◀── "
    shaft = max(0, width - cell_len(left) - cell_len(label) - 2)
    right = " " + "─" * shaft + ("▶" if rung.from_client else "─")
    return Span(left, Role.DIM), Span(label, Role.STRONG), Span(right, Role.DIM)
