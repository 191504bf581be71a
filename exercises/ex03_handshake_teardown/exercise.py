"""One client, one server: the three segments that open a connection and those that close it (the article's tables 1, 2)."""

from __future__ import annotations

from lab.conditions import all_of, gone, held, several, state, waiting
from lab.exercise import Lab, Step, Type
from lab.judge.agreement import agree
from lab.judge.claims import Claim
from lab.judge.programs.ended import exited
from lab.judge.programs.printed import printed
from lab.judge.readings.counters import counters
from lab.judge.segments.acks import acknowledged
from lab.judge.segments.closing import close_shares, closes
from lab.judge.segments.ladders import segments
from lab.judge.sockets.over_time import eventually, never
from lab.judge.sockets.tables import sockets
from lab.judge.sockets.tallies import tally
from lab.judge.states.passing import passes, recorded
from lab.stage import Stage
from lab.views import Closes, Counted, Ladder, Printed, Rows, Timeline

LAB = Lab()
SUBJECT = "serve_blocking"
DROPS = ("TcpExtListenOverflows", "TcpExtListenDrops")
"""What Linux counts when it drops a SYN for want of room in the accept queue: tcp_conn_request() in tcp_input.c."""

STEPS = (
    Step(
        "listens",
        answer="b",
        type=(
            Type("server", "serve_blocking {server} 8000", "waiting on {server}:8000"),
            Type("watcher", "ss -tanp sport = :8000", r"LISTEN +0 +5 +{server}:8000 .*serve_blocking.*fd=3"),
        ),
        show=(Rows("listening", on=("server",)),),
    ),
    Step(
        "connects",
        answer="c",
        type=(
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +0 +0 +{server}:8000 +{client}:\d+ .*fd=4"),
        ),
        show=(Timeline(("a",)), Rows("connected", since="listening")),
    ),
    Step(
        "talks",
        answer="a",
        type=(Type("client", "hello", "HELLO"), Type("client", "again", "AGAIN")),
        show=(Printed("a"), Ladder("a", "data")),
    ),
    Step(
        "server_first",
        answer="b",
        type=(
            Type("client", "exit", "the server closed the connection"),
            Type("watcher", "ss -tano sport = :8000", r"TIME-WAIT .*timer:\(timewait,"),
        ),
        show=(Timeline(("a",)), Rows("after_exit", since="connected")),
    ),
    Step(
        "client_first",
        answer="b",
        type=(
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("server", "^Z", "Stopped"),
            Type("client", "^D", "bye"),
            Type("watcher", "ss -tanp sport = :8000", r"CLOSE-WAIT +1 .*fd=4"),
            Type("client", "ss -tan dport = :8000", "FIN-WAIT-2"),
            Type("server", "fg %1", "serve_blocking {server} 8000"),
            Type("client", "ss -tano dport = :8000", r"TIME-WAIT .*timer:\(timewait,"),
        ),
        show=(Timeline(("b",)), Rows("half_closed", since="after_exit"), Rows("let_go", since="half_closed")),
    ),
    Step(
        "three_or_four",
        answer="c",
        type=(Type("client", "rounds {server} 8000 20", "20 connections"),),
        show=(Closes(),),
    ),
    Step(
        "restart",
        answer="a",
        type=(
            Type("server", "^C", ""),
            Type("server", "serve_blocking --no-reuseaddr {server} 8000", "Address already in use"),
            Type("server", "serve_blocking {server} 8000", "waiting on {server}:8000"),
        ),
        show=(Printed("strict"), Printed("again"), Rows("restarted", on=("server",))),
    ),
    Step(
        "how_many_fit",
        answer="b",
        type=(
            Type("server", "^Z", "Stopped"),
            Type("client", "crowd {server} 8000 7", "6 connected"),
            Type("watcher", "ss -tanp sport = :8000", r"LISTEN +6 +5 "),
            Type("watcher", "nstat -asz TcpExtListenDrops", r"TcpExtListenDrops +[1-9]"),
            Type("client", "^D", ""),
            Type("server", "fg %1", "serve_blocking {server} 8000"),
        ),
        show=(Printed("crowd"), Rows("full", since="restarted"), Counted("before", "after", names=DROPS)),
    ),
)


