"""Timelines made by hand, with the numbers of real runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

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

BEGUN = 1_700_000_000_000_000_000
SERVER = Endpoint("192.168.1.102", 8000)
CLIENT_ADDRESS = "192.168.1.101"
FLAGS = {"S": Flags.SYN, "F": Flags.FIN, "P": Flags.PSH, "R": Flags.RST, ".": Flags.ACK}
CLIENT_PID, SERVER_PID = 900, 1200


def ns(us: float) -> int:
    return BEGUN + round(us * 1000)


class Place(NamedTuple):
    """A lane of a connection."""

    lane: Lane
    host: str
    talk: int | None


@dataclass
class Score:
    """Writes a timeline, moment by moment, times in µs; each method returns the moment's place for `cause`."""

    moments: list[Moment] = field(default_factory=list)
    talks: list[Talk] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    frames: dict[str, int] = field(default_factory=lambda: {"client": 0, "server": 0})

    def talk(self, name: str | None, port: int) -> int:
        number = len(self.talks)
        client = Endpoint(CLIENT_ADDRESS, port)
        self.talks.append(Talk(number, name, client, SERVER, "client", "server", 0, 0, ()))
        return number

    def call(  # noqa: PLR0913 - a keyword for each thing that a call may say
        self,
        side: str,
        at: float,
        until: float | None,
        call: str,
        result: int | str | None = None,
        *,
        talk: int | None = None,
        pid: int = 0,
        cause: int | None = None,
    ) -> int:
        """Append a call; `call` is written as `recv(4)`, `result` a number or the name of an errno."""
        name, _, fd = call.rstrip(")").partition("(")
        client = side == "client"
        error = result if isinstance(result, str) else None
        value = -1 if error else result if isinstance(result, int) else None
        party = (self.talks[talk].name if talk is not None else "a") if client else "server"
        made = CallMade(
            party,
            pid or (CLIENT_PID + (talk or 0) if client else SERVER_PID),
            name,
            int(fd) if fd else None,
            value,
            error,
        )
        lane = Lane.CLIENT_CALLS if client else Lane.SERVER_CALLS
        return self._add(Place(lane, side, talk), at, until, made, Source.KERNEL, cause)

    def state(
        self,
        side: str,
        at: float,
        state: str,
        before: str | None = None,
        *,
        talk: int | None = 0,
        source: Source = Source.KERNEL,
        cause: int | None = None,
    ) -> int:
        lane = Lane.CLIENT_STATE if side == "client" else Lane.SERVER_STATE
        change = StateChange(State(state), None if before is None else State(before))
        return self._add(Place(lane, side, talk), at, None, change, source, cause)

    def segment(  # noqa: PLR0913 - a keyword for each thing that a segment may say
        self,
        arrow: str,
        at: float,
        letters: str,
        seq: int,
        ack: int | None = None,
        data: bytes = b"",
        *,
        talk: int = 0,
        takes: float = 8,
        cause: int | None = None,
        again: bool = False,
        lost: bool = False,
        reason: str | None = None,
    ) -> int:
        """Append a segment; `arrow` is `>` from the client or `<` from the server."""
        flags = Flags(0)
        for letter in letters:
            flags |= FLAGS[letter]
        client = arrow == ">"
        near, far = ("client", "server") if client else ("server", "client")
        self.frames[near] += 1
        if not lost:
            self.frames[far] += 1
        frames = {near: self.frames[near], far: None if lost else self.frames[far]}
        ends = (self.talks[talk].client, SERVER) if client else (SERVER, self.talks[talk].client)
        segment = Segment(
            self.frames[near],
            ns(at),
            *ends,
            1000 + seq,
            0 if ack is None else 2000 + ack,
            flags,
            64240,
            data,
            len(data),
        )
        sent = SegmentSent(segment, client, seq, ack, frames["client"], frames["server"], again, reason)
        arrives = None if lost else at + takes
        return self._add(Place(Lane.WIRE, near, talk), at, arrives, sent, Source.CAPTURE, cause)

    def queue(
        self, kind: str, host: str, *levels: tuple[float, int], talk: int | None = None, observed: bool = False
    ) -> None:
        listener = SERVER if talk is None else None
        told = tuple(Level(ns(at), value, observed) for at, value in levels)
        self.queues.append(
            Queue(QueueKind(kind), host, talk, listener, told, at_client=talk is not None and host == "client")
        )

    def _add(self, place: Place, at: float, until: float | None, what: What, source: Source, cause: int | None) -> int:
        number = len(self.moments)
        ended = None if until is None else ns(until)
        self.moments.append(Moment(number, *place, ns(at), ended, 0, source, what, cause, None))
        return number

    def timeline(self, *, by_kernel: bool = True, lacks: tuple[str, ...] = ()) -> Timeline:
        """Return the moments in the order of time, numbered anew."""
        order = sorted(self.moments, key=lambda moment: moment.time_ns)
        places = {moment.number: place for place, moment in enumerate(order)}
        moments = tuple(
            replace(moment, number=places[moment.number], cause=None if moment.cause is None else places[moment.cause])
            for moment in order
        )
        talks = tuple(self._whole(talk, moments) for talk in self.talks)
        begun = min((moment.time_ns for moment in moments), default=BEGUN)
        ended = max((moment.ended_ns or moment.time_ns for moment in moments), default=BEGUN)
        return Timeline(begun, ended, moments, talks, tuple(self.queues), by_kernel, lacks)

    def _whole(self, talk: Talk, moments: tuple[Moment, ...]) -> Talk:
        own = [moment for moment in moments if moment.talk == talk.number]
        ends = max(moment.ended_ns or moment.time_ns for moment in own)
        return replace(talk, begun_ns=own[0].time_ns, ended_ns=ends, moments=tuple(moment.number for moment in own))


