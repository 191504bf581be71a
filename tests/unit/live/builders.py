"""A run of before, heard piece by piece as if it happened now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.evidence.records import Evidence, LabFacts
from lab.kernel.following import Told
from lab.kernel.trace import KernelCall, KernelTrace, Transition
from lab.live.follower import Follower
from lab.live.hearing import Heard
from lab.live.news import Appears, Item, News, Note
from lab.live.owners import Thread
from lab.live.standing import Standing
from lab.settings import HOSTS
from lab.timeline.model import CallMade, StateChange
from lab.wire.capture import parse_capture
from lab.wire.segment import Endpoint, Segment
from lab.wire.state import State
from tests.unit.judge.builders import BEGUN, Frame, Talk, pcap
from tests.unit.timeline.builders import CLIENT_PID, SERVER, SERVER_PID, kernel

SECOND = 1_000_000_000
HOLD_NS = 100_000
"""How long what is heard is held back here: a segment takes three microseconds from one host to the other."""
FACTS = LabFacts("live", "192.168.1.0/24", {"server": "192.168.1.102", "client": "192.168.1.101"})
NOTHING = KernelTrace((), (), (), (), (), "tai", 0, {}, (), BEGUN, BEGUN)


@dataclass
class Happened:
    """What happened: segments by the host that captured them, and what the kernel told."""

    segments: dict[str, tuple[Segment, ...]]
    trace: KernelTrace

    @classmethod
    def of(cls, evidence: Evidence) -> Happened:
        segments = {record.host: tuple(record.capture.segments) for record in evidence.captures}
        return cls(segments, evidence.kernel.trace if evidence.kernel else NOTHING)

    def between(self, since_ns: int, until_ns: int) -> Heard:
        """Return what one hears in that time."""
        trace = self.trace
        return Heard(
            {
                host: tuple(each for each in some if since_ns <= each.time_ns < until_ns)
                for host, some in self.segments.items()
            },
            Told(
                [each for each in trace.transitions if since_ns <= each.time_ns < until_ns],
                [each for each in trace.resets if since_ns <= each.time_ns < until_ns],
                [call for call in trace.calls if call.ended_ns is not None and since_ns <= call.ended_ns < until_ns],
                [each for each in trace.started if since_ns <= each.time_ns < until_ns],
            ),
            [
                call._replace(ended_ns=None, result=None)
                for call in trace.calls
                if call.begun_ns < until_ns and (call.ended_ns is None or call.ended_ns >= until_ns)
            ],
            until_ns - HOLD_NS,
        )

    def times(self) -> list[int]:
        """Return when anything happened."""
        trace = self.trace
        return sorted(
            [
                *(each.time_ns for some in self.segments.values() for each in some),
                *(each.time_ns for each in trace.transitions),
                *(each.time_ns for each in trace.started),
                *(time for call in trace.calls for time in (call.begun_ns, call.ended_ns) if time is not None),
            ]
        )


def hear(
    happened: Happened,
    every_ns: int,
    *,
    until_ns: int = 0,
    standing: Sequence[Standing] = (),
    facts: LabFacts = FACTS,
    who: Callable[[], Mapping[int, Thread]] = dict,
) -> tuple[list[Item], Follower]:
    """Return what is told when it is heard every so many ns, and who told it."""
    times = happened.times()
    at = times[0] - 1
    last_ns = max(until_ns, times[-1] + 1) + HOLD_NS
    follower = Follower(facts, HOSTS, at, standing, who)
    items: list[Item] = []
    while at < last_ns:
        items += follower.follow(happened.between(at, at + every_ns), at + every_ns)
        at += every_ns
    return items, follower


def news(items: Iterable[Item]) -> list[News]:
    return [item for item in items if isinstance(item, News)]


def notes(items: Iterable[Item]) -> list[tuple[str, dict[str, object]]]:
    return [(item.code, item.params) for item in items if isinstance(item, Note)]


def programs(items: Iterable[Item]) -> list[tuple[str, str]]:
    return [(item.program, item.host) for item in items if isinstance(item, Appears)]


def letters(one: News) -> str:
    """Return news in a few letters: `begin connect`, `ESTAB client`, `S.`."""
    what = one.moment.what
    if isinstance(what, CallMade):
        return f"{one.part} {what.name}"
    if isinstance(what, StateChange):
        return f"{what.state} {one.moment.lane.partition('-')[0]}"
    return what.segment.flags.letters if one.part == "whole" else f"{what.segment.flags.letters} {one.part}"


def connections(count: int, every_ns: int, begun_ns: int = BEGUN + SECOND) -> Happened:
    """Return so many connections, one after the other, from a new port each, of a client that the server closes on."""
    frames: dict[str, list[Frame]] = {"client": [], "server": []}
    transitions: list[Transition] = []
    calls: list[KernelCall] = []
    for number in range(count):
        client, at = Endpoint("192.168.1.101", 10_000 + number), begun_ns + number * every_ns
        talk = Talk(client=client, begun_ns=at, every_ns=10_000, next={">": 1000, "<": 5000})
        script = ("> S", "< S.", "> .", "< F.", "> .", "> F.", "< .")
        for line, frame in zip(script, talk.frames(*script), strict=True):
            near, far = ("client", "server") if line[0] == ">" else ("server", "client")
            frames[near].append(frame)
            frames[far].append(Frame(frame.time_ns + 3_000, frame.data))
        transitions += _states(number, client, at)
        calls += _calls(at)
    segments = {host: tuple(parse_capture(pcap(some), where=host).segments) for host, some in frames.items()}
    trace = replace(
        NOTHING,
        transitions=tuple(sorted(transitions)),
        calls=tuple(sorted(calls, key=lambda call: call.begun_ns)),
        started=kernel().trace.started,
    )
    return Happened(segments, trace)


def _states(number: int, client: Endpoint, at: int) -> Iterator[Transition]:
    near, far = 0xB000 + number * 16, 0xC000_0000 + number * 16
    for us, socket, old, new, ends, pid in (
        (-5, near, "UNCONN", "SYN-SENT", (Endpoint(client.address, 0), SERVER), CLIENT_PID),
        (14, near, "SYN-SENT", "ESTAB", (client, SERVER), 0),
        (24, far, "LISTEN", "SYN-RECV", (SERVER, client), 0),
        (25, far, "SYN-RECV", "ESTAB", (SERVER, client), 0),
        (29, far, "ESTAB", "FIN-WAIT-1", (SERVER, client), SERVER_PID),
        (34, near, "ESTAB", "CLOSE-WAIT", (client, SERVER), 0),
        (44, far, "FIN-WAIT-1", "FIN-WAIT-2", (SERVER, client), 0),
        (49, near, "CLOSE-WAIT", "LAST-ACK", (client, SERVER), CLIENT_PID),
        (54, far, "FIN-WAIT-2", "UNCONN", (SERVER, client), 0),
        (64, near, "LAST-ACK", "UNCONN", (client, SERVER), 0),
    ):
        yield Transition(at + us * 1000, socket, State(old), State(new), *ends, pid)


def _calls(at: int) -> Iterator[KernelCall]:
    for us, took, pid, name, fd, result in (
        (-9, 1, CLIENT_PID, "socket", None, 3),
        (-6, 21, CLIENT_PID, "connect", 3, 0),
        (26, 1, SERVER_PID, "accept4", 3, 4),
        (28, 3, SERVER_PID, "close", 4, 0),
        (48, 3, CLIENT_PID, "close", 3, 0),
    ):
        yield KernelCall(pid, name, fd, (), at + us * 1000, at + (us + took) * 1000, result, None)


STANDING = (Standing("serve_blocking", SERVER_PID, 3, SERVER, SERVER.address),)