def play(stage: Stage) -> None:
    """One connection closed by the server, one by the client, twenty more, a restart and a full queue."""
    with stage.step("listens"):
        server = stage.serve("serve_blocking", port=8000, backlog=5)
        stage.snapshot("listening", on=("server",))

    with stage.step("connects"):
        with stage.watching("opening", on="server"):
            a = stage.client("a", port=8000)
        stage.snapshot("connected", server=held("a"))

    with stage.step("talks"):
        a.say("hello")
        a.say("again")

    with stage.step("server_first"):
        a.say("exit")
        a.wait()
        stage.snapshot("after_exit", server=state("TIME-WAIT", "a"), client=gone("a"))

    with stage.step("client_first"):
        b = stage.client("b", port=8000)
        # The kernel shows ESTAB before accept(): frozen then, the server would not even hold the connection.
        stage.snapshot("b_connected", on=("server",), server=held("b"))
        server.freeze()
        with stage.watching("frozen", on="client"):
            b.leave()
            stage.snapshot("half_closed", server=state("CLOSE-WAIT", "b"), client=state("FIN-WAIT-2", "b"))
        server.thaw()
        stage.snapshot("let_go", server=gone("b"), client=state("TIME-WAIT", "b"))

    with stage.step("three_or_four"):
        stage.run("rounds", port=8000, args=("20",))

    with stage.step("restart"):
        server.stop()
        stage.serve("serve_blocking", name="strict", port=8000, options=("--no-reuseaddr",), ready=False).wait()
        again = stage.serve("serve_blocking", name="again", port=8000, backlog=5)
        stage.snapshot("restarted")

    with stage.step("how_many_fit"):
        again.freeze()
        stage.count("before", on=("server",))
        stage.crowd("crowd", port=8000, count=7)
        stage.snapshot("full", server=waiting(6), client=all_of(several("ESTAB", 6), state("SYN-SENT")))
        stage.count("after", on=("server",))


ONE_CLIENT = """
    State   Recv-Q  Send-Q  Local        Peer      Process
    LISTEN  0       5       server:8000  *         server fd=3
    ESTAB   0       0       server:8000  client:a  server fd=4
"""
TIME_WAIT_ON_SERVER = """
    State      Recv-Q  Send-Q  Local        Peer      Process      Timer
    LISTEN     0       5       server:8000  *         server fd=3
    TIME-WAIT  0       0       server:8000  client:a               timewait 50..60s
"""

SYN_RECV = """
    State     Local        Peer
    SYN-RECV  server:8000  client:a
"""
OPENING = """
    client:a > server    S
    server   > client:a  S.
    client:a > server    .
"""
CLOSING = """
    client:b > server    F.
    server   > client:b  .
    server   > client:b  F.
    client:b > server    .
"""

