"""Timelines made by hand, with times as a real kernel has them: microseconds for a handshake, seconds for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from lab.recording.play import Step
from lab.report.page.run import PageRun, SsLook
from lab.timeline.model import (
    CallMade,
    Lane,
    Level,
    Moment,
    Queue,
    QueueKind,
    SegmentSent,
    Source,
    StateChange,
    Talk,
    Timeline,
    What,
)
from lab.wire.segment import Endpoint, Flags, Segment
from lab.wire.state import State

SERVER, CLIENT = "192.168.1.102", "192.168.1.101"
BEGUN: Final = 1_790_000_000_000_000_000
US, MS, S = 1_000, 1_000_000, 1_000_000_000
WIRE: Final = 12 * US
"""How long a segment travels between two containers."""

_FLAGS: Final = {"S": Flags.SYN, "F": Flags.FIN, "P": Flags.PSH, "R": Flags.RST, ".": Flags.ACK}


@dataclass(eq=False)
class Draft:
    """A moment before it has its number."""

    lane: Lane
    talk: int | None
    at: int
    ended: int | None
    what: What
    source: Source = Source.KERNEL
    cause: Draft | None = None
    precision: int = 0


@dataclass
class Tally:
    """How long a queue is, as it grows and shrinks."""

    kind: QueueKind
    host: str
    talk: int | None
    changes: list[tuple[int, int]] = field(default_factory=list)

    def queue(self) -> Queue:
        value, levels = 0, list[Level]()
        for at, change in sorted(self.changes):
            value += change
            levels.append(Level(BEGUN + at, value, observed=len(levels) % 4 == 3))
        listener = Endpoint(SERVER, 8000) if self.talk is None else None
        at_client = self.talk is not None and self.host == "client"
        return Queue(self.kind, self.host, self.talk, listener, tuple(levels), at_client)


@dataclass
class End:
    """One end of a connection: its lanes, its program, its descriptor."""

    calls: Lane
    states: Lane
    host: str
    party: str | None
    pid: int
    fd: int
    state: State | None = None
    sent: int = 0


@dataclass
class Scene:
    """Collects drafts; `timeline` puts them in order and numbers them."""

    drafts: list[Draft] = field(default_factory=list)
    ends: list[tuple[str | None, Endpoint]] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    frames: int = 0
    accept: Tally = field(default_factory=lambda: Tally(QueueKind.ACCEPT, "server", None))

    def call(  # noqa: PLR0913 - a record has as many parts
        self, end: End, talk: int | None, at: int, ended: int | None, name: str, result: int | None = 0, *,
        error: str | None = None, fd: int | None = None,
    ) -> Draft:  # fmt: skip
        made = CallMade(end.party, end.pid, name, end.fd if fd is None else fd, result, error)
        return self._add(Draft(end.calls, talk, at, ended, made))

    def state(
        self, end: End, talk: int, at: int, state: State, cause: Draft | None, *, inferred: bool = False
    ) -> Draft:
        change = StateChange(state, end.state)
        end.state = state
        source = Source.INFERRED if inferred else Source.KERNEL
        return self._add(Draft(end.states, talk, at, None, change, source, cause, 5 * US if inferred else 0))

    def segment(  # noqa: PLR0913 - as above
        self, talk: int, ends: tuple[End, End], at: int, letters: str, data: bytes = b"", *,
        cause: Draft | None = None, lost: bool = False, again: bool = False, reason: str | None = None,
    ) -> Draft:  # fmt: skip
        sender, receiver = ends
        from_client = sender.calls is Lane.CLIENT_CALLS
        flags = Flags(0)
        for letter in letters:
            flags |= _FLAGS[letter]
        self.frames += 1
        seq, ack = sender.sent, receiver.sent if "." in letters else None
        sender.sent += len(data) + ("S" in letters) + ("F" in letters)
        client = Endpoint(CLIENT, self.ends[talk][1].port)
        src, dst = (client, Endpoint(SERVER, 8000)) if from_client else (Endpoint(SERVER, 8000), client)
        segment = Segment(
            self.frames, BEGUN + at, src, dst, 4_000_000_000 + seq, ack or 0, flags, 64240, data, len(data)
        )  # fmt: skip
        here, there = self.frames, None if lost else self.frames
        sent = SegmentSent(
            segment, from_client, seq, ack, here if from_client else there, there if from_client else here, again, reason
        )  # fmt: skip
        ended = None if lost else at + WIRE
        return self._add(Draft(Lane.WIRE, talk, at, ended, sent, Source.CAPTURE, cause))

    def timeline(self, ended: int, *, by_kernel: bool = True, lacks: tuple[str, ...] = ()) -> Timeline:
        order = sorted(self.drafts, key=lambda draft: draft.at)
        numbers = {id(draft): number for number, draft in enumerate(order)}
        hosts = {lane: "client" if lane.startswith("client") else "server" for lane in Lane}
        moments = tuple(
            Moment(
                number, draft.lane, hosts[draft.lane] if draft.lane is not Lane.WIRE else _sender(draft), draft.talk,
                BEGUN + draft.at, None if draft.ended is None else BEGUN + draft.ended, draft.precision, draft.source,
                draft.what, None if draft.cause is None else numbers[id(draft.cause)], None,
            )
            for number, draft in enumerate(order)
        )  # fmt: skip
        mine: dict[int, list[int]] = {}
        for moment in moments:
            if moment.talk is not None:
                mine.setdefault(moment.talk, []).append(moment.number)
        talks = tuple(
            Talk(
                number, name, client, Endpoint(SERVER, 8000), "client", "server",
                moments[mine[number][0]].time_ns, moments[mine[number][-1]].time_ns, tuple(mine[number]),
            )
            for number, (name, client) in enumerate(self.ends)
        )  # fmt: skip
        queues = tuple(tally.queue() for tally in (self.accept, *self.tallies) if tally.changes)
        return Timeline(BEGUN, BEGUN + ended, moments, talks, queues, by_kernel, lacks)

    def _add(self, draft: Draft) -> Draft:
        self.drafts.append(draft)
        return draft


def _sender(draft: Draft) -> str:
    assert isinstance(draft.what, SegmentSent)
    return "client" if draft.what.from_client else "server"


@dataclass
class Server:
    """A blocking server: it serves one after another, and waits in accept() meanwhile."""

    scene: Scene
    pid: int = 4242
    free_at: int = 0

    def end(self, fd: int) -> End:
        return End(Lane.SERVER_CALLS, Lane.SERVER_STATE, "server", "server", self.pid, fd)

    def listen(self, at: int) -> None:
        listener = self.end(3)
        self.scene.call(listener, None, at, at + 9 * US, "socket", 3)
        self.scene.call(listener, None, at + 60 * US, at + 64 * US, "bind")
        made = self.scene.call(listener, None, at + 110 * US, at + 118 * US, "listen")
        change = StateChange(State.LISTEN, None)
        self.scene.drafts.append(Draft(Lane.SERVER_STATE, None, at + 113 * US, None, change, Source.KERNEL, made))
        self.free_at = at + 140 * US


def dial(scene: Scene, name: str | None, port: int, at: int, *, lost_first: bool = False) -> tuple[int, End, int]:
    """A client connects at `at`; return its connection, its end and when the server's end is established."""
    talk = len(scene.ends)
    scene.ends.append((name, Endpoint(CLIENT, port)))
    client = End(Lane.CLIENT_CALLS, Lane.CLIENT_STATE, "client", name, 900 + talk, 3)
    server = End(Lane.SERVER_CALLS, Lane.SERVER_STATE, "server", "server", 4242, 4)
    scene.call(client, talk, at - 50 * US, at - 43 * US, "socket", 3)
    dialled = scene.call(client, talk, at, None, "connect")
    scene.state(client, talk, at + 9 * US, State.SYN_SENT, dialled)
    first = scene.segment(talk, (client, server), at + 13 * US, "S", cause=dialled, lost=lost_first)
    if lost_first:
        at += 1_013 * MS
        client.sent = 0
        first = scene.segment(talk, (client, server), at + 13 * US, "S", cause=dialled, again=True)
    there = at + 13 * US + WIRE
    scene.state(server, talk, there, State.SYN_RECEIVED, first, inferred=True)
    answer = scene.segment(talk, (server, client), there + 6 * US, "S.", cause=first)
    back = there + 6 * US + WIRE
    scene.state(client, talk, back + 2 * US, State.ESTABLISHED, answer)
    last = scene.segment(talk, (client, server), back + 5 * US, ".", cause=answer)
    dialled.ended = back + 17 * US
    stands = back + 5 * US + WIRE + 2 * US
    scene.state(server, talk, stands, State.ESTABLISHED, last)
    scene.accept.changes.append((stands, 1))
    return talk, client, stands


