"""A small run with its kernel record, written by hand: who called what, and how the sockets' states changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from lab.kernel.trace import KernelCall, KernelTrace, Started, Transition
from lab.recording.play import Action
from lab.recording.raw import CaptureRecord, KernelRecord
from lab.recording.run import Run
from lab.timeline.model import CallMade, Lane, Moment, SegmentSent, StateChange, Timeline
from lab.wire.segment import Endpoint
from lab.wire.state import State
from tests.records import timeline_of
from tests.unit.judge.builders import BEGUN, CLIENT_FIRST, OPEN, SERVER, TALK, A, Frame, Talk, evidence, pcap

US = 1_000
NOBODY = Endpoint("0.0.0.0", 0)  # noqa: S104 - as the kernel tells of a listener
LISTENER, CLIENT_SOCKET, SERVER_SOCKET = 0xAAA0, 0xBBB0, 0xCCC0
SERVER_PID, CLIENT_PID = 4100, 1700


def at(us: float) -> int:
    """Return a time, in µs after the first segment's departure."""
    return BEGUN + 10_000_000 + round(us * US)


@dataclass
class Wire:
    """Two captures of one conversation: each segment arrives 3 µs after it left, unless its number is `lost`."""

    talk: Talk = field(default_factory=Talk)
    lost: tuple[int, ...] = ()

    def captures(self, *script: str) -> tuple[CaptureRecord, CaptureRecord]:
        frames = self.talk.frames(*script)
        sent: dict[str, list[Frame]] = {"client": [], "server": []}
        for number, (frame, line) in enumerate(zip(frames, script, strict=True)):
            near, far = ("client", "server") if line[0] == ">" else ("server", "client")
            sent[near].append(frame)
            if number not in self.lost:
                sent[far].append(Frame(frame.time_ns + 3 * US, frame.data))
        return tuple(
            CaptureRecord(host, pcap(some), len(some), len(some), 0, died=False, file=f"{host}.pcap")
            for host, some in sent.items()
        )  # type: ignore[return-value]


def transition(us: float, socket: int, old: str, new: str, ends: tuple[Endpoint, Endpoint], pid: int = 0) -> Transition:
    return Transition(at(us), socket, State(old), State(new), *ends, pid)


def call(
    us: float, took: float | None, pid: int, name: str, fd: int | None, result: int | None, socket: int | None = None
) -> KernelCall:
    ended = None if took is None else at(us + took)
    return KernelCall(pid, name, fd, (), at(us), ended, result, socket)


CLIENT_ENDS, SERVER_ENDS = (A, SERVER), (SERVER, A)
STARTED = (Started(at(-900), SERVER_PID, "serve_blocking", None), Started(at(-200), CLIENT_PID, "prompt", None))
LISTENS = (transition(-800, LISTENER, "UNCONN", "LISTEN", (SERVER, NOBODY), SERVER_PID),)
OPENS = (
    transition(-5, CLIENT_SOCKET, "UNCONN", "SYN-SENT", (Endpoint(A.address, 0), SERVER), CLIENT_PID),
    transition(14, CLIENT_SOCKET, "SYN-SENT", "ESTAB", CLIENT_ENDS),
    transition(24, SERVER_SOCKET, "LISTEN", "SYN-RECV", SERVER_ENDS),
    transition(25, SERVER_SOCKET, "SYN-RECV", "ESTAB", SERVER_ENDS),
)
SERVER_BEGINS = (
    call(-850, 1, SERVER_PID, "socket", None, 3),
    call(-820, 1, SERVER_PID, "bind", 3, 0),
    call(-801, 2, SERVER_PID, "listen", 3, 0, LISTENER),
    call(-790, 820, SERVER_PID, "accept4", 3, 4),
)
CLIENT_BEGINS = (
    call(-20, 1, CLIENT_PID, "socket", None, 3),
    call(-6, 22, CLIENT_PID, "connect", 3, 0, CLIENT_SOCKET),
)
TALKS = (
    call(29, 5, CLIENT_PID, "sendto", 3, 5, CLIENT_SOCKET),
    call(31, 10, SERVER_PID, "recvfrom", 4, 5, SERVER_SOCKET),
    call(48, 4, SERVER_PID, "sendto", 4, 5, SERVER_SOCKET),
    call(36, 30, CLIENT_PID, "recvfrom", 3, 5, CLIENT_SOCKET),
)


def kernel(**changes: Any) -> KernelRecord:
    """Return a record in which one client connects and talks."""
    trace = KernelTrace(
        transitions=(*LISTENS, *OPENS),
        resent=(),
        resets=(),
        calls=tuple(sorted((*SERVER_BEGINS, *CLIENT_BEGINS, *TALKS), key=lambda one: one.begun_ns)),
        started=STARTED,
        clock="tai",
        precision_ns=0,
        lost={},
        missing=(),
        begun_ns=BEGUN,
        ended_ns=BEGUN + 1_000_000_000,
    )
    return KernelRecord(replace(trace, **changes), died=False, file="kernel.trace")


def run(*script: str, wire: Wire | None = None, record: KernelRecord | None = None, **changes: Any) -> Run:
    """Return the evidence of a run with these segments; without a record, one in which the kernel was not asked."""
    captures = (wire or Wire()).captures(*(script or (*OPEN, *TALK)))
    acts = (Action("connects", at(-850), "server", "serve", ""), Action("connects", at(-150), "a", "connect", ""))
    given: dict[str, Any] = {"captures": captures, "snapshots": (), "samplings": (), "actions": acts, "kernel": record}
    return evidence(**given | changes)


def timeline(*script: str, **changes: Any) -> Timeline:
    return timeline_of(run(*script, **changes))


def told(moment: Moment) -> str:
    """Return a moment in a few letters: `connect`, `ESTAB`, `S.`."""
    what = moment.what
    if isinstance(what, CallMade):
        return what.name
    return what.state.value if isinstance(what, StateChange) else what.segment.flags.letters


def lane(line: Timeline, which: Lane, talk: int | None = 0) -> list[str]:
    return [told(moment) for moment in line.moments if moment.lane is which and moment.talk == talk]


def find(line: Timeline, which: Lane, what: str, at_least: int = 0) -> Moment:
    """Return the moment of that lane and those letters, the `at_least`-th of several."""
    return [moment for moment in line.moments if moment.lane is which and told(moment) == what][at_least]


__all__ = [
    "CLIENT_ENDS",
    "CLIENT_FIRST",
    "CLIENT_PID",
    "CLIENT_SOCKET",
    "LISTENS",
    "OPEN",
    "OPENS",
    "SERVER",
    "SERVER_BEGINS",
    "SERVER_ENDS",
    "SERVER_PID",
    "SERVER_SOCKET",
    "STARTED",
    "TALK",
    "A",
    "SegmentSent",
    "Wire",
    "at",
    "call",
    "find",
    "kernel",
    "lane",
    "run",
    "timeline",
    "told",
    "transition",
]  # fmt: skip
