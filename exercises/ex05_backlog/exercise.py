"""Three, six, nine clients against a backlog of five; then they leave (the article's tables 3 to 3.4)."""

from __future__ import annotations

import os

from lab.conditions import all_of, any_of, gone, held, several, state, unread, waiting
from lab.exercise import Lab, Step, Type
from lab.judge.claims import Claim
from lab.judge.conditional import either, where
from lab.judge.programs.printed import printed
from lab.judge.readings.counters import counters
from lab.judge.segments.ladders import segments
from lab.judge.sockets.lifetimes import gone_after
from lab.judge.sockets.tables import sockets
from lab.judge.sockets.tallies import tally
from lab.settings import PATIENCE
from lab.stage import Stage
from lab.views import Counted, Ladder, Printed, Rows

RETRIES = "net.ipv4.tcp_synack_retries"
MANY, DEFAULT = 6, 5
"""How often the server sends its SYN-ACK again: Linux by itself gives up after 63 s. Who is to be looked at waits longer."""
FULL = os.environ.get("FULL") == "1"
LAB = Lab(server={"net.ipv4.tcp_syncookies": 0, RETRIES: DEFAULT if FULL else MANY})
SUBJECT = "serve_blocking"
DROPS = ("TcpExtListenOverflows", "TcpExtListenDrops")
"""What Linux counts when it drops a SYN for want of room in the accept queue: tcp_conn_request() in tcp_input.c."""
FORGOTTEN_SECONDS = 80.0
"""How long to wait until the server has given up by itself."""
FORGET = "ss -Kt state syn-recv sport = :8000"
"""Removes the half-open connections at once and as silently, see tcp_abort() in tcp.c."""
HOLD = "table inet hold { flags owner; chain out { type filter hook output priority 0; tcp flags == ack drop; }; }"

STEPS = (
    Step(
        "three",
        answer="b",
        type=(
            Type("server", "serve_blocking {server} 8000", "waiting on {server}:8000"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "crowd {server} 8000 2", "2 connected"),
            Type("client2", "^Z", "Stopped"),
            Type("watcher", "ss -tanp sport = :8000", r"LISTEN +2 +5 "),
        ),
        show=(Rows("three"),),
    ),
    Step(
        "six",
        answer="a",
        type=(
            Type("client2", "crowd {server} 8000 3", "3 connected"),
            Type("client2", "^Z", "Stopped"),
            Type("watcher", "ss -tanp sport = :8000", r"LISTEN +5 +5 "),
        ),
        show=(Rows("six", on=("server",), since="three"),),
    ),
    Step(
        "nine",
        answer="c",
        type=(
            Type("croot", "nft -i", "nft>"),
            Type("croot", HOLD, "nft>"),
            Type("client2", "crowd {server} 8000 3", "3 connected"),
            Type("croot", "flush chain inet hold out", "nft>"),
            Type("watcher", "ss -tan sport = :8000", r"(?s)LISTEN +6 +5 .*SYN-RECV"),
            Type("croot", "quit", "client#"),
        ),
        show=(Printed("hold"), Rows("nine", since="six"), Ladder("i", "open")),
    ),
    Step(
        "given_up",
        answer="b",
        type=(
            Type("watcher", "ss -tano sport = :8000", r"SYN-RECV .*timer:\(on,"),
            Type("root", FORGET, r"{client}:\d+"),
            Type("client2", "^Z", "Stopped"),
            Type("client2", "ss -tan dport = :8000", "ESTAB"),
        ),
        show=(Printed("forget"), Rows("given_up", since="nine"), Ladder("g"), Printed("g")),
    ),
    Step(
        "late",
        answer="a",
        type=(
            Type("client2", "crowd {server} 8000 2 &", r"\[\d\] \d+"),
            Type("watcher", "ss -tan sport = :8000", r"LISTEN +6 +5 "),
            Type("client", "^Z", "Stopped"),
            Type("client", "ss -tan dport = :8000", "SYN-SENT"),
            Type("client2", "kill %4", ""),
        ),
        show=(Rows("late", since="given_up"), Counted("before", "after", names=DROPS)),
    ),
    Step(
        "one_leaves",
        answer="b",
        type=(
            Type("client", "fg %1", "prompt {server} 8000"),
            Type("client", "exit", "the server closed the connection"),
            Type("watcher", "ss -tanp sport = :8000", r"(?s)LISTEN +5 +5 .*TIME-WAIT"),
        ),
        show=(Rows("one_leaves", on=("server",), since="given_up"),),
    ),
    Step(
        "two_leave",
        answer="c",
        type=(
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "ping", ""),
            Type("watcher", "ss -tan sport = :8000", r"ESTAB +4 +0 "),
            Type("client2", "fg %1", "crowd {server} 8000 2"),
            Type("client2", "^D", ""),
            Type("watcher", "ss -tan sport = :8000", r"LISTEN +4 +5 "),
        ),
        show=(Rows("two_leave", on=("server",), since="one_leaves"),),
    ),
    Step(
        "knocking",
        answer="a",
        type=(
            Type("croot", "crowd {server} 8000 3", "2 connected"),
            Type("client2", "fg %2", "crowd {server} 8000 3"),
            Type("client2", "^D", ""),
            Type("watcher", "ss -tan sport = :8000", r"LISTEN +4 +5 "),
        ),
        show=(Rows("full_again", since="two_leave"), Rows("let_in", since="full_again")),
    ),
)


