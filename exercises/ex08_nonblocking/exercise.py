"""Non-blocking: three shapes of it, one that blocks all the same, and a loop that goes on with a closed socket."""

from __future__ import annotations

from lab.conditions import all_of, held, still
from lab.exercise import Lab, Step, Type
from lab.judge.calls.made import blocked_in, called
from lab.judge.claims import Claim
from lab.judge.programs.numbers import said
from lab.judge.readings.spending import spent
from lab.judge.serving.order import overlap, waits_for
from lab.judge.sockets.tables import sockets
from lab.stage import Stage
from lab.views import Calls, Costs, Mend, Printed, Rows, Served, Waits
from lab.workload import measure_models

LAB = Lab()
SUBJECT = "serve_nb_all"
PAUSE = "0.1"
"""The article's is a second; nothing but the waiting gets shorter."""
INTERVAL = ("--interval", PAUSE)
TWO_PAUSES = 2 * float(PAUSE)
"""Whoever looks at a client once in a pause has looked by then."""
FIRST = "the first answers, mostly: {} of a pause"
OTHERS = "the others, mostly: {} of a pause"

STEPS = (
    Step(
        "only_accept",
        answer="b",
        type=(
            Type("server", "strace -I3 -e accept4,recvfrom serve_nb_accept {server} 8000", "EAGAIN"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "hello", "HELLO"),
        ),
        show=(Printed("a"), Calls("accepts")),
    ),
    Step(
        "second_waits",
        answer="c",
        type=(
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "knock", ""),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +5 +0 +{server}:8000 +{client}:\d+ *(?m:$)"),
            Type("client", "exit", "the server closed the connection"),
            Type("client2", "again", "AGAIN"),
            Type("client2", "^D", "bye"),
        ),
        show=(Rows("b_waits", on=("server",)), Served(("a", "b"))),
    ),
    Step(
        "first_late",
        answer="b",
        type=(
            Type("client", "stopwatch {server} 8000", r"the others, mostly: 0\.\d\d of a pause"),
            Type("server", "^C", ""),
        ),
        show=(Printed("to_accepts"),),
    ),
    Step(
        "one_at_a_time",
        answer="c",
        type=(
            Type("server", "serve_nb_one {server} 8000", "waiting on {server}:8000"),
            Type("client", "stopwatch {server} 8000 1 3", r"the others, mostly: [01]\.\d\d of a pause"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "knock", ""),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +5 +0 +{server}:8000 +{client}:\d+ *(?m:$)"),
            Type("client", "exit", "the server closed the connection"),
            Type("client2", "^C", ""),
            Type("server", "^C", ""),
        ),
        show=(Printed("to_one"), Calls("one"), Served(("c", "d"))),
    ),
    Step(
        "all_of_them",
        answer="a",
        type=(
            Type("server", "serve_nb_all {server} 8000", "waiting on {server}:8000"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "second", "SECOND"),
            Type("client", "first", "FIRST"),
            Type("watcher", "ss -tanp sport = :8000", r"fd=5"),
            Type("client", "^D", "bye"),
            Type("client2", "^D", "bye"),
            Type("server", "^C", ""),
        ),
        show=(Rows("three", on=("server",)), Served(("e", "f", "g"))),
    ),
    Step(
        "wedge",
        answer="b",
        type=(
            Type("server", "goes_on_closed {server} 8000", "waiting on {server}:8000"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "hello", "HELLO"),
            Type("client", "exit", "the server closed the connection"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "anyone", ""),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +6 +0 +{server}:8000 +{client}:\d+ *(?m:$)"),
            Type("client", "^C", ""),
            Type("server", "^C", ""),
        ),
        show=(Rows("stuck", on=("server",)), Calls("wedged"), Mend("goes_on_closed", "serve_nb_accept")),
    ),
    Step(
        "price",
        answer="c",
        type=(
            Type("server", "strace -I3 -c serve_nb_all {server} 8000", "waiting on {server}:8000"),
            Type("client", "idler {server} 8000 3", "connections, idle"),
            Type("client", "rest", "the rest is over"),
            Type("server", "^C", r"\d+ +\d+ +recvfrom"),
            Type("client", "^D", ""),
        ),
        show=(Calls("serve_nb_all.traced"), Waits("serve_nb_all.traced"), Costs(("serve_nb_all",))),
    ),
)


def play(stage: Stage) -> None:
    """Each shape with two or three clients, a server that wedges itself, and what asking again and again costs."""
    _only_accept(stage)
    _one_at_a_time(stage)
    _all_of_them(stage)
    _wedge(stage)
    with stage.step("price"):
        measure_models(stage, "serve_nb_all")


def _only_accept(stage: Stage) -> None:
    """Poll accept() alone: a talks, b waits for a's end, the stopwatch."""
    with stage.step("only_accept"):
        accepts = stage.serve("serve_nb_accept", name="accepts", port=8000, options=INTERVAL, trace=True)
        a = stage.client("a", port=8000)
        stage.snapshot("a_held", on=("server",), server=held("a"))
        a.say("hello")
        a.say("again")

    with stage.step("second_waits"):
        b = stage.client("b", port=8000)
        b.say("knock", answer=False)
        stage.snapshot("b_waits", on=("server",), server=still("b", queue="recv_q", seconds=TWO_PAUSES))
        a.say("exit")
        a.wait()
        b.wait_says("KNOCK")
        b.leave()

    with stage.step("first_late"):
        stage.run("stopwatch", name="to_accepts", port=8000, args=("3", "3", "--pause", PAUSE))
        accepts.stop()


