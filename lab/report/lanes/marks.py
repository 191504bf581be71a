"""What is written into a lane, and when: moments in the words of the drawing, each in several lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from lab.report.ink import Role
from lab.report.ladder import label_texts
from lab.report.lengths import duration
from lab.timeline.model import CallMade, Lane, Level, Moment, Queue, QueueKind, SegmentSent, Source, StateChange
from lab.timeline.signals import BEGUN_ANEW
from lab.wire.state import State

_NO_NEWS: Final = frozenset(
    {"connect", "close", "shutdown", "bind", "listen", "setsockopt", "getsockopt", "ioctl", "epoll_ctl"}
)
"""Calls whose result only says that they worked."""
_MILD: Final = ("EAGAIN", "EINPROGRESS", "EINTR", BEGUN_ANEW)
"""How the names of no faults begin: what one may call again, what the kernel itself begins again after a signal."""
_QUEUES: Final = {QueueKind.ACCEPT: "accept-Q", QueueKind.RECV: "Recv-Q", QueueKind.SEND: "Send-Q"}


class Part(Enum):
    """What of a moment a mark tells of: all, its begin or its end; a segment in one line, or in two when it travels."""

    WHOLE = auto()
    BEGIN = auto()
    RETURN = auto()
    TIMES = auto()
    """That the calls above were made again and again."""
    STATE = auto()
    SEGMENT = auto()
    LEFT = auto()
    ARRIVED = auto()
    LOST = auto()
    SKIPPED = auto()
    """Segments that were left out."""
    LEVEL = auto()


WIRE_PARTS: Final = frozenset({Part.SEGMENT, Part.LEFT, Part.ARRIVED, Part.LOST})


@dataclass(slots=True)
class Mark:
    """Something written into one lane at a time; `texts` say it, the longest first.

    `number` and `cause` are the moment's; -1 for what is no moment. `until_ns` is up to when it tells. `state` is the
    one that it tells of, if it does.
    """

    time_ns: int
    until_ns: int
    lane: Lane
    talk: int | None
    part: Part
    texts: tuple[str, ...]
    role: Role
    number: int = -1
    cause: int | None = None
    from_client: bool = True
    state: State | None = None


def call_mark(
    moment: Moment, call: CallMade, part: Part, interrupted: str, *, open_end: bool = False, ready: Sequence[str] = ()
) -> Mark:
    """Return the mark of a call, its begin or its return; `open_end`: it has not returned in what is shown.

    The word `interrupted` stands for what a call returns within the kernel only, which no program sees. `ready` are the
    connections that a wait for many found ready.
    """
    fault = call.error is not None and not call.error.startswith(_MILD)
    error = interrupted if call.error and call.error.startswith(BEGUN_ANEW) else call.error
    told = error or ("" if call.name in _NO_NEWS or call.result is None else f"= {call.result}")
    asked = ", ".join(str(each) for each in (call.fd, call.about) if each is not None)
    long, short = (f"{call.name}({asked})" if asked else call.name), call.name
    begun, ended = moment.time_ns, moment.ended_ns if moment.ended_ns is not None else moment.time_ns
    role = Role.FAIL if fault and part is not Part.BEGIN else Role.COMMAND
    names = " ".join(ready)
    named = f"{told}: {names}" if names and told else ""
    if part is Part.RETURN:
        lasted = duration(ended - begun)
        shown = " ".join(filter(None, (told, "·" if told else "", lasted)))
        texts = [f"└ {short} {shown}", f"└ {shown}", *([f"└ {told}"] if told else [])]
        if named:
            texts = [f"└ {named} · {lasted}", f"└ {named}", f"└ {names}"]
        return Mark(ended, ended, moment.lane, moment.talk, part, tuple(texts), role, moment.number, _late(moment))
    tail = " …" if open_end else f" {told}" if told and part is Part.WHOLE else ""
    watched = [f"{short} {call.about}{tail}"] if call.name == "epoll_ctl" and call.about else []
    texts = [f"{long}{tail}", *watched, f"{short}{tail}"]
    if named and part is Part.WHOLE and not open_end:
        texts = [f"{long} {named}", f"{short} {named}", f"{short}: {names}"]
    until = ended if part is Part.WHOLE else begun
    return Mark(begun, until, moment.lane, moment.talk, part, tuple(texts), role, moment.number, _early(moment))


def _early(moment: Moment) -> int | None:
    """Return the cause of a call's begin; a later moment can only have caused its return."""
    return moment.cause if moment.cause is not None and moment.cause < moment.number else None


def _late(moment: Moment) -> int | None:
    return moment.cause if moment.cause is not None and moment.cause > moment.number else None


def state_name(state: State) -> str:
    """Return a state as a page names it: as `ss` does, but for CLOSED, which it shows no row of."""
    return "CLOSED" if state is State.CLOSED else state.value


def state_mark(moment: Moment, change: StateChange) -> Mark:
    """Return the mark of a state that an end takes on; an inferred one has a tilde."""
    inferred, name = moment.source is Source.INFERRED, state_name(change.state)
    return Mark(
        moment.time_ns,
        moment.time_ns,
        moment.lane,
        moment.talk,
        Part.STATE,
        (f"{name} ~", f"{name}~") if inferred else (name,),
        Role.INFERRED if inferred else Role.STATE,
        moment.number,
        moment.cause,
        state=change.state,
    )


def segment_mark(moment: Moment, sent: SegmentSent, part: Part, again: str) -> Mark:
    """Return the mark of a segment; the words `again` stand at one that was sent before."""
    labels = label_texts(sent.segment, sent.seq, sent.ack)
    # The flags' blanks put the numbers below each other, where there is room for that.
    texts = tuple(each for label in labels for each in (label, label.replace("  ", " ", 1).replace("  ", " ", 1)))
    if sent.again:
        texts = (*(f"{text} {again}" for text in texts), texts[-1])
    if sent.reason:
        texts = (f"{texts[0]} {sent.reason}", f"{texts[-1]} {sent.reason}", *texts)
    time = moment.ended_ns if part is Part.ARRIVED and moment.ended_ns is not None else moment.time_ns
    role = Role.INFERRED if sent.again else Role.STRONG
    return Mark(
        time, time, moment.lane, moment.talk, part, texts, role, moment.number, moment.cause, sent.from_client
    )  # fmt: skip


def level_mark(queue: Queue, level: Level, lane: Lane) -> Mark:
    """Return the mark of a queue that has another length from now on; one that was counted has a tilde."""
    name, tilde = _QUEUES[queue.kind], "" if level.observed else " ~"
    texts = (f"{name} {level.value}{tilde}", f"{name} {level.value}{tilde.strip()}", f"{name[:1]}-Q {level.value}")
    role = Role.PLAIN if level.observed else Role.INFERRED
    return Mark(level.time_ns, level.time_ns, lane, queue.talk, Part.LEVEL, texts, role)