def opens(score: Score, talk: int, at: float, *, accepted: bool = True, waited: float = 20_000, fd: int = 4) -> None:
    """A handshake: 61 µs; the server was in accept() since `waited` before it, or does not accept."""
    connect = score.call("client", at, at + 66, "connect(3)", 0, talk=talk)
    score.state("client", at + 9, "SYN-SENT", "UNCONN", talk=talk, cause=connect)
    syn = score.segment(">", at + 21, "S", 0, talk=talk, cause=connect)
    score.state("server", at + 30, "SYN-RECV", "LISTEN", talk=talk, source=Source.INFERRED, cause=syn)
    answer = score.segment("<", at + 36, "S.", 0, 1, talk=talk, cause=syn)
    score.state("client", at + 44, "ESTAB", "SYN-SENT", talk=talk, cause=answer)
    ack = score.segment(">", at + 51, ".", 1, 1, talk=talk, takes=6, cause=answer)
    score.state("server", at + 58, "ESTAB", "SYN-RECV", talk=talk, cause=ack)
    if accepted:
        score.call("server", at - waited, at + 84, "accept(3)", fd, talk=talk)


def echoes(score: Score, talk: int, at: float, fd: int, data: bytes, *, seq: int = 1, blocked: bool = True) -> None:
    """A message and its echo; the server is in recv() already when it comes."""
    size = len(data)
    send = score.call("client", at, at + 40, "send(3)", size, talk=talk)
    score.call("client", at + 46, at + 150, "recv(3)", size, talk=talk)
    sent = score.segment(">", at + 12, "P.", seq, seq, data, talk=talk, cause=send)
    score.segment("<", at + 21, ".", seq, seq + size, talk=talk, cause=sent)
    if blocked:
        score.call("server", at - 25_000, at + 48, f"recv({fd})", size, talk=talk)
    reply = score.call("server", at + 90, at + 120, f"send({fd})", size, talk=talk)
    back = score.segment("<", at + 101, "P.", seq, seq + size, data, talk=talk, cause=reply)
    score.segment(">", at + 111, ".", seq + size, seq + size, talk=talk, cause=back)


