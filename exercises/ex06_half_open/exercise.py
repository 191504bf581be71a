"""The handshake whose last ACK does not come: how long a server waits, what each side believes, and SYN cookies."""

from __future__ import annotations

from collections.abc import Mapping

from lab.conditions import all_of, gone, held, several, state
from lab.exercise import Lab, Step, Type
from lab.judge.claims import Claim
from lab.judge.conditional import either
from lab.judge.programs.printed import printed
from lab.judge.readings.counters import counters
from lab.judge.segments.ladders import segments
from lab.judge.sockets.lifetimes import gone_after
from lab.judge.sockets.over_time import eventually, never
from lab.judge.sockets.tables import sockets
from lab.judge.sockets.tallies import tally
from lab.judge.states.passing import passes
from lab.settings import PATIENCE
from lab.stage import Stage
from lab.views import Counted, Ladder, Printed, Rows, Timeline

RETRIES = "net.ipv4.tcp_synack_retries"
# How often the SYN-ACK is sent again. Linux by itself does so five times and gives up after 63 s (1 + 2 + 4 + … + 32);
# who is to be looked at waits longer, and site1 gives up after 3 s.
LAB = Lab(
    server={"net.ipv4.tcp_syncookies": 0, RETRIES: 6},
    others={"server2": {"net.ipv4.tcp_syncookies": 1, RETRIES: 6}, "site1": {RETRIES: 1}},
)
SUBJECT = "serve_blocking"
GIVEN_UP_SECONDS = 3 + PATIENCE
"""How long to wait until site1 has given up."""
COUNTED = ("TcpExtTCPReqQFullDrop", "TcpExtTCPReqQFullDoCookies", "TcpExtSyncookiesSent", "TcpExtSyncookiesRecv")
"""What Linux counts when too many are half open: tcp_syn_flood_action() in tcp_input.c, cookie_v4_check()."""
HOLD = "table inet hold { flags owner; chain out { type filter hook output priority 0; tcp flags == ack drop; }; }"