def serve(
    scene: Scene, keeper: Server, dialled: tuple[int, End, int], says: Sequence[tuple[int, bytes]], *,
    leaves: int, server_first: bool = False,
) -> None:  # fmt: skip
    """The server takes the connection when it is free, answers each word in upper case, and both close.

    `says` are (when, what) of the client; it leaves at `leaves`, after the last word.
    """
    talk, client, stands = dialled
    listener, server = keeper.end(3), keeper.end(4)
    server.state, server.sent = State.ESTABLISHED, 1
    unread = Tally(QueueKind.RECV, "server", talk)
    unacknowledged = Tally(QueueKind.SEND, "client", talk)
    scene.tallies += [unread, unacknowledged]
    taken = max(keeper.free_at, stands) + 14 * US
    scene.call(listener, talk, keeper.free_at, taken, "accept", 4)
    scene.accept.changes.append((taken, -1))
    free = taken + 20 * US
    scene.call(client, talk, stands + 60 * US, stands + 66 * US, "getsockname")
    for at, data in says:
        sent = scene.call(client, talk, at, at + 16 * US, "send", len(data))
        gone = scene.segment(talk, (client, server), at + 7 * US, "P.", data, cause=sent)
        unacknowledged.changes.append((at + 7 * US, len(data)))
        there = at + 7 * US + WIRE
        unread.changes.append((there, len(data)))
        scene.segment(talk, (server, client), there + 4 * US, ".", cause=gone)
        unacknowledged.changes.append((there + 4 * US + WIRE, -len(data)))
        got = max(free, there) + 15 * US
        scene.call(server, talk, free, got, "recv", len(data))
        unread.changes.append((got, -len(data)))
        answer = scene.call(server, talk, got + 30 * US, got + 44 * US, "send", len(data))
        reply = scene.segment(talk, (server, client), got + 37 * US, "P.", data.upper(), cause=answer)
        home = got + 37 * US + WIRE
        scene.segment(talk, (client, server), home + 3 * US, ".", cause=reply)
        scene.call(client, talk, at + 40 * US, home + 12 * US, "recv", len(data))
        free = got + 60 * US
    leaves = max(leaves, free + 200 * US)
    if server_first:
        goes = leaves
        scene.call(server, talk, free, goes, "recv", 0)
        _close(scene, talk, (server, client), goes + 40 * US)
        keeper.free_at = goes + 90 * US
        return
    fin = _close(scene, talk, (client, server), leaves)
    scene.call(server, talk, free, fin + 16 * US, "recv", 0)
    keeper.free_at = fin + 120 * US