EXPECT = (
    sockets("listening", on="server", step="listens", id="listener", table="""
        State   Recv-Q  Send-Q  Local        Peer  Process
        LISTEN  0       5       server:8000  *     server fd=3
    """),
    segments("a", part="open", step="connects", id="handshake", ladder="""
        client:a > server    S   seq 0
        server   > client:a  S.  seq 0 ack 1
        client:a > server    .   ack 1
    """),
    recorded(
        passes("a", on="server", path="SYN-RECV ESTAB", within=1, step="connects", id="observed-opening"),
        otherwise=segments("a", part="open", step="connects", id="inferred-opening", ladder=OPENING),
    ),
    sockets("connected", on="server", step="connects", id="second-socket", table=ONE_CLIENT),
    sockets("connected", on="client", step="connects", id="mirror-row", table="""
        State  Recv-Q  Send-Q  Local     Peer         Process
        ESTAB  0       0       client:a  server:8000  a
    """),
    agree("both-ends", client="a", snapshot="connected", step="connects"),
    printed("a", "HELLO", step="talks", id="upper-case"),
    segments("a", part="data", step="talks", id="exchange", ladder="""
        client:a > server    data  "hello"
      ~ server   > client:a  .
        server   > client:a  data  "HELLO"
      ~ client:a > server    .
        client:a > server    data  "again"
      ~ server   > client:a  .
        server   > client:a  data  "AGAIN"
      ~ client:a > server    .
        client:a > server    data  "exit"
      ~ server   > client:a  .
    """),
    closes("a", first="server", step="server_first", id="server-closes-first"),
    sockets("after_exit", on="server", step="server_first", id="time-wait-server", table=TIME_WAIT_ON_SERVER),
    sockets("after_exit", on="client", step="server_first", id="client-forgets", table="""
        State  Recv-Q  Send-Q  Local  Peer
    """),
    sockets("half_closed", on="server", only="client:b", step="client_first", id="close-wait", table="""
        State       Recv-Q  Send-Q  Local        Peer      Process
        CLOSE-WAIT  1       0       server:8000  client:b  server fd=4
    """),
    sockets("half_closed", on="client", only="client:b", step="client_first", id="fin-wait-2", table="""
        State       Recv-Q  Send-Q  Local     Peer
        FIN-WAIT-2  0       0       client:b  server:8000
    """),
    never("frozen", on="client", only="client:b", step="client_first", id="stands-still", table="""
        State      Local     Peer
        TIME-WAIT  client:b  server:8000
    """),
    sockets("let_go", on="server", only="client:b", step="client_first", id="server-lets-go", table="""
        State  Recv-Q  Send-Q  Local  Peer
    """),
    sockets("let_go", on="client", only="client:b", step="client_first", id="time-wait-client", table="""
        State      Recv-Q  Send-Q  Local     Peer         Process  Timer
        TIME-WAIT  0       0       client:b  server:8000           timewait 50..60s
    """),
    closes("b", first="b", segments=4, step="client_first", id="four-segments"),
    recorded(
        passes("b", on="server", path="ESTAB CLOSE-WAIT LAST-ACK UNCONN", step="client_first", id="observed-close"),
        otherwise=segments("b", part="close", step="client_first", id="inferred-close", ladder=CLOSING),
    ),
    printed("rounds", "20 connections", step="three_or_four", id="twenty-rounds"),
    close_shares(other=0, step="three_or_four", id="all-closed"),
    printed("strict", matches=".*Address already in use.*", stream="stderr", step="restart", id="address-in-use"),
    exited("strict", 1, step="restart", id="cannot-listen"),
    sockets("restarted", on="server", states=("LISTEN",), step="restart", id="listens-again", table="""
        State   Recv-Q  Send-Q  Local        Peer  Process
        LISTEN  0       5       server:8000  *     again fd=3
    """),
    sockets("full", on="server", states=("LISTEN",), step="how_many_fit", id="backlog-and-one", table="""
        State   Recv-Q  Send-Q  Local        Peer  Process
        LISTEN  6       5       server:8000  *     again fd=3
    """),
    tally("full", on="client", states={"ESTAB": 6, "SYN-SENT": 1}, step="how_many_fit", id="seventh-waits"),
    counters("before", "after", on="server", change=dict.fromkeys(DROPS, ">0"), step="how_many_fit",
             id="kernel-counted"),
)  # fmt: skip

