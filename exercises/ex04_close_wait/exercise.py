"""CLOSE-WAIT: who causes it, what ends it, what mends it; a refused connection; one bad client (the CLOSE-WAIT table)."""

from __future__ import annotations

from lab.conditions import all_of, gone, held, state, unread, waiting
from lab.exercise import Lab, Step, Type
from lab.judge.claims import Claim
from lab.judge.programs.ended import exited
from lab.judge.programs.printed import printed
from lab.judge.segments.ladders import segments
from lab.judge.segments.order import in_order
from lab.judge.sockets.tables import sockets
from lab.programs import Server
from lab.stage import Stage
from lab.views import Ladder, Mend, Printed, Rows

LAB = Lab()
SUBJECT = "serve_blocking"

STEPS = (
    Step(
        "leak",
        answer="b",
        type=(
            Type("server", "forgets_close {server} 8000", "waiting on {server}:8000"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "^D", "bye"),
            Type("watcher", "ss -tanp sport = :8000", r"CLOSE-WAIT +0 .*forgets_close.*fd=4"),
            Type("client", "ss -tano dport = :8000", r"FIN-WAIT-2 .*timer:\(timewait,"),
        ),
        show=(Rows("leaked"),),
    ),
    Step(
        "next_client",
        answer="c",
        type=(
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB .*forgets_close.*fd=5"),
            Type("watcher", "ss -Htan sport = :8000 state close-wait | wc -l", r"(?m:^)0"),
        ),
        show=(Rows("let_go", since="leaked"), Ladder("a", "close")),
    ),
    Step(
        "mended",
        answer="a",
        type=(
            Type("client", "^D", "bye"),
            Type("watcher", "ss -tanp sport = :8000", r"CLOSE-WAIT +0 .*forgets_close.*fd=5"),
            Type("server", "^C", ""),
            Type("server", "serve_blocking {server} 8000", "waiting on {server}:8000"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "^D", "bye"),
            Type("watcher", "ss -Htan sport = :8000 state close-wait | wc -l", r"(?m:^)0"),
        ),
        show=(Mend("forgets_close", "serve_blocking"), Rows("mended", since="let_go")),
    ),
    Step(
        "exitall",
        answer="b",
        type=(
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("watcher", "ss -tan sport = :8000", r"LISTEN +1 +5 "),
            Type("client", "exitall", "the server closed the connection"),
            Type("client", "ss -Htn dport = :8000 | wc -l", r"(?m:^)0"),
            Type("client2", "hello", "connection lost: Connection reset by peer"),
        ),
        show=(Rows("queued", since="mended"), Printed("d"), Printed("e"), Ladder("e"), Rows("over", on=("client",))),
    ),
    Step(
        "refused",
        answer="a",
        type=(
            Type("server", "serve_blocking {server} 8008", "waiting on {server}:8008"),
            Type("client", "prompt {server} 8000", "cannot connect to {server}:8000: Connection refused"),
            Type("server", "^C", ""),
            Type("server", "serve_blocking {server} 1234", "waiting on {server}:1234"),
            Type("client", "prompt {server} 9000", "cannot connect to {server}:9000: Connection refused"),
            Type("server", "^C", ""),
        ),
        show=(Rows("elsewhere", on=("server",)), Printed("g"), Ladder("g"), Printed("h")),
    ),
    Step(
        "reset",
        answer="c",
        type=(
            Type("server", "dies_of_reset {server} 8000", "waiting on {server}:8000"),
            Type("client", "rude {server} 8000 reset", "connected from {client}"),
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("client", "^D", "gone"),
            Type("watcher", "ss -Htln sport = :8000 | wc -l", r"(?m:^)0"),
            Type("client2", "hello", "connection lost: Connection reset by peer"),
        ),
        show=(Ladder("rude1", "close"), Printed("fragile"), Printed("good1")),
    ),
    Step(
        "half",
        answer="b",
        type=(
            Type("server", "dies_of_half {server} 8000", "waiting on {server}:8000"),
            Type("client", "rude {server} 8000 half", "connected from {client}"),
            Type("client", "^D", "the server closed the connection"),
            Type("watcher", "ss -Htln sport = :8000 | wc -l", r"(?m:^)0"),
        ),
        show=(Ladder("rude2", "data"), Printed("decoder"), Printed("good2")),
    ),
    Step(
        "early",
        answer="b",
        type=(
            Type("server", "hello_dies {server} 8000", "waiting on {server}:8000"),
            Type("client", "rude {server} 8000 leave", "connected from {client}"),
            Type("server", "^Z", "Stopped"),
            Type("client", "^D", "gone"),
            Type("watcher", "ss -tan sport = :8000", r"CLOSE-WAIT +33 "),
            Type("server", "fg %1", r"BrokenPipeError: .*\n.*\$ "),
        ),
        show=(Rows("left"), Ladder("rude3", "close"), Printed("hello"), Printed("good3")),
    ),
    Step(
        "stands",
        answer="a",
        type=(
            Type("server", "serve_blocking {server} 8000", "waiting on {server}:8000"),
            Type("client", "rude {server} 8000 reset", "connected from {client}"),
            Type("client", "^D", "gone"),
            Type("client", "rude {server} 8000 half", "connected from {client}"),
            Type("client", "^D", r"got b'\\xe4\\xb8'"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "hello", "HELLO"),
            Type("client", "^D", "bye"),
        ),
        show=(
            Mend("dies_of_reset", "serve_blocking"),
            Mend("dies_of_half", "serve_blocking"),
            Mend("hello_dies", "serve_hello"),
            Printed("steady"),
            Printed("rude5"),
            Printed("good4"),
            Printed("greeter"),
            Printed("good5"),
        ),
    ),
)