def closes(score: Score, talk: int, at: float, fd: int, seq: int, ack: int) -> None:
    """The client closes first, then the server."""
    close = score.call("client", at, at + 31, "close(3)", 0, talk=talk)
    score.state("client", at + 6, "FIN-WAIT-1", "ESTAB", talk=talk, cause=close)
    fin = score.segment(">", at + 14, "F.", seq, ack, talk=talk, cause=close)
    score.state("server", at + 23, "CLOSE-WAIT", "ESTAB", talk=talk, cause=fin)
    acked = score.segment("<", at + 29, ".", ack, seq + 1, talk=talk, cause=fin)
    score.state("client", at + 38, "FIN-WAIT-2", "FIN-WAIT-1", talk=talk, cause=acked)
    score.call("server", at - 29_000, at + 61, f"recv({fd})", 0, talk=talk)
    shut = score.call("server", at + 140, at + 171, f"close({fd})", 0, talk=talk)
    score.state("server", at + 146, "LAST-ACK", "CLOSE-WAIT", talk=talk, cause=shut)
    last = score.segment("<", at + 153, "F.", ack, seq + 1, talk=talk, cause=shut)
    score.state("client", at + 162, "TIME-WAIT", "FIN-WAIT-2", talk=talk, source=Source.SS, cause=last)
    end = score.segment(">", at + 168, ".", seq + 1, ack + 1, talk=talk, cause=last)
    score.state("server", at + 177, "UNCONN", "LAST-ACK", talk=talk, cause=end)


def one_client() -> Timeline:
    """A whole connection of client `a` with a server that blocks: open, a message, the client's close."""
    score = Score()
    a = score.talk("a", 58132)
    opens(score, a, 10_000)
    score.call("client", 10_400, 40_100, "read(0)", 6)
    echoes(score, a, 40_150, 4, b"hello")
    score.call("client", 40_400, 70_100, "read(0)", 0)
    closes(score, a, 70_150, 4, 6, 6)
    score.call("server", 70_500, None, "accept(3)")
    return score.timeline()


def three_at_once() -> Timeline:
    """Three clients speak while a server is in one epoll_wait(); it then serves all three."""
    score = Score()
    talks = [score.talk(name, 58200 + at) for at, name in enumerate("abc")]
    wait = score.call("server", -5_000, 10_090, "epoll_wait(4)", 1)
    for at, talk in enumerate(talks):
        opens(score, talk, 10_000 + 300 * at, accepted=False)
        score.call("server", 10_095 + 300 * at, 10_099 + 300 * at, "accept(3)", 5 + at, talk=talk, cause=wait)
        if at < 2:
            wait = score.call("server", 10_104 + 300 * at, 10_390 + 300 * at, "epoll_wait(4)", 1)
    wait = score.call("server", 10_705, 42_300, "epoll_wait(4)", 3)
    for at, talk in enumerate(talks):
        send = score.call("client", 42_000 + 80 * at, 42_040 + 80 * at, "send(3)", 5, talk=talk)
        sent = score.segment(">", 42_012 + 80 * at, "P.", 1, 1, b"hello", talk=talk, cause=send)
        score.segment("<", 42_021 + 80 * at, ".", 1, 6, talk=talk, cause=sent)
        score.call("client", 42_046 + 80 * at, 42_400 + 60 * at, "recv(3)", 5, talk=talk)
        score.call("server", 42_320 + 60 * at, 42_324 + 60 * at, f"recv({5 + at})", 5, talk=talk, cause=wait)
        reply = score.call("server", 42_330 + 60 * at, 42_345 + 60 * at, f"send({5 + at})", 5, talk=talk)
        back = score.segment("<", 42_336 + 60 * at, "P.", 1, 6, b"hello", talk=talk, cause=reply)
        score.segment(">", 42_345 + 60 * at, ".", 6, 6, talk=talk, cause=back)
    score.call("server", 42_520, None, "epoll_wait(4)")
    return score.timeline()