def _one_at_a_time(stage: Stage) -> None:
    """Poll the accepted socket too: the stopwatch, and d waits for c's end."""
    with stage.step("one_at_a_time"):
        one = stage.serve("serve_nb_one", name="one", port=8000, options=INTERVAL, trace=True)
        stage.run("stopwatch", name="to_one", port=8000, args=("1", "3", "--pause", PAUSE))
        c = stage.client("c", port=8000)
        stage.snapshot("c_held", on=("server",), server=held("c"))
        d = stage.client("d", port=8000)
        d.say("knock", answer=False)
        stage.snapshot("d_waits", on=("server",), server=still("d", queue="recv_q", seconds=TWO_PAUSES))
        c.say("exit")
        c.wait()
        d.wait_says("KNOCK")
        d.leave()
        one.stop()


def _all_of_them(stage: Stage) -> None:
    """Poll every client: three talk while all three stay."""
    with stage.step("all_of_them"):
        everybody = stage.serve("serve_nb_all", name="everybody", port=8000)
        e, f, g = (stage.client(name, port=8000) for name in ("e", "f", "g"))
        stage.snapshot("three", on=("server",), server=all_of(held("e"), held("f"), held("g")))
        for client in (g, e, f):
            client.say("hello")
        for client in (g, e, f):
            client.leave()
        everybody.stop()


def _wedge(stage: Stage) -> None:
    """Go on with a closed socket: h says `exit`, k is never served."""
    with stage.step("wedge"):
        wedged = stage.serve("goes_on_closed", name="wedged", port=8000, options=("--interval", "0.05"), trace=True)
        h = stage.client("h", port=8000)
        h.say("hello")
        h.say("exit")
        h.wait()
        k = stage.client("k", port=8000)
        k.say("anyone", answer=False)
        stage.snapshot("stuck", on=("server",), server=still("k", queue="recv_q", seconds=TWO_PAUSES))
        wedged.wait_says("Bad file descriptor", times=3)
        wedged.stop()


RESTS = ("rests", "rested")

EXPECT = (
    called("accepts", "accept", ">0", error="EAGAIN", of="listener", step="only_accept", id="accept-polled"),
    called("accepts", "recv", 0, error="EAGAIN", id="not-inherited", step="only_accept"),
    sockets("b_waits", on="server", step="second_waits", id="b-unread", table="""
        State   Recv-Q  Send-Q  Local        Peer      Process
        LISTEN  1       5       server:8000  *         accepts fd=3
        ESTAB   0       0       server:8000  client:a  accepts fd=4
        ESTAB   5       0       server:8000  client:b
    """),
    blocked_in("accepts", "recv", of="a", while_waits="b", step="second_waits", id="inside-recv"),
    waits_for("b", "a", step="second_waits", id="b-after-a"),
    said("to_accepts", FIRST, ">0.3", step="first_late", id="first-late"),
    said("to_accepts", OTHERS, "<0.5", step="first_late", id="others-prompt"),
    called("one", "recv", ">3", error="EAGAIN", step="one_at_a_time", id="recv-polled"),
    said("to_one", OTHERS, ">0.3", step="one_at_a_time", id="every-answer-late"),
    waits_for("d", "c", step="one_at_a_time", id="d-after-c"),
    sockets("three", on="server", states=("LISTEN", "ESTAB"), step="all_of_them", id="three-held", table="""
        State   Recv-Q  Send-Q  Local        Peer      Process
        LISTEN  0       5       server:8000  *         everybody fd=3
        ESTAB   0       0       server:8000  client:e  everybody fd=4
        ESTAB   0       0       server:8000  client:f  everybody fd=5
        ESTAB   0       0       server:8000  client:g  everybody fd=6
    """),
    overlap(("g", "e", "f"), step="all_of_them", id="all-served"),
    called("wedged", "recv", ">2", error="EBADF", step="wedge", id="bad-descriptor"),
    sockets("stuck", on="server", only="client:k", step="wedge", id="k-unread", table="""
        State  Recv-Q  Send-Q  Local        Peer      Process
        ESTAB  6       0       server:8000  client:k
    """),
    called("serve_nb_all.traced", "recv", ">10", error="EAGAIN", within=RESTS, step="price", id="asks-in-vain"),
    spent("serve_nb_all.plain", RESTS, ">0.0001", step="price", id="burns-idle"),
)  # fmt: skip

CLAIMS = (
    Claim("C3",
        says=called("accepts", "recv", ">0", error="EAGAIN", id="C3"),
        instead=(
            called("accepts", "recv", 0, error="EAGAIN", id="C3"),
            blocked_in("accepts", "recv", of="a", while_waits="b", id="C3"),
            waits_for("b", "a", id="C3"),
        )),
    Claim("C4",
        says=sockets("stuck", on="server", only="client:k", id="C4", table="""
            State  Recv-Q  Local        Peer      Process
            ESTAB  0       server:8000  client:k  wedged
        """),
        instead=(
            called("wedged", "recv", ">2", error="EBADF", id="C4"),
            sockets("stuck", on="server", only="client:k", id="C4", table="""
                State  Recv-Q  Local        Peer      Process
                ESTAB  6       server:8000  client:k
            """),
        )),
)  # fmt: skip