def play(stage: Stage) -> None:
    """A leak and its mending, a server that ends, two that listen elsewhere, and clients that behave badly."""
    _end(stage, _leak(stage))
    _die(stage)
    _stand(stage)


def _leak(stage: Stage) -> Server:
    """Let a server leak, see what ends it, and start the one that does not."""
    with stage.step("leak"):
        leaky = stage.serve("forgets_close", name="leaky", port=8000, backlog=5)
        a = stage.client("a", port=8000)
        stage.snapshot("served", on=("server",), server=held("a"))
        a.leave()
        # Recv-Q 1 is the FIN itself: at 0 the program has read it.
        leaked = all_of(state("CLOSE-WAIT", "a", held=True), unread("a", 0))
        stage.snapshot("leaked", server=leaked, client=state("FIN-WAIT-2", "a"))

    with stage.step("next_client"):
        b = stage.client("b", port=8000)
        stage.snapshot("let_go", server=all_of(held("b"), gone("a")), client=state("TIME-WAIT", "a"))

    with stage.step("mended"):
        b.leave()
        leaked = all_of(state("CLOSE-WAIT", "b", held=True), unread("b", 0))
        stage.snapshot("again", on=("server",), server=leaked)
        leaky.stop()
        server = stage.serve("serve_blocking", port=8000, backlog=5)
        c = stage.client("c", port=8000)
        stage.snapshot("mended_served", on=("server",), server=held("c"))
        c.leave()
        stage.snapshot("mended", server=all_of(gone("b"), gone("c")), client=state("TIME-WAIT", "c"))
    return server


def _end(stage: Stage, server: Server) -> None:
    """End the server while clients wait; then dial ports on which nobody listens."""
    with stage.step("exitall"):
        d = stage.client("d", port=8000)
        stage.snapshot("d_served", on=("server",), server=held("d"))
        e, f = (stage.client(name, port=8000) for name in "ef")
        e.say("hello", answer=False)
        stage.snapshot("queued", server=all_of(waiting(2), unread("e", 5)))
        d.say("exitall")
        e.wait()
        server.wait_ends()
        stage.snapshot("over", client=all_of(gone("e"), gone("f")))
        f.say("hello")
        f.wait()

    with stage.step("refused"):
        elsewhere = stage.serve("serve_blocking", name="on8008", port=8008)
        stage.run("prompt", name="g", port=8000)
        further = stage.serve("serve_blocking", name="on1234", port=1234)
        stage.run("prompt", name="h", port=9000)
        stage.snapshot("elsewhere", on=("server",))
        elsewhere.stop()
        further.stop()


