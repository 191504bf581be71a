"""Blocking IO: one client at a time, and where the second one's request waits meanwhile."""

from __future__ import annotations

from lab.conditions import all_of, held, unread, waiting
from lab.exercise import Lab, Step, Type
from lab.judge.calls.made import blocked_in, called
from lab.judge.claims import Claim
from lab.judge.programs.printed import printed
from lab.judge.readings.spending import spent
from lab.judge.serving.order import turns, waits_for
from lab.judge.sockets.tables import sockets
from lab.stage import Stage
from lab.views import Calls, Costs, Mend, Printed, Rows, Served, Waits
from lab.workload import measure_models

LAB = Lab()
SUBJECT = "serve_blocking"

STEPS = (
    Step(
        "alone",
        answer="b",
        type=(
            Type(
                "server",
                "strace -I3 -e trace=accept4,recvfrom,sendto serve_blocking {server} 8000",
                r"accept4\(3",
            ),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "hello", "HELLO"),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +0 +0 +{server}:8000 +{client}:\d+ .*fd=4"),
        ),
        show=(Printed("a"), Rows("alone"), Calls("server")),
    ),
    Step(
        "waits",
        answer="c",
        type=(
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "urgent", ""),
            Type("watcher", "ss -tanp sport = :8000", r"LISTEN +1 +5 "),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +6 +0 +{server}:8000 "),
        ),
        show=(Rows("waits", since="alone"), Calls("server")),
    ),
    Step(
        "speaks_on",
        answer="a",
        type=(
            Type("client", "again", "AGAIN"),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +6 +0 +{server}:8000 "),
        ),
        show=(Printed("a"), Rows("still", on=("server",), since="waits"), Calls("server")),
    ),
    Step(
        "leaves",
        answer="b",
        type=(
            Type("client", "^D", "bye"),
            Type("client2", "finally", "FINALLY"),
            Type("watcher", "ss -tanp sport = :8000", r"LISTEN +0 +5 "),
            Type("client2", "^D", "bye"),
            Type("server", "^C", ""),
        ),
        show=(Printed("b"), Served(("a", "b")), Rows("served", on=("server",), since="still")),
    ),
    Step(
        "never",
        answer="a",
        type=(
            Type("server", "strace -I3 -e trace=accept4,pause never_accepts {server} 8000", r"pause\("),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "hello", ""),
            Type("watcher", "ss -tanp sport = :8000", r"LISTEN +1 +5 "),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +5 +0 +{server}:8000 +{client}:\d+ *(?m:$)"),
            Type("server", "^C", ""),
        ),
        show=(Rows("never"), Calls("deaf"), Mend("never_accepts", "serve_blocking")),
    ),
    Step(
        "costs",
        answer="c",
        type=(
            Type("server", "serve_blocking {server} 8000", "waiting on {server}:8000"),
            Type("client", "trio {server} 8000 10", "all answered, 10 requests each"),
            Type("client", "^D", ""),
            Type("watcher", "ps -o time,stat,comm -C serve_blocking", r"00:00:00 S.* serve_blocking"),
        ),
        show=(
            Served(("serve_blocking.plain.trio",)),
            Costs(("serve_blocking",)),
            Waits("serve_blocking.traced"),
        ),
    ),
)


def play(stage: Stage) -> None:
    """A client that is silent, another that asks meanwhile, a server that accepts nobody, and the standard work."""
    with stage.step("alone"):
        server = stage.serve("serve_blocking", port=8000, backlog=5, trace=True)
        a = stage.client("a", port=8000)
        a.say("hello")
        stage.snapshot("alone", server=held("a"))

    with stage.step("waits"):
        b = stage.client("b", port=8000)
        b.say("urgent", answer=False)
        stage.snapshot("waits", server=all_of(waiting(1), unread("b", 6)))

    with stage.step("speaks_on"):
        a.say("again")
        stage.snapshot("still", server=all_of(waiting(1), unread("b", 6)))

    with stage.step("leaves"):
        a.leave()
        stage.snapshot("served", server=all_of(held("b"), unread("b", 0)))
        b.leave()
        server.stop()

    with stage.step("never"):
        deaf = stage.serve("never_accepts", name="deaf", port=8002, backlog=5, trace=True)
        d = stage.client("d", port=8002)
        d.say("hello", answer=False)
        stage.snapshot("never", server=all_of(waiting(1), unread("d", 5)))
        deaf.stop()

    with stage.step("costs"):
        measure_models(stage, "serve_blocking")


QUEUED = """
    State   Recv-Q  Send-Q  Local        Peer      Process
    LISTEN  1       5       server:8000  *         server fd=3
    ESTAB   0       0       server:8000  client:a  server fd=4
    ESTAB   6       0       server:8000  client:b
"""
ONE_AT_A_TIME = (
    waits_for("b", "a", id="C2"),
    blocked_in("server", "recv", of="a", while_waits="b", id="C2"),
    turns(("serve_blocking.plain.trio",), id="C2"),
)

EXPECT = (
    printed("a", "HELLO", step="alone", id="first-served"),
    sockets("alone", on="server", step="alone", id="one-held", table="""
        State   Recv-Q  Send-Q  Local        Peer      Process
        LISTEN  0       5       server:8000  *         server fd=3
        ESTAB   0       0       server:8000  client:a  server fd=4
    """),
    sockets("waits", on="server", step="waits", id="bytes-wait", table=QUEUED),
    blocked_in("server", "recv", of="a", step="waits", id="asleep-in-recv"),
    called("server", "accept", 0, step="waits", id="no-accept"),
    printed("a", "AGAIN", step="speaks_on", id="first-again"),
    sockets("still", on="server", step="speaks_on", id="still-waits", table=QUEUED),
    waits_for("b", "a", step="leaves", id="after-the-first"),
    blocked_in("server", "recv", of="a", while_waits="b", step="leaves", id="all-the-while"),
    printed("b", "URGENT", step="leaves", id="second-served"),
    called("server", "accept", ">0", step="leaves", id="accepts-now"),
    sockets("served", on="server", step="leaves", states=("LISTEN", "ESTAB"), id="same-descriptor", table="""
        State   Recv-Q  Send-Q  Local        Peer      Process
        LISTEN  0       5       server:8000  *         server fd=3
        ESTAB   0       0       server:8000  client:b  server fd=4
    """),
    sockets("never", on="server", step="never", id="nobody-holds", table="""
        State   Recv-Q  Send-Q  Local        Peer      Process
        LISTEN  1       5       server:8002  *         deaf fd=3
        ESTAB   5       0       server:8002  client:d
    """),
    called("deaf", "accept", 0, step="never", id="never-called"),
    turns(("serve_blocking.plain.trio",), step="costs", id="in-turn"),
    called("serve_blocking.traced", "*", 0, within=("rests", "rested"), step="costs", id="no-call-at-rest"),
    spent("serve_blocking.plain", ("rests", "rested"), "<0.01", step="costs", id="waiting-is-free"),
)  # fmt: skip

CLAIMS = (Claim("C2", says=ONE_AT_A_TIME),)
