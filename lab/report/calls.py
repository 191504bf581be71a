"""The system calls of a program in one step: which, on what, how often, how long inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.cells import cell_len

from lab.judge.calls.traces import LISTENER, calls_within, overlap_ns, prints, whole_trace
from lab.judge.serving.services import client_names
from lab.kernel.calls import Call
from lab.recording.play import Step
from lab.recording.run import Run
from lab.report.ink import Line, Role, Span, line, pad, pad_left
from lab.report.lengths import duration
from lab.wire.segment import Endpoint

_MOST: Final = 10
_GAP: Final = 2


@dataclass(slots=True)
class Group:
    """Calls of one name on one thing with one outcome."""

    name: str
    on: str
    error: str
    count: int = 0
    inside_ns: int = 0
    longest_ns: int = 0


class CallWords(NamedTuple):
    """The heading's words, and what stands for the groups left out (a template with `{count}`)."""

    call: str
    on: str
    times: str
    inside: str
    longest: str
    more: str


def groups(run: Run, party: str, step: Step) -> list[Group]:
    """Return the calls of a step, those with the longest time inside first; what it printed is left out.

    A call that began in an earlier step counts with the time that it spent in this one. How a server starts is nothing
    that it does for anybody: what comes before it listens is left out.
    """
    trace = whole_trace(run, party)
    names = client_names(run, party)
    listens = max((call.begun_ns for call in trace.calls if call.name == "listen"), default=step.begun_ns)
    window = max(step.begun_ns, listens), step.ended_ns
    found: dict[tuple[str, str, str], Group] = {}
    under_way = [call for call in trace.calls if call.begun_ns < window[0] and overlap_ns(call, window)]
    for call in (*under_way, *calls_within(trace, window)):
        if prints(call) or call.name.startswith("exit"):
            continue
        key = (call.name, place_of(call, names), "" if call.broken_off else call.error or "")
        group = found.setdefault(key, Group(*key))
        spent = overlap_ns(call, window)
        group.count += 1
        group.inside_ns += spent
        group.longest_ns = max(group.longest_ns, spent)
    return sorted(found.values(), key=lambda group: -group.inside_ns)


def place_of(call: Call, names: Mapping[Endpoint, str]) -> str:
    """Return what a call works on: a client's name, `listener`, `fd 5`, or nothing."""
    on = call.on
    if on is None:
        return ""
    if on.peer and on.peer in names:
        return names[on.peer]
    return LISTENER if on.local and on.peer is None else f"fd {on.fd}"


def draw(found: Sequence[Group], words: CallWords, width: int) -> list[Line]:
    """Return the table's lines; where they are too wide, what was measured stands below the call."""
    rows = [
        (
            f"{group.name} {group.error}".strip(),
            group.on,
            str(group.count),
            duration(group.inside_ns),
            duration(group.longest_ns),
        )
        for group in found[:_MOST]
    ]
    head = words[:5]
    widths = [max(cell_len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    below = sum(widths) + _GAP * (len(widths) - 1) > width
    lines = [line(Span(text, Role.DIM)) for text in _row(head, widths, below=below)]
    lines += [line(text) for row in rows for text in _row(row, widths, below=below)]
    if len(found) > _MOST:
        lines.append(line(Span(words.more.format(count=len(found) - _MOST), Role.DIM)))
    return lines


def _row(row: Sequence[str], widths: Sequence[int], *, below: bool) -> tuple[str, ...]:
    left = [pad(text, width) for text, width in zip(row[:2], widths[:2], strict=True)]
    right = [pad_left(text, width) for text, width in zip(row[2:], widths[2:], strict=True)]
    gap = " " * _GAP
    if below:
        return gap.join(left).rstrip(), gap + gap.join(right)
    return (gap.join((*left, *right)).rstrip(),)
