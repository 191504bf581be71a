"""Reading `ss` and a capture for the first time: what each column, letter and number says, on your own rows."""

from __future__ import annotations

from lab.conditions import all_of, gone, held, state, unread
from lab.exercise import Lab, Step, Type
from lab.judge.agreement import agree
from lab.judge.programs.ended import exited
from lab.judge.programs.printed import never_printed, printed
from lab.judge.segments.ladders import segments
from lab.judge.sockets.tables import sockets
from lab.stage import Stage
from lab.views import Apart, Ladder, Letters, Machine, Printed, Rows

LAB = Lab()

ROW = (
    r"(?P<listen>LISTEN) +(?P<recv_q>\d+) +(?P<send_q>\d+) +(?P<local>\S+:8000) +(?P<peer>\S+) *"
    r"(?P<process>users:\S+)"
)
LINE = (
    r"(?P<time>\d\d:\d\d:\d\d\.\d+) (?P<ip>IP) (?P<src>\S+) > (?P<dst>\S+): Flags \[(?P<flag_s_dot>S\.)\], "
    r"(?P<isn>seq \d+), (?P<ack>ack \d+), (?P<window>win \d+), (?P<options>options \[.*\]), (?P<length>length \d+)"
)

STEPS = (
    Step(
        "row",
        answer="a",
        type=(
            Type("server", "serve_blocking {server} 8000", "waiting on {server}:8000"),
            Type("watcher", "ss -tanp sport = :8000", r"LISTEN +0 +5 +{server}:8000 .*serve_blocking.*fd=3"),
        ),
        show=(Printed("row"), Apart("row", ROW)),
    ),
    Step(
        "two_ends",
        answer="b",
        type=(
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +0 +0 +{server}:8000 +{client}:\d+ .*fd=4"),
        ),
        show=(Rows("connected"),),
    ),
    Step(
        "nobody",
        answer="c",
        type=(
            Type("client", "^D", "bye"),
            Type("client", "ss -tanpo dport = :8000", r"TIME-WAIT +0 +0 .*timer:\(timewait,\d+sec,0\)"),
        ),
        show=(Rows("left", on=("client",), since="connected"),),
    ),
    Step(
        "recv_q",
        answer="c",
        type=(
            Type("server", "^Z", "Stopped"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "hello", ""),
            Type("watcher", "ss -tanp sport = :8000", r"LISTEN +1 +5 (.|\n)*ESTAB +5 +0 +{server}:8000"),
            Type("server", "fg %1", "serve_blocking {server} 8000"),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +0 +0 +{server}:8000 .*fd=4"),
        ),
        show=(Rows("frozen", on=("server",)), Rows("thawed", on=("server",), since="frozen")),
    ),
    Step(
        "send_q",
        answer="b",
        type=(
            Type("client", "^D", "bye"),
            Type("watcher", "serve_blocking --backlog 0 {server} 18000", "waiting on {server}:18000"),
            Type("watcher", "^Z", "Stopped"),
            Type("client", "crowd {server} 18000 2", "1 connected"),
            Type("client", "^Z", "Stopped"),
            Type("client", "ss -tanp dport = :18000", r"SYN-SENT +0 +1 "),
        ),
        show=(Rows("unanswered", on=("client",), since="thawed"),),
    ),
    Step(
        "grep",
        answer="a",
        type=(
            Type("watcher", "ss -tanp | grep 8000", r"LISTEN .*:18000 "),
            Type("watcher", "ss -tanp sport = :8000", r"State +Recv-Q(.|\n)*LISTEN .*:8000 "),
            Type("client", "kill -KILL %1", ""),
            Type("watcher", "kill -KILL %1", ""),
        ),
        show=(Printed("grep"), Printed("filter")),
    ),
    Step(
        "three_lines",
        answer="b",
        type=(
            # One for this step and the next: a tcpdump that has not seen the SYN counts from elsewhere.
            Type("root", "tcpdump -n -i eth0 port 8000", "listening on eth0"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
        ),
        show=(Printed("lines"), Apart("lines", LINE), Ladder("d", "open")),
    ),
    Step(
        "counting",
        answer="c",
        type=(
            Type("client", "hello", "HELLO"),
            Type("client", "^D", "bye"),
            Type("root", "^C", "packets captured", after=r"{server}\.8000 > {client}\.\d+: Flags \[F?\.\], .*ack 7,"),
        ),
        show=(Ladder("d", "close"),),
    ),
    Step(
        "refused",
        answer="b",
        type=(
            Type("root", "tcpdump -n -c 2 -i eth0 port 8001", "listening on eth0"),
            Type("client", "prompt {server} 8001", "Connection refused"),
        ),
        show=(Printed("nobody_there"), Printed("refusal"), Letters()),
    ),
    Step("states", answer="b", show=(Machine("d"),)),
)


def play(stage: Stage) -> None:
    """One listener and a client that comes and goes; a frozen server, a full queue; then the same on the wire."""
    with stage.step("row"):
        server = stage.serve("serve_blocking", port=8000, backlog=5)
        stage.shell("row", on="server", line="ss -tanp sport = :8000", sees_all=True)
        stage.snapshot("listening", on=("server",))

    with stage.step("two_ends"):
        a = stage.client("a", port=8000)
        stage.snapshot("connected", server=held("a"))

    with stage.step("nobody"):
        a.leave()
        stage.snapshot("left", server=gone("a"), client=state("TIME-WAIT", "a"))

    with stage.step("recv_q"):
        server.freeze()
        b = stage.client("b", port=8000)
        b.say("hello", answer=False)
        stage.snapshot("frozen", server=unread("b", 5))
        server.thaw()
        # ss looks for the holders before it asks for the sockets: it may see bytes read by nobody.
        stage.snapshot("thawed", server=all_of(unread("b", 0), held("b")))

    with stage.step("send_q"):
        second = stage.serve("serve_blocking", name="second", port=18000, backlog=0)
        second.freeze()
        stage.client("c", port=18000)
        stage.crowd("late", port=18000, count=1)
        stage.snapshot("unanswered", on=("client",), client=state("SYN-SENT", held=True))

    with stage.step("grep"):
        stage.shell("grep", on="server", line="ss -tanp | grep 8000", sees_all=True)
        stage.shell("filter", on="server", line="ss -tanp sport = :8000", sees_all=True)
        b.leave()
        stage.snapshot("free", server=gone("b"))

    with stage.step("three_lines"):
        lines = stage.shell(
            "lines", on="server", line="tcpdump -n -c 3 -i eth0 port 8000", root=True, says="listening on"
        )
        d = stage.client("d", port=8000)
        lines.wait()
        stage.snapshot("opened", server=held("d"))

    with stage.step("counting"):
        d.say("hello")
        server.freeze()
        d.leave()
        stage.snapshot("half_closed", server=state("CLOSE-WAIT", "d"), client=state("FIN-WAIT-2", "d"))
        server.thaw()
        stage.snapshot("closed", server=gone("d"), client=state("TIME-WAIT", "d"))

    with stage.step("refused"):
        refusal = stage.shell(
            "refusal", on="server", line="tcpdump -n -c 2 -i eth0 port 8001", root=True, says="listening on"
        )
        stage.run("prompt", name="nobody_there", port=8001)
        refusal.wait()

    with stage.step("states"):
        pass


EXPECT = (
    sockets("listening", on="server", step="row", id="one-row", table="""
        State   Recv-Q  Send-Q  Local        Peer  Process
        LISTEN  0       5       server:8000  *     server fd=3
    """),
    sockets("connected", on="server", only="client:a", step="two_ends", id="server-end", table="""
        State  Recv-Q  Send-Q  Local        Peer      Process
        ESTAB  0       0       server:8000  client:a  server fd=4
    """),
    sockets("connected", on="client", step="two_ends", id="client-end", table="""
        State  Recv-Q  Send-Q  Local     Peer         Process
        ESTAB  0       0       client:a  server:8000  a
    """),
    sockets("left", on="client", only="client:a", step="nobody", id="no-process", table="""
        State      Recv-Q  Send-Q  Local     Peer         Process  Timer
        TIME-WAIT  0       0       client:a  server:8000           timewait 50..60s
    """),
    sockets("frozen", on="server", step="recv_q", id="two-meanings", table="""
        State   Recv-Q  Send-Q  Local        Peer      Process
        LISTEN  1       5       server:8000  *         server fd=3
        ESTAB   5       0       server:8000  client:b
    """),
    sockets("thawed", on="server", step="recv_q", id="accepted", table="""
        State   Recv-Q  Send-Q  Local        Peer      Process
        LISTEN  0       5       server:8000  *         server fd=3
        ESTAB   0       0       server:8000  client:b  server fd=4
    """),
    printed("b", "HELLO", step="recv_q", id="answered-late"),
    sockets("unanswered", on="client", states=("SYN-SENT",), step="send_q", id="syn-waits", table="""
        State     Recv-Q  Send-Q  Peer          Process
        SYN-SENT  0       1       server:18000  late
    """),
    printed("grep", matches=r"LISTEN .*:18000 .*", step="grep", id="grep-finds-more"),
    never_printed("grep", matches=r"State .*", step="grep", id="grep-loses-header"),
    printed("filter", matches=r"State .*", step="grep", id="filter-keeps-header"),
    never_printed("filter", matches=r".*:18000 .*", step="grep", id="filter-means-port"),
    segments("d", part="open", step="three_lines", id="handshake", ladder="""
        client:d > server    S   seq 0
        server   > client:d  S.  seq 0 ack 1
        client:d > server    .   ack 1
    """),
    printed("lines", matches=r".* IP .* > .*: Flags \[S\.\], seq \d+, ack \d+, win .*", step="three_lines",
        id="as-tcpdump-says"),
    printed("lines", matches=r".* IP .* > .*: Flags \[\.\], ack 1, win .*", step="three_lines", id="relative"),
    segments("d", part="data", step="counting", id="five-bytes", ladder="""
        client:d > server    P.  seq 1 ack 1 len 5 "hello"
      ~ server   > client:d  .   ack 6
        server   > client:d  P.  seq 1 ack 6 len 5 "HELLO"
      ~ client:d > server    .   ack 6
    """),
    segments("d", part="close", step="counting", id="fin-counts", ladder="""
        client:d > server    F.  seq 6 ack 6
        server   > client:d  .   ack 7
        server   > client:d  F.  seq 6 ack 7
        client:d > server    .   ack 7
    """),
    printed("nobody_there", matches=r"cannot connect to .*: Connection refused", stream="stderr", step="refused",
        id="refused"),
    exited("nobody_there", 1, step="refused", id="client-gives-up"),
    printed("refusal", matches=r".* IP .*\.8001 > .*: Flags \[R\.\], seq 0, ack .*", step="refused", id="reset"),
    agree("on-the-map", client="d", snapshot="half_closed", step="states", state_on_server="CLOSE-WAIT",
        state_on_client="FIN-WAIT-2"),
)  # fmt: skip