def polling(times: int = 10_000) -> Timeline:
    """A server that asks accept() and recv() in turn, without waiting, until something is there."""
    score = Score()
    a = score.talk("a", 58300)
    opens(score, a, 0, accepted=False)
    score.call("server", 100, 104, "accept(3)", 4, talk=a)
    for turn in range(times):
        at = 110 + 8 * turn
        score.call("server", at, at + 1, "recv(4)", "EAGAIN", talk=a)
        score.call("server", at + 4, at + 5, "accept(3)", "EAGAIN")
    end = 200 + 8 * times
    send = score.call("client", end, end + 30, "send(3)", 5, talk=a)
    score.segment(">", end + 12, "P.", 1, 1, b"hello", talk=a, cause=send)
    score.call("server", end + 40, end + 42, "recv(4)", 5, talk=a)
    return score.timeline()


def backlog() -> Timeline:
    """Three clients that nobody accepts while the server sits in recv() with the first; the queue grows to two."""
    score = Score()
    talks = [score.talk(name, 58400 + at) for at, name in enumerate("abc")]
    opens(score, talks[0], 1_000)
    score.call("server", 1_200, 90_000, "recv(4)", 5, talk=talks[0])
    opens(score, talks[1], 30_000, accepted=False)
    opens(score, talks[2], 60_000, accepted=False)
    score.queue("accept", "server", (1_058, 1), (1_084, 0), (30_058, 1), (60_058, 2))
    score.queue("recv", "server", (89_000, 5), (89_990, 0), talk=talks[0])
    return score.timeline()


def troubled() -> Timeline:
    """A SYN that is lost and sent again, a slow wire, bytes that nobody reads, and a reset; told without the kernel."""
    score = Score()
    a = score.talk("a", 58500)
    connect = score.call("client", 0, 1_050_100, "connect(3)", 0, talk=a)
    inferred = Source.INFERRED
    score.state("client", 10, "SYN-SENT", "UNCONN", source=inferred, cause=connect)
    score.segment(">", 20, "S", 0, lost=True, cause=connect)
    syn = score.segment(">", 1_000_020, "S", 0, again=True, takes=25_000)
    score.state("server", 1_025_030, "SYN-RECV", "LISTEN", source=inferred, cause=syn)
    answer = score.segment("<", 1_025_040, "S.", 0, 1, takes=25_000, cause=syn)
    score.state("client", 1_050_050, "ESTAB", "SYN-SENT", source=Source.SS, cause=answer)
    ack = score.segment(">", 1_050_060, ".", 1, 1, takes=25_000, cause=answer)
    score.state("server", 1_075_070, "ESTAB", "SYN-RECV", source=Source.SS, cause=ack)
    send = score.call("client", 1_100_000, 1_100_030, "send(3)", 4096, talk=a)
    data = score.segment(">", 1_100_010, "P.", 1, 1, b"x" * 4096, takes=25_000, cause=send)
    score.segment("<", 1_125_020, ".", 1, 4097, takes=25_000, cause=data)
    score.queue("recv", "server", (1_125_015, 4096), talk=a, observed=True)
    close = score.call("server", 1_300_000, 1_300_020, "close(4)", 0, talk=a)
    reset = score.segment("<", 1_300_010, "R.", 1, 4097, takes=25_000, cause=close, reason="TCP_ABORT_ON_CLOSE")
    score.state("server", 1_300_008, "UNCONN", "ESTAB", source=inferred, cause=close)
    score.state("client", 1_325_020, "UNCONN", "ESTAB", source=inferred, cause=reset)
    score.call("client", 1_400_000, 1_400_004, "recv(3)", "ECONNRESET", talk=a)
    return score.timeline(by_kernel=False, lacks=("no-tracefs",))


def bulk(segments: int = 140) -> Timeline:
    """A large message: many full segments, an acknowledgement for every second one."""
    score = Score()
    a = score.talk("a", 58600)
    opens(score, a, 0, accepted=False)
    send = score.call("client", 1_000, 1_000 + 20 * segments, "send(3)", 1448 * segments, talk=a)
    for at in range(segments):
        score.segment(">", 1_010 + 20 * at, ".", 1 + 1448 * at, 1, b"y" * 1448, talk=a, cause=send if at == 0 else None)
        if at % 2:
            score.segment("<", 1_019 + 20 * at, ".", 1, 1 + 1448 * (at + 1), talk=a)
    return score.timeline()