def play(stage: Stage) -> None:
    """Nine clients come, the last three with their handshakes overlapping; then they leave, and more come than fit."""
    with stage.step("three"):
        stage.serve("serve_blocking", port=8000, backlog=5)
        a, b, c = (stage.client(name, port=8000) for name in "abc")
        stage.snapshot("three", server=all_of(held("a"), waiting(2)))

    with stage.step("six"):
        d, *_ = (stage.client(name, port=8000) for name in "def")
        stage.snapshot("six", server=all_of(held("a"), waiting(5)))

    with stage.step("nine"):
        hold = stage.hold_acks()
        g, h, i = (stage.client(name, port=8000, wait=None) for name in "ghi")
        # Let in comes the one whose ACK is next to arrive: at its SYN-ACK's next repetition, mostly after a second.
        hold.release("i")
        let_in = all_of(waiting(6), state("ESTAB", "i"), state("SYN-RECV", "g"))
        stage.snapshot("nine", server=let_in, seconds=stage.until_repeated("i"))

    with stage.step("given_up"):
        if not FULL:
            stage.shell("forget", on="server", line=FORGET, root=True)
        forgotten = all_of(gone("g"), gone("h"))
        stage.snapshot("given_up", server=forgotten, seconds=FORGOTTEN_SECONDS if FULL else PATIENCE)
        hold.drop()
        g.say("hello", answer=False)
        g.wait()
        h.leave()

    with stage.step("late"):
        stage.count("before", on=("server",))
        j, k = (stage.client(name, port=8000, wait=None) for name in "jk")
        refused = all_of(state("SYN-SENT", "j"), state("SYN-SENT", "k"))
        stage.snapshot("late", client=any_of(refused, all_of(state("ESTAB", "j"), state("ESTAB", "k"))))
        stage.count("after", on=("server",))
        j.stop()
        k.stop()

    with stage.step("one_leaves"):
        a.say("exit")
        a.wait()
        # A kernel that keeps late SYNs must have forgotten them first.
        settled = all_of(gone("j"), gone("k"))
        stage.snapshot("one_leaves", server=all_of(state("TIME-WAIT", "a"), held("b"), settled))

    with stage.step("two_leave"):
        i.say("exit", answer=False)
        stage.snapshot("typed", on=("server",), server=unread("i", 4))
        b.say("exit")
        c.say("exit")
        stage.snapshot("two_leave", server=all_of(state("TIME-WAIT", "c"), held("d"), unread("i", 4)))

    with stage.step("knocking"):
        stage.crowd("crowd", port=8000, count=4)
        stage.snapshot("full_again", server=waiting(6), client=state("SYN-SENT"))
        d.say("exit", answer=False)
        served = all_of(held("e"), waiting(6))
        seconds = stage.until_repeated("crowd")
        stage.snapshot("let_in", server=served, client=several("SYN-SENT", 0), seconds=seconds)


