"""Where a program waits and where data is copied: its calls for one answer, with the kernel at the right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rich.cells import cell_len

from lab.judge.calls.answer_chain import Act, Arrival
from lab.report.fold import fold
from lab.report.ink import Line, Role, Span, line, pad
from lab.report.lengths import duration

Say = Callable[..., str]
"""Finds a text of `report.waits` by its last word, and fills its fields in."""

_ARROW: Final = 12
_EDGE: Final = 2
_MANY: Final = frozenset({"select", "poll", "epoll_wait"})


def draw(acts: Sequence[Act], say: Say, width: int) -> list[Line]:
    """Return the picture, at most `width` cells wide."""
    left = max((cell_len(_asked(act, say)) for act in acts), default=0)
    left = min(max(left, cell_len(say("program")), _WIDTH_OF_ANSWER), width // 2 - _ARROW // 2)
    drawing = _Drawing(left, width, say)
    lines = [drawing.head()]
    for act in acts:
        lines += drawing.act(act)
    return lines


_WIDTH_OF_ANSWER: Final = 20


class _Drawing:
    """Two columns with arrows between them."""

    def __init__(self, left: int, width: int, say: Say) -> None:
        self._left = left
        self._right = width - left - _ARROW - 2 * _EDGE
        self._say = say

    def head(self) -> Line:
        return line(
            Span(pad(self._say("program"), self._left + _ARROW + 2 * _EDGE), Role.HOST),
            Span(self._say("kernel"), Role.HOST),
        )

    def act(self, act: Act) -> Iterator[Line]:
        """Yield a call: the question, what comes while it waits, the answer."""
        says = self._say
        waits = bool(act.arrivals) or act.call.family == "sleep"
        again = says("again", times=act.times) if act.times > 1 else ""
        returned, copied = _returned(act, says), _copied(act, says)
        found = " ".join(part for part in (_found(act, says, waits=waits), "" if returned else again) if part)
        yield from self._row(_asked(act, says), "─" * (_ARROW - 1) + "▶", found, Role.STRONG)
        if waits:
            took = says("waits", time=duration(act.call.duration_ns or 0))
            for at, text in enumerate([_came(one, says) for one in act.arrivals] or [""]):
                before = took if at == 0 else "│"
                yield from self._row(before, "", text, Role.INFERRED)
        if returned:
            said = " ".join(part for part in (copied, again) if part)
            yield from self._row(returned, "◀" + "─" * (_ARROW - 1), said, Role.STATE)

    def _row(self, left: str, arrow: str, right: str, role: Role) -> Iterator[Line]:
        lines = fold(right, self._right) or [""]
        blank = " " * _EDGE
        for at, text in enumerate(lines):
            first = at == 0
            yield line(
                Span(pad(left if first else "", self._left), role if first else Role.PLAIN),
                blank,
                Span(pad(arrow if first else "", _ARROW), Role.DIM),
                blank,
                Span(text, role if role is not Role.STRONG else Role.PLAIN),
            )


def _asked(act: Act, say: Say) -> str:
    """Return the call as one reads it aloud: its name and on what."""
    call = act.call
    if call.family in _MANY:
        count = _watched(act)
        inside = say("descriptors", count=count) if count else ""
        return f"{call.family}({inside})"
    if call.family == "sleep":
        return "sleep()"
    if call.family == "accept":
        return "accept(listener)"
    inside = act.name or (f"fd {call.fd}" if call.fd is not None else "")
    return f"{call.family}({inside})"


def _watched(act: Act) -> int:
    """Return how many descriptors a select or a poll hands over; epoll_wait hands over none."""
    if act.call.family == "epoll_wait":
        return 0
    if act.call.family == "select":
        return len({one.fd for one in act.call.descriptors})
    counted = act.call.arguments.rpartition("]")[2].split(",")
    return int(counted[1]) if len(counted) > 1 and counted[1].strip().isdigit() else len(act.call.descriptors)


def _found(act: Act, say: Say, *, waits: bool) -> str:
    """Return what the kernel finds when the call comes in."""
    family = act.call.family
    if family in ("send", "write"):
        return say("copies-in", count=max(0, act.call.result or 0))
    if family == "close":
        return say("closes")
    if family == "sleep":
        return say("sleeps")
    nothing = waits or act.call.error is not None or (family in _MANY and not act.call.result)
    kind = "many" if family in _MANY else "accept" if family == "accept" else "one"
    return say(f"{'nothing' if nothing else 'there'}-{kind}")


def _came(arrival: Arrival, say: Say) -> str:
    return say(f"came-{arrival.kind}", name=arrival.name, count=arrival.length)


def _returned(act: Act, say: Say) -> str:
    call = act.call
    if call.error:
        return call.error
    if call.family in _MANY:
        return say("ready", count=call.result or 0)
    if call.family == "accept":
        return say("accepted", name=act.name or "?")
    if call.family in ("recv", "read"):
        return say("end") if call.result == 0 else say("bytes", count=call.result or 0)
    if call.family in ("send", "write"):
        return say("bytes", count=call.result or 0)
    return ""


def _copied(act: Act, say: Say) -> str:
    """Return what was copied between program and kernel, or that the call came back at once with nothing."""
    call = act.call
    if call.error:
        return say("at-once")
    if call.family in ("recv", "read") and call.result:
        return say("copies-out", count=call.result)
    if call.family in _MANY:
        return say("copies-list") if call.family != "epoll_wait" else say("copies-ready")
    if call.family in ("send", "write"):
        return say("sends-later")
    return ""