def _close(scene: Scene, talk: int, ends: tuple[End, End], at: int) -> int:
    """The first end closes, the other one a little later; return when the first F arrived."""
    first, other = ends
    closing = scene.call(first, talk, at, at + 21 * US, "close")
    scene.state(first, talk, at + 5 * US, State.FIN_WAIT_1, closing)
    fin = scene.segment(talk, ends, at + 9 * US, "F.", cause=closing)
    there = at + 9 * US + WIRE
    scene.state(other, talk, there + 1 * US, State.CLOSE_WAIT, fin)
    answer = scene.segment(talk, (other, first), there + 4 * US, ".", cause=fin)
    scene.state(first, talk, there + 4 * US + WIRE + 1 * US, State.FIN_WAIT_2, answer)
    if other.calls is Lane.CLIENT_CALLS:
        scene.call(other, talk, there - 400 * US, there + 14 * US, "recv", 0)
    last = scene.call(other, talk, there + 60 * US, there + 79 * US, "close")
    scene.state(other, talk, there + 63 * US, State.LAST_ACK, last)
    second = scene.segment(talk, (other, first), there + 66 * US, "F.", cause=last)
    home = there + 66 * US + WIRE
    scene.state(first, talk, home + 1 * US, State.TIME_WAIT, second, inferred=True)
    end = scene.segment(talk, ends, home + 3 * US, ".", cause=second)
    scene.state(other, talk, home + 3 * US + WIRE + 1 * US, State.CLOSED, end)
    return there