THREE = """
    State   Recv-Q  Send-Q  Local        Peer      Process
    LISTEN  2       5       server:8000  *         server fd=3
    ESTAB   0       0       server:8000  client:c
    ESTAB   0       0       server:8000  client:b
    ESTAB   0       0       server:8000  client:a  server fd=4
"""
SIX = """
    State   Recv-Q  Send-Q  Local        Peer      Process
    LISTEN  5       5       server:8000  *         server fd=3
    ESTAB   0       0       server:8000  client:f
    ESTAB   0       0       server:8000  client:c
    ESTAB   0       0       server:8000  client:d
    ESTAB   0       0       server:8000  client:e
    ESTAB   0       0       server:8000  client:b
    ESTAB   0       0       server:8000  client:a  server fd=4
"""
NINE = """
    State     Recv-Q  Send-Q  Local        Peer      Process
    LISTEN    6       5       server:8000  *         server fd=3
    SYN-RECV  0       0       server:8000  client:g
    SYN-RECV  0       0       server:8000  client:h
    ESTAB     0       0       server:8000  client:f
    ESTAB     0       0       server:8000  client:c
    ESTAB     0       0       server:8000  client:d
    ESTAB     0       0       server:8000  client:i
    ESTAB     0       0       server:8000  client:e
    ESTAB     0       0       server:8000  client:b
    ESTAB     0       0       server:8000  client:a  server fd=4
"""
GIVEN_UP = "\n".join(line for line in NINE.splitlines() if "SYN-RECV" not in line)
ONE_LEFT = """
    State      Recv-Q  Send-Q  Local        Peer      Process
    LISTEN     5       5       server:8000  *         server fd=3
    ESTAB      0       0       server:8000  client:f
    ESTAB      0       0       server:8000  client:c
    ESTAB      0       0       server:8000  client:d
    ESTAB      0       0       server:8000  client:i
    ESTAB      0       0       server:8000  client:e
    ESTAB      0       0       server:8000  client:b  server fd=4
    TIME-WAIT  0       0       server:8000  client:a
"""
STILL_THERE = """
    State      Recv-Q  Send-Q  Local        Peer      Process
    LISTEN     3       5       server:8000  *         server fd=3
    ESTAB      0       0       server:8000  client:f
    ESTAB      0       0       server:8000  client:d  server fd=4
    ESTAB      4       0       server:8000  client:i
    ESTAB      0       0       server:8000  client:e
"""
TWO_LEFT = """
    TIME-WAIT  0       0       server:8000  client:b
    TIME-WAIT  0       0       server:8000  client:c
"""
# The article's first TIME-WAIT had aged out by then: it took its time between its pictures.
FIRST_LEFT = """
    TIME-WAIT  0       0       server:8000  client:a
"""
BELIEVES = """
    State  Recv-Q  Send-Q  Local     Peer
    ESTAB  0       0       client:g  server:8000
    ESTAB  0       0       client:h  server:8000
"""
FULL_LISTENER = """
    State   Recv-Q  Send-Q  Local        Peer  Process
    LISTEN  6       5       server:8000  *     server fd=3
"""
NO_ROOM = {"SYN-SENT": 2}
LATE = ("client:j", "client:k")