def _die(stage: Stage) -> None:
    """Let three servers die of one client each, with a good one behind it in the queue."""
    with stage.step("reset"):
        fragile = stage.serve("dies_of_reset", name="fragile", port=8000)
        rude = stage.client("rude1", port=8000, program="rude", args=("reset",))
        stage.snapshot("rude1_served", on=("server",), server=held("rude1"))
        good = stage.client("good1", port=8000)
        good.say("hello", answer=False)
        stage.snapshot("good1_waits", on=("server",), server=unread("good1", 5))
        rude.leave()
        good.wait()
        fragile.wait_ends()

    with stage.step("half"):
        decoder = stage.serve("dies_of_half", name="decoder", port=8000)
        rude = stage.client("rude2", port=8000, program="rude", args=("half",))
        stage.snapshot("rude2_served", on=("server",), server=held("rude2"))
        good = stage.client("good2", port=8000)
        good.say("hello", answer=False)
        stage.snapshot("good2_waits", on=("server",), server=unread("good2", 5))
        rude.leave()
        good.wait()
        decoder.wait_ends()

    with stage.step("early"):
        hello = stage.serve("hello_dies", name="hello", port=8000)
        rude = stage.client("rude3", port=8000, program="rude", args=("leave",))
        stage.snapshot("rude3_served", on=("server",), server=held("rude3"))
        good = stage.client("good3", port=8000)
        good.say("hello", answer=False)
        hello.freeze()
        rude.leave()
        orphan = state("FIN-WAIT-2", "rude3")
        stage.snapshot("left", server=all_of(state("CLOSE-WAIT", "rude3"), unread("good3", 5)), client=orphan)
        hello.thaw()
        good.wait()
        hello.wait_ends()


def _stand(stage: Stage) -> None:
    """Do all of that to servers that stand it."""
    with stage.step("stands"):
        steady = stage.serve("serve_blocking", name="steady", port=8000)
        resets = stage.client("rude4", port=8000, program="rude", args=("reset",))
        stage.snapshot("rude4_served", on=("server",), server=held("rude4"))
        halves = stage.client("rude5", port=8000, program="rude", args=("half",))
        good = stage.client("good4", port=8000)
        good.say("hello", answer=False)
        stage.snapshot("good4_waits", on=("server",), server=unread("good4", 5))
        resets.leave()
        halves.leave()
        good.wait_says("HELLO")
        good.leave()
        stage.snapshot("stands", server=gone("good4"))
        steady.stop()
        greeter = stage.serve("serve_hello", name="greeter", port=8000)
        rude = stage.client("rude6", port=8000, program="rude", args=("leave",))
        stage.snapshot("rude6_served", on=("server",), server=held("rude6"))
        greeter.freeze()
        rude.leave()
        good = stage.client("good5", port=8000, program="get_page")
        stage.snapshot("left_again", on=("server",), server=state("CLOSE-WAIT", "rude6"))
        greeter.thaw()
        good.wait()


CLOSE_WAIT = """
    State       Recv-Q  Send-Q  Local        Peer      Process
    LISTEN      0       5       server:8000  *         leaky fd=3
    CLOSE-WAIT  0       0       server:8000  client:a  leaky fd=4
"""
"""The article's CLOSE-WAIT table, row for row."""
REFUSED = """
    client > server    S   seq 0
    server > client    R.  ack 1
"""