def one() -> tuple[Timeline, PageRun]:
    """One client, two words, the server closes first: two seconds of waiting, and microseconds that matter."""
    scene = Scene()
    keeper = Server(scene)
    keeper.listen(50 * MS)
    dialled = dial(scene, "a", 58132, 900 * MS)
    says = [(2_900 * MS, b"hello\n"), (4_100 * MS, b"exit\n")]
    serve(scene, keeper, dialled, says, leaves=4_101 * MS, server_first=True)
    scene.call(keeper.end(3), None, keeper.free_at, None, "accept", None)
    steps = (
        Step("connects", BEGUN + 700 * MS, BEGUN + 1_500 * MS),
        Step("talks", BEGUN + 2_500 * MS, BEGUN + 3_500 * MS),
        Step("server_first", BEGUN + 4_000 * MS, BEGUN + 5_500 * MS),
    )
    looks = (
        SsLook("listening", "server", BEGUN + 400 * MS, "connects", "ss/listening.server.txt"),
        SsLook("connected", "server", BEGUN + 1_200 * MS, "connects", "ss/connected.server.txt"),
        SsLook("connected", "client", BEGUN + 1_205 * MS, "connects", "ss/connected.client.txt"),
        SsLook("after_exit", "server", BEGUN + 5_000 * MS, "server_first", "ss/after_exit.server.txt"),
    )
    return scene.timeline(6 * S), PageRun(steps, looks, {"client": "client.pcap", "server": "server.pcap"}, ())


def nine() -> tuple[Timeline, PageRun]:
    """Nine clients of a server that serves one at a time; the seventh's first S is lost, the ninth is reset."""
    scene = Scene()
    keeper = Server(scene)
    keeper.listen(20 * MS)
    dialled = [
        dial(scene, name, 40_000 + 7 * number, (100 + 35 * number) * MS, lost_first=name == "g")
        for number, name in enumerate("abcdefghi")
    ]
    for number, each in enumerate(dialled[:8]):
        says = [(each[2] + 20 * MS, b"GET /%d" % number)]
        serve(scene, keeper, each, says, leaves=each[2] + 120 * MS, server_first=number % 3 == 2)
    talk, client, stands = dialled[8]
    listener, server = keeper.end(3), keeper.end(4)
    scene.call(listener, talk, keeper.free_at, keeper.free_at + 12 * US, "accept", 4)
    scene.accept.changes.append((keeper.free_at + 12 * US, -1))
    sent = scene.call(client, talk, stands + 5 * MS, stands + 5 * MS + 12 * US, "send", 5)
    scene.segment(talk, (client, server), stands + 5 * MS + 5 * US, "P.", b"never", cause=sent)
    at = keeper.free_at + 3 * MS
    closing = scene.call(server, talk, at, at + 17 * US, "close")
    server.state = State.ESTABLISHED
    scene.state(server, talk, at + 4 * US, State.CLOSED, closing)
    server.sent = 1
    reset = scene.segment(talk, (server, client), at + 7 * US, "R.", cause=closing, reason="TCP_ABORT_ON_CLOSE")
    scene.state(client, talk, at + 7 * US + WIRE + 1 * US, State.CLOSED, reset)
    scene.call(client, talk, stands + 6 * MS, at + 7 * US + WIRE + 15 * US, "recv", -1, error="ECONNRESET")
    steps = (
        Step("connects", BEGUN + 50 * MS, BEGUN + 420 * MS),
        Step("talks", BEGUN + 430 * MS, BEGUN + 1_000 * MS),
        Step("three_or_four", BEGUN + 1_010 * MS, BEGUN + 2_000 * MS),
    )
    looks = tuple(
        SsLook(f"queue_{n}", host, BEGUN + (300 + 400 * n) * MS, "talks", f"ss/{n}.{host}.txt")
        for n in range(3)
        for host in ("server", "client")
    )
    return scene.timeline(3 * S), PageRun(steps, looks, {"client": "client.pcap", "server": "server.pcap"}, ())


def crowd(count: int = 2_000) -> tuple[Timeline, PageRun]:
    """As many connections as asked for, 2,500 a second, some 25 records each."""
    scene = Scene()
    keeper = Server(scene)
    keeper.listen(1 * MS)
    for number in range(count):
        at = 10 * MS + number * 400 * US
        each = dial(scene, None, 20_000 + number, at, lost_first=number % 500 == 250)
        keeper.free_at = min(keeper.free_at, each[2] + 2 * MS)
        serve(
            scene, keeper, each, [(each[2] + 90 * US, b"ping")], leaves=each[2] + 300 * US, server_first=number % 2 == 0
        )
    last = 10 * MS + count * 400 * US
    steps = (Step("connects", BEGUN + 5 * MS, BEGUN + last // 2), Step("talks", BEGUN + last // 2, BEGUN + last))
    run = PageRun(steps, (), {"client": "client.pcap", "server": "server.pcap"}, ())
    return scene.timeline(last + 1_500 * MS), run