EXPECT = (
    sockets("three", on="server", step="three", id="three-rows", table=THREE),
    sockets("three", on="client", step="three", id="clients-cannot-tell", table="""
        State  Recv-Q  Send-Q  Local     Peer         Process
        ESTAB  0       0       client:a  server:8000  a
        ESTAB  0       0       client:b  server:8000  b
        ESTAB  0       0       client:c  server:8000  c
    """),
    sockets("six", on="server", step="six", id="six-rows", table=SIX),
    sockets("nine", on="server", step="nine", id="nine-rows", table=NINE),
    tally("nine", on="client", states={"ESTAB": 9}, step="nine", id="nine-believe"),
    segments("i", part="open", step="nine", id="asked-again", ladder="""
        client:i > server    S
        server   > client:i  S.
        server   > client:i  S.
      ~ server   > client:i  S.
      ~ server   > client:i  S.
      ~ server   > client:i  S.
        client:i > server    .
    """),
    sockets("given_up", on="server", step="given_up", id="seven-rows", table=GIVEN_UP),
    sockets("given_up", on="client", only=("client:g", "client:h"), step="given_up", id="still-believe",
            table=BELIEVES),
    segments("g", step="given_up", id="no-answer-then-reset", ladder="""
        client:g > server    S
        server   > client:g  S.
        server   > client:g  S.
      ~ server   > client:g  S.
      ~ server   > client:g  S.
      ~ server   > client:g  S.
      ~ server   > client:g  S.
      ~ server   > client:g  S.
        client:g > server    data  "hello"
        server   > client:g  R
    """),
    printed("g", matches="connection lost: Connection reset by peer", stream="stderr", step="given_up",
            id="finds-out"),
    either(
        tally("late", on="client", states=NO_ROOM, id="late-on-server"),
        then=sockets("late", on="server", only=LATE, step="late", id="late-on-server", table="""
            State  Recv-Q  Send-Q  Local  Peer
        """),
        otherwise=sockets("late", on="server", only=LATE, step="late", id="late-on-server", table="""
            State     Recv-Q  Send-Q  Local        Peer
            SYN-RECV  0       0       server:8000  client:j
            SYN-RECV  0       0       server:8000  client:k
        """),
    ),
    sockets("late", on="server", states=("LISTEN",), step="late", id="late-queue", table=FULL_LISTENER),
    counters("before", "after", on="server", change=dict.fromkeys(DROPS, ">0"), step="late", id="late-counted"),
    sockets("one_leaves", on="server", step="one_leaves", id="next-is-served", table=ONE_LEFT),
    sockets("two_leave", on="server", step="two_leave", id="four-bytes-wait", table=STILL_THERE + TWO_LEFT + FIRST_LEFT),
    sockets("full_again", on="server", states=("LISTEN",), step="knocking", id="full-again", table=FULL_LISTENER),
    sockets("let_in", on="server", states=("LISTEN",), step="knocking", id="place-is-taken", table=FULL_LISTENER),
    tally("let_in", on="client", states={"SYN-SENT": 0}, step="knocking", id="knocker-is-in"),
)  # fmt: skip

CLAIMS = (
    Claim("B1", cases={
        "two_wait": (sockets("three", on="server", id="B1", table=THREE), None),
        "five_wait": (sockets("six", on="server", id="B1", table=SIX), None),
    }),
    Claim("B7", says=sockets("three", on="server", id="B7", table=THREE)),
    Claim("B8", says=sockets("six", on="server", id="B8", table=SIX)),
    Claim("B9", cases={
        "overlapping": (sockets("nine", on="server", id="B9", table=NINE), None),
        "one_by_one": (
            (
                sockets("late", on="server", states=("LISTEN",), id="B9", table=FULL_LISTENER),
                tally("late", on="server", states={"ESTAB": 7, "SYN-RECV": 2}, id="B9"),
            ),
            (
                sockets("late", on="server", states=("LISTEN",), id="B9", table=FULL_LISTENER),
                tally("late", on="server", states={"ESTAB": 7, "SYN-RECV": 0}, id="B9"),
                tally("late", on="client", states=NO_ROOM, id="B9"),
            ),
        ),
    }),
    Claim("B10", cases={
        "default": (
            where({f"server.{RETRIES}": DEFAULT},
                  gone_after("g", "0..10", seen="nine", gone="given_up", id="B10")),
            gone_after("g", "60..70", seen="nine", gone="given_up", id="B10")),
    }),
    Claim("B11", cases={
        "nobody_knocks": (sockets("one_leaves", on="server", id="B11", table=ONE_LEFT), None),
        "somebody_knocks": (
            sockets("let_in", on="server", states=("LISTEN",), id="B11", table="""
                State   Recv-Q  Send-Q  Local
                LISTEN  5       5       server:8000
            """),
            sockets("let_in", on="server", states=("LISTEN",), id="B11", table="""
                State   Recv-Q  Send-Q  Local
                LISTEN  6       5       server:8000
            """)),
    }),
    Claim("B12", says=(
        sockets("two_leave", on="server", states=("LISTEN", "ESTAB"), id="B12", table=STILL_THERE),
        sockets("two_leave", on="server", only=("client:b", "client:c"), id="B12", table=f"""
            State      Recv-Q  Send-Q  Local        Peer
            {TWO_LEFT}
        """),
    )),
)  # fmt: skip