EXPECT = (
    sockets("leaked", on="server", step="leak", id="close-wait", table=CLOSE_WAIT),
    sockets("leaked", on="client", step="leak", id="orphan", table="""
        State       Recv-Q  Send-Q  Local     Peer         Process  Timer
        FIN-WAIT-2  0       0       client:a  server:8000           timewait 50..60s
    """),
    sockets("let_go", on="server", step="next_client", id="rebound", table="""
        State   Recv-Q  Send-Q  Local        Peer      Process
        LISTEN  0       5       server:8000  *         leaky fd=3
        ESTAB   0       0       server:8000  client:b  leaky fd=5
    """),
    sockets("let_go", on="client", only="client:a", step="next_client", id="time-wait-after-all", table="""
        State      Recv-Q  Send-Q  Local     Peer
        TIME-WAIT  0       0       client:a  server:8000
    """),
    in_order("""
        client:a > server    F.
        client:b > server    S
        server   > client:a  F.
    """, step="next_client", id="fin-after-next"),
    sockets("mended", on="server", states=("ESTAB", "CLOSE-WAIT", "LAST-ACK"), step="mended", id="nothing-left", table="""
        State  Recv-Q  Send-Q  Local  Peer
    """),
    sockets("mended", on="client", only="client:c", step="mended", id="closed-by-both", table="""
        State      Recv-Q  Send-Q  Local     Peer
        TIME-WAIT  0       0       client:c  server:8000
    """),
    printed("d", "the server closed the connection", step="exitall", id="end-of-file"),
    segments("d", part="data", step="exitall", id="no-answer", ladder="""
        client:d > server    data  "exitall"
      ~ server   > client:d  .
    """),
    exited("server", 0, step="exitall", id="server-ends"),
    segments("e", part="close", step="exitall", id="queued-reset", ladder="""
        server > client:e  R.
    """),
    printed("e", "connection lost: Connection reset by peer", stream="stderr", step="exitall", id="e-learns"),
    sockets("over", on="client", only="client:f", step="exitall", id="f-has-no-row", table="""
        State  Recv-Q  Send-Q  Local  Peer
    """),
    printed("f", "connection lost: Connection reset by peer", stream="stderr", step="exitall", id="f-learns"),
    segments("g", step="refused", id="refused-8000", ladder=REFUSED),
    printed("g", matches="cannot connect to .*:8000: Connection refused", stream="stderr", step="refused",
            id="g-told"),
    segments("h", step="refused", id="refused-9000", ladder=REFUSED),
    sockets("elsewhere", on="server", states=("LISTEN",), step="refused", id="elsewhere", table="""
        State   Local        Peer  Process
        LISTEN  server:8008  *     on8008 fd=3
        LISTEN  server:1234  *     on1234 fd=3
    """),
    segments("rude1", part="close", step="reset", id="one-reset", ladder="""
        client:rude1 > server  R.
    """),
    printed("fragile", matches="ConnectionResetError: .*", stream="stderr", step="reset", id="dies-of-reset"),
    exited("fragile", 1, step="reset", id="ended-by-one"),
    printed("good1", "connection lost: Connection reset by peer", stream="stderr", step="reset", id="good1-lost"),
    printed("decoder", matches="UnicodeDecodeError: .*", stream="stderr", step="half", id="dies-of-half"),
    printed("rude2", "the server closed the connection", step="half", id="rude2-told"),
    printed("good2", "connection lost: Connection reset by peer", stream="stderr", step="half", id="good2-lost"),
    sockets("left", on="server", only="client:rude3", step="early", id="gone-before", table="""
        State       Recv-Q  Send-Q  Local        Peer          Process
        CLOSE-WAIT  33      0       server:8000  client:rude3  hello fd=4
    """),
    segments("rude3", part="close", step="early", id="sent-to-nobody", ladder=r"""
        client:rude3 > server        F.
      ~ server       > client:rude3  .
        server       > client:rude3  data  "HTTP/1.1 200 OK\r\n\r\n"
        client:rude3 > server        R
    """),
    printed("hello", matches="BrokenPipeError: .*", stream="stderr", step="early", id="dies-of-pipe"),
    exited("hello", 1, step="early", id="ended-by-leaving"),
    printed("good3", "connection lost: Connection reset by peer", stream="stderr", step="early", id="good3-lost"),
    printed("steady", matches="lost a client: .*Connection reset by peer", step="stands", id="loses-one"),
    printed("rude5", r"sent b'\xe4\xb8', got b'\xe4\xb8'", step="stands", id="bytes-are-bytes"),
    printed("good4", "HELLO", step="stands", id="others-served"),
    sockets("stands", on="server", states=("LISTEN",), step="stands", id="still-listens", table="""
        State   Recv-Q  Send-Q  Local        Peer  Process
        LISTEN  0       5       server:8000  *     steady fd=3
    """),
    printed("greeter", matches="lost a client: .*Broken pipe", step="stands", id="hello-loses-one"),
    printed("good5", "200 OK: 11 bytes, closed", step="stands", id="hello-serves-on"),
)  # fmt: skip

CLAIMS = (
    Claim("B6", says=sockets("leaked", on="server", id="B6", table=CLOSE_WAIT)),
    Claim("B16", cases={
        "dials_8000": (
            printed("g", matches="connected from .*", id="B16"),
            (segments("g", id="B16", ladder=REFUSED), exited("g", 1, id="B16"))),
        "dials_9000": (
            printed("h", matches="connected from .*", id="B16"),
            (segments("h", id="B16", ladder=REFUSED), exited("h", 1, id="B16"))),
    }),
    Claim("B17", says=exited("server", 0, id="B17")),
    Claim("B18", cases={
        "reset": (printed("good1", "HELLO", id="B18"), exited("fragile", 1, id="B18")),
        "half": (printed("good2", "HELLO", id="B18"), exited("decoder", 1, id="B18")),
        "early": (printed("good3", matches="HTTP/.*", id="B18"), exited("hello", 1, id="B18")),
    }),
)  # fmt: skip