CLAIMS = (
    Claim("B1", cases={
        "one": (
            (
                sockets("listening", on="server", id="B1", table="""
                    State   Recv-Q  Send-Q  Local
                    LISTEN  0       5       server:8000
                """),
                sockets("connected", on="server", id="B1", table=ONE_CLIENT),
            ), None),
        "seven": (
            sockets("full", on="server", states=("LISTEN",), id="B1", table="""
                State   Recv-Q  Send-Q  Local
                LISTEN  0..5    5       server:8000
            """),
            sockets("full", on="server", states=("LISTEN",), id="B1", table="""
                State   Recv-Q  Send-Q  Local
                LISTEN  6       5       server:8000
            """)),
    }),
    Claim("B2", cases={
        "kernel": (passes("a", on="server", path="SYN-RECV ESTAB", within=1, id="B2"), None),
        "segments": (segments("a", part="open", id="B2", ladder=OPENING), None),
        "polled": (
            eventually("opening", on="server", only="client:a", id="B2", table=SYN_RECV),
            (
                never("opening", on="server", only="client:a", id="B2", table=SYN_RECV),
                sockets("connected", on="server", only="client:a", id="B2", table="""
                    State  Local        Peer
                    ESTAB  server:8000  client:a
                """),
            )),
    }),
    Claim("B3", says=sockets("connected", on="server", id="B3", table=ONE_CLIENT)),
    Claim("B4",
        says=sockets("let_go", on="server", only="client:b", id="B4", table="""
            State      Local        Peer
            TIME-WAIT  server:8000  client:b
        """),
        instead=(
            closes("a", first="server", id="B4"),
            sockets("after_exit", on="server", only="client:a", id="B4", table="""
                State      Local        Peer
                TIME-WAIT  server:8000  client:a
            """),
            closes("b", first="b", id="B4"),
            sockets("let_go", on="client", only="client:b", id="B4", table="""
                State      Local     Peer
                TIME-WAIT  client:b  server:8000
            """),
        )),
    Claim("B5",
        says=sockets("after_exit", on="server", only="client:a", id="B5", table="""
            State      Local        Peer      Timer
            TIME-WAIT  server:8000  client:a  timewait 0..10s
        """),
        instead=sockets("after_exit", on="server", only="client:a", id="B5", table="""
            State      Recv-Q  Send-Q  Local        Peer      Process  Timer
            TIME-WAIT  0       0       server:8000  client:a           timewait 50..60s
        """)),
    Claim("B14", cases={
        "server": (
            sockets("half_closed", on="server", only="client:b", id="B14", table="""
                State       Local        Peer
                CLOSE-WAIT  server:8000  client:b
            """), None),
        "closer": (
            sockets("half_closed", on="client", only="client:b", id="B14", table="""
                State       Local     Peer
                CLOSE-WAIT  client:b  server:8000
            """),
            (
                sockets("half_closed", on="client", only="client:b", id="B14", table="""
                    State       Local     Peer
                    FIN-WAIT-2  client:b  server:8000
                """),
                sockets("let_go", on="client", only="client:b", id="B14", table="""
                    State      Local     Peer
                    TIME-WAIT  client:b  server:8000
                """),
            )),
        "told": (
            passes("b", on="client", path="ESTAB CLOSE-WAIT", id="B14"),
            passes("b", on="client", path="ESTAB FIN-WAIT-1 FIN-WAIT-2", id="B14"),
        ),
    }),
    Claim("B15", cases={
        "later": (closes("b", first="b", segments=4, id="B15"), None),
        "at_once": (
            close_shares(step="three_or_four", three=0, id="B15"),
            close_shares(step="three_or_four", three=">0", id="B15"),
        ),
    }),
    Claim("B19", cases={
        "hello": (
            segments("a", part="data", id="B19", ladder="""
                client:a > server    data  "hello"
                server   > client:a  .
                server   > client:a  data  "HELLO"
                client:a > server    .
                client:a > server    data  "again"
              ~ server   > client:a  .
                server   > client:a  data  "AGAIN"
              ~ client:a > server    .
                client:a > server    data  "exit"
              ~ server   > client:a  .
            """),
            acknowledged("a", riding=">0", id="B19"),
        ),
        "later": (acknowledged("a", riding=0, id="B19"), acknowledged("a", riding=">0", id="B19")),
    }),
)  # fmt: skip