STEPS = (
    Step(
        "ordinary",
        answer="c",
        type=(
            Type("server", "serve_blocking {server} 8000", "waiting on {server}:8000"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +0 +0 +{server}:8000 .*fd=4"),
            Type("client", "^D", "bye"),
        ),
        show=(Ladder("a", "open"),),
    ),
    Step(
        "half_open",
        answer="b",
        type=(
            Type("croot", "nft -i", "nft>"),
            Type("croot", HOLD, "nft>"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("watcher", "ss -tano sport = :8000", r"SYN-RECV .*timer:\(on,"),
            Type("client2", "ss -tan dport = :8000", "ESTAB"),
        ),
        show=(Printed("hold"), Rows("half_open"), Printed("c")),
    ),
    Step(
        "asked_again",
        answer="a",
        type=(
            Type("croot", "flush chain inet hold out", "nft>"),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +0 +0 +{server}:8000 .*fd=4"),
            Type("client", "^D", "bye"),
        ),
        show=(Ladder("b", "open"), Rows("asked_again", on=("server",), since="half_open")),
    ),
    Step(
        "data",
        answer="c",
        type=(
            Type("croot", "add rule inet hold out tcp flags == ack drop", "nft>"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("watcher", "ss -tan sport = :8000", "SYN-RECV"),
            Type("client", "hello", "HELLO"),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB .*fd=4"),
            Type("client", "^D", "bye"),
        ),
        show=(Printed("d"), Timeline(("d",), whole=True), Rows("data", on=("server",), since="asked_again")),
    ),
    Step(
        "given_up",
        answer="b",
        type=(
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("root", "ss -Kt state syn-recv sport = :8000", r"{client}:\d+"),
            Type("client2", "ss -tan dport = :8000", "ESTAB"),
            Type("client", "hello", "connection lost: Connection reset by peer"),
        ),
        show=(Rows("given_up", on=("site1", "client"), since="asking"), Timeline(("c",), whole=True), Printed("c")),
    ),
    Step("pool_full", answer="a", show=(Rows("pool_full"), Counted("before", "after", names=COUNTED))),
    Step(
        "cookies",
        answer="c",
        type=(
            Type("server", "^C", ""),
            Type("server", "serve_blocking --backlog 1 {server} 8000", "waiting on {server}:8000"),
            Type("client2", "crowd {server} 8000 2", "2 connected"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("watcher", "ss -tan sport = :8000", "SYN-RECV"),
            Type("client", "hello", "HELLO"),
            Type("watcher", "nstat -asz TcpExtSyncookiesRecv", r"TcpExtSyncookiesRecv +[1-9]"),
            Type("croot", "quit", "client#"),
        ),
        show=(
            Rows("cookies", on=("server2", "client")),
            Printed("w"),
            Counted("before", "after", on="server2", names=COUNTED),
        ),
    ),
)


def play(stage: Stage) -> None:
    """An ordinary connection; three whose last ACK is held back; then two servers with as many half-open ones as fit."""
    with stage.step("ordinary"):
        server = stage.serve("serve_blocking", port=8000, backlog=5)
        with stage.watching("usual", on="server"):
            a = stage.client("a", port=8000)
        a.leave()

    with stage.step("half_open"):
        hold = stage.hold_acks()
        b, d = (stage.client(name, port=8000, wait=None) for name in "bd")
        stage.snapshot("half_open", server=all_of(state("SYN-RECV", "b"), state("SYN-RECV", "d")))

    with stage.step("asked_again"):
        hold.release("b")
        admitted = {"server": held("b"), "client": state("ESTAB", "b")}
        stage.snapshot("asked_again", on=("server", "client"), seconds=stage.until_repeated("b"), **admitted)
        b.leave()

    with stage.step("data"):
        d.say("hello")
        stage.snapshot("data", server=held("d"))
        hold.release("d")
        d.leave()

    with stage.step("given_up"):
        stage.serve("serve_blocking", name="once", port=8000, backlog=5, on="site1")
        with stage.watching("asking", on="site1", pause=0.02):
            c = stage.client("c", port=8000, wait=None, to="site1")
            stage.snapshot("asking", on=("site1", "client"))
            given_up = {"site1": gone("c"), "client": state("ESTAB", "c")}
            stage.snapshot("given_up", on=("site1", "client"), seconds=GIVEN_UP_SECONDS, **given_up)
        c.say("hello", answer=False)
        c.wait()
        server.stop()

    with stage.step("pool_full"):
        stage.serve("serve_blocking", name="without", port=8000, backlog=1)
        stage.serve("serve_blocking", name="with", port=8000, backlog=1, on="server2")
        # Of two, this kernel keeps both half open, or one. Where cookies are on, the other is answered all the same.
        stage.crowd("y", port=8000, count=2, to="server2").wait_says("2 connected")
        fit = 2 if stage.wait("server2", several("SYN-RECV", 2), seconds=1) else 1
        stage.crowd("x", port=8000, count=fit).wait_says(f"{fit} connected")
        hold.no_more()
        stage.count("before", on=("server", "server2"))
        v = stage.client("v", port=8000, wait=None)
        stage.snapshot("pool_full", on=("server", "server2", "client"), client=state("SYN-SENT", "v"))
        stage.count("after", on=("server",))
        v.stop()

    with stage.step("cookies"):
        w = stage.client("w", port=8000, wait=None, to="server2")
        stage.snapshot("cookies", on=("server2", "client"), server2=held("w"))
        w.say("hello")
        stage.count("after", on=("server2",))


HALF_OPEN = """
    State     Recv-Q  Send-Q  Local        Peer      Process    Timer
    LISTEN    0       5       server:8000  *         server fd=3
    SYN-RECV  0       0       server:8000  client:b             on
    SYN-RECV  0       0       server:8000  client:d             on
"""
WAITS_FOR_ACK = """
    State     Recv-Q  Send-Q  Local        Peer
    SYN-RECV  0       0       server:8000  client:b
"""
ADMITTED = """
    State  Recv-Q  Send-Q  Local        Peer      Process
    ESTAB  0       0       server:8000  client:b  server fd=4
"""
SURE = """
    State  Recv-Q  Send-Q  Local     Peer         Process
    ESTAB  0       0       client:b  server:8000  b
    ESTAB  0       0       client:d  server:8000  d
"""
BELIEVES = """
    State  Recv-Q  Send-Q  Local     Peer        Process
    ESTAB  0       0       client:c  site1:8000  c
"""
NOTHING = """
    State  Recv-Q  Send-Q  Local  Peer
"""
HANDSHAKE = """
    client:a > server    S   seq 0
    server   > client:a  S.  seq 0 ack 1
    client:a > server    .   ack 1
"""
SILENCE = """
    client:c > site1     S
    site1    > client:c  S.
    site1    > client:c  S.
    client:c > site1     data  "hello"
    site1    > client:c  R
"""
# inet_csk_reqsk_queue_is_full() had >= for years and has > today: a backlog of 1 keeps one half-open one, or two.
ONE_FITS = tally("pool_full", on="server2", states={"SYN-RECV": 1}, id="one-fits")
ONE_HALF_OPEN = """
    State     Recv-Q  Send-Q  Local        Peer      Process
    LISTEN    0       1       server:8000  *         without fd=3
    SYN-RECV  0       0       server:8000  client:*
"""
TWO_HALF_OPEN = """
    State     Recv-Q  Send-Q  Local        Peer      Process
    LISTEN    0       1       server:8000  *         without fd=3
    SYN-RECV  0       0       server:8000  client:*
    SYN-RECV  0       0       server:8000  client:*
"""
KEPT_OUT = """
    State     Local     Peer         Process
    SYN-SENT  client:v  server:8000  v
"""
BESIDE_ONE = """
    State     Recv-Q  Send-Q  Local         Peer      Process
    LISTEN    0       1       server2:8000  *         with fd=3
    SYN-RECV  0       0       server2:8000  client:*
    ESTAB     0       0       server2:8000  client:w  with fd=4
"""
BESIDE_TWO = """
    State     Recv-Q  Send-Q  Local         Peer      Process
    LISTEN    0       1       server2:8000  *         with fd=3
    SYN-RECV  0       0       server2:8000  client:*
    SYN-RECV  0       0       server2:8000  client:*
    ESTAB     0       0       server2:8000  client:w  with fd=4
"""
DROPPED: Mapping[str, int | str] = {"TCPReqQFullDrop": ">0", "TCPReqQFullDoCookies": 0, "SyncookiesSent": 0}
BY_COOKIE: Mapping[str, int | str] = {
    "TCPReqQFullDrop": 0, "TCPReqQFullDoCookies": 1, "SyncookiesSent": 1, "SyncookiesRecv": 1,
}  # fmt: skip
LIVING = ("LISTEN", "SYN-RECV", "ESTAB")

EXPECT = (
    segments("a", part="open", step="ordinary", id="handshake", ladder=HANDSHAKE),
    sockets("half_open", on="server", states=LIVING, step="half_open", id="half-open-rows", table=HALF_OPEN),
    sockets("half_open", on="client", states=("ESTAB", "SYN-SENT"), step="half_open", id="client-is-sure",
            table=SURE),
    segments("b", part="open", step="asked_again", id="second-chance", ladder="""
        client:b > server    S
        server   > client:b  S.
        server   > client:b  S.
      ~ server   > client:b  S.
      ~ server   > client:b  S.
      ~ server   > client:b  S.
        client:b > server    .
    """),
    sockets("asked_again", on="server", only="client:b", step="asked_again", id="admitted", table=ADMITTED),
    segments("d", part="open", step="data", id="data-carries-ack", ladder="""
        client:d > server    S
        server   > client:d  S.
      ~ server   > client:d  S.
      ~ server   > client:d  S.
      ~ server   > client:d  S.
      ~ server   > client:d  S.
        client:d > server    data  "hello"
    """),
    sockets("data", on="server", only="client:d", step="data", id="data-gets-in", table="""
        State  Recv-Q  Local        Peer      Process
        ESTAB  0       server:8000  client:d  server fd=4
    """),
    printed("d", "HELLO", step="data", id="answered"),
    sockets("given_up", on="site1", only="client:c", step="given_up", id="forgotten", table=NOTHING),
    sockets("given_up", on="client", only="client:c", step="given_up", id="still-sure", table=BELIEVES),
    segments("c", on="site1", step="given_up", id="silence-then-reset", ladder=SILENCE),
    printed("c", matches="connection lost: Connection reset by peer", stream="stderr", step="given_up",
            id="finds-out"),
    either(
        ONE_FITS,
        then=sockets("pool_full", on="server", states=LIVING, step="pool_full", id="pool-rows", table=ONE_HALF_OPEN),
        otherwise=sockets("pool_full", on="server", states=LIVING, step="pool_full", id="pool-rows", table=TWO_HALF_OPEN),
    ),
    sockets("pool_full", on="client", only="client:v", step="pool_full", id="honest-kept-out", table=KEPT_OUT),
    counters("before", "after", on="server", change=DROPPED, step="pool_full", id="drops-counted"),
    either(
        ONE_FITS,
        then=sockets("cookies", on="server2", states=LIVING, step="cookies", id="honest-let-in", table=BESIDE_ONE),
        otherwise=sockets("cookies", on="server2", states=LIVING, step="cookies", id="honest-let-in", table=BESIDE_TWO),
    ),
    printed("w", "HELLO", step="cookies", id="honest-served"),
    counters("before", "after", on="server2", change=BY_COOKIE, step="cookies", id="cookies-counted"),
)  # fmt: skip

CLAIMS = (
    Claim("B2", cases={
        "held_back": (
            (
                sockets("half_open", on="server", only="client:b", id="B2", table=WAITS_FOR_ACK),
                sockets("asked_again", on="server", only="client:b", id="B2", table=ADMITTED),
            ), None),
        "ordinary": (
            eventually("usual", on="server", only="client:a", id="B2", table="""
                State     Local        Peer
                SYN-RECV  server:8000  client:a
            """),
            (
                never("usual", on="server", only="client:a", id="B2", table="""
                    State     Local        Peer
                    SYN-RECV  server:8000  client:a
                """),
                segments("a", part="open", id="B2", ladder=HANDSHAKE),
            )),
        "told": (passes("a", on="server", path="SYN-RECV ESTAB", within=1, id="B2"), None),
    }),
    Claim("B9", cases={
        "half_done": (
            (
                sockets("half_open", on="server", states=LIVING, id="B9", table=HALF_OPEN),
                sockets("half_open", on="client", states=("ESTAB", "SYN-SENT"), id="B9", table=SURE),
            ), None),
    }),
    Claim("B10", cases={
        "forgotten": (gone_after("c", "0..10", on="site1", sampling="asking", id="B10"), None),
        "believes": (
            sockets("given_up", on="client", only="client:c", id="B10", table=NOTHING),
            (
                sockets("given_up", on="client", only="client:c", id="B10", table=BELIEVES),
                segments("c", on="site1", id="B10", ladder=SILENCE),
            )),
    }),
    Claim("B13", cases={
        "handshake": (segments("a", part="open", id="B13", ladder=HANDSHAKE), None),
        "withheld": (sockets("half_open", on="server", states=LIVING, id="B13", table=HALF_OPEN), None),
        "pool": (
            (
                either(
                    ONE_FITS,
                    then=sockets("pool_full", on="server", states=LIVING, id="B13", table=ONE_HALF_OPEN),
                    otherwise=sockets("pool_full", on="server", states=LIVING, id="B13", table=TWO_HALF_OPEN),
                ),
                sockets("pool_full", on="client", only="client:v", id="B13", table=KEPT_OUT),
                counters("before", "after", on="server", change=DROPPED, id="B13"),
            ), None),
        "cookies": (
            (
                either(
                    ONE_FITS,
                    then=sockets("cookies", on="server2", states=LIVING, id="B13", table=BESIDE_ONE),
                    otherwise=sockets("cookies", on="server2", states=LIVING, id="B13", table=BESIDE_TWO),
                ),
                counters("before", "after", on="server2", change=BY_COOKIE, id="B13"),
            ), None),
    }),
)  # fmt: skip
