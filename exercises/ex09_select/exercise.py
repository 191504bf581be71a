"""select: many clients and one thread; descriptor 1024; operator, empty line and ghost; the loop that never rests."""

from __future__ import annotations

from lab.conditions import all_of, held, state, unread, waiting
from lab.exercise import Lab, Step, Type
from lab.judge.calls.made import called
from lab.judge.calls.readiness import ready, told_of
from lab.judge.claims import Claim
from lab.judge.programs.ended import exited
from lab.judge.programs.numbers import said
from lab.judge.programs.printed import never_printed, printed
from lab.judge.readings.spending import spent
from lab.judge.segments.ladders import segments
from lab.judge.segments.order import in_order
from lab.judge.serving.order import overlap
from lab.judge.sockets.tables import sockets
from lab.stage import Stage
from lab.views import Calls, Costs, Ladder, Mend, Printed, Rows, Served, Waits
from lab.workload import IDLE, RESTED, measure_models

LAB = Lab()
SUBJECT = "serve_select"
SILENT = 700
FD_SETSIZE = 1024

STEPS = (
    Step(
        "wrong_port",
        answer="b",
        type=(
            Type("server", "serve_select {server} 8008", "waiting on {server}:8008"),
            Type("client", "prompt {server} 8000", "cannot connect to {server}:8000: Connection refused"),
            Type("server", "^C", ""),
        ),
        show=(Rows("elsewhere", on=("server",)), Printed("knocks")),
    ),
    Step(
        "many",
        answer="a",
        type=(
            Type(
                "server", "strace -I3 -e trace=?select,pselect6 serve_select {server} 8008", "waiting on {server}:8008"
            ),
            Type("client", "prompt {server} 8008", "connected from {client}"),
            Type("client2", "prompt {server} 8008", "connected from {client}"),
            Type("client2", "second", "second"),
            Type("client", "first", "first"),
            Type("watcher", "ss -tanp sport = :8008", r"fd=5"),
        ),
        show=(Rows("three", on=("server",)), Served(("a", "b", "c"))),
    ),
    Step(
        "ready_only",
        answer="c",
        type=(
            Type("client2", "again", "again"),
            Type("client2", "^D", "bye"),
            Type("client", "^D", "bye"),
            Type("server", "^C", ""),
        ),
        show=(Calls("server"),),
    ),
    Step(
        "operator",
        answer="b",
        type=(
            Type("server", "serve_operator {server} 8000", "waiting on {server}:8000"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "hello", ""),
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "me_too", ""),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +6 +0 +{server}:8000 +{client}:\d+ *(?m:$)"),
            Type("server", "welcome", "client 2 says"),
            Type("server", "later", ""),
            Type("client", "^D", "bye"),
            Type("client2", "^D", "bye"),
            Type("server", "^C", ""),
        ),
        show=(Rows("thinks", on=("server",)), Printed("operator"), Served(("d", "e"))),
    ),
    Step(
        "empty",
        answer="c",
        type=(
            Type("server", "operator_silent {server} 8000", "waiting on {server}:8000"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "hello", ""),
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "me_too", ""),
            Type("watcher", "ss -tanp sport = :8000", r"ESTAB +6 +0 +{server}:8000 "),
            Type("server", "", "client 2 says"),
            Type("server", "yes", ""),
            Type("client2", "^D", "bye"),
            Type("client", "^C", ""),
            Type("server", "^C", ""),
        ),
        show=(
            Printed("silent"),
            Ladder("h", part="data"),
            Printed("k"),
            Mend("operator_silent", "serve_operator"),
        ),
    ),
    Step(
        "ghost",
        answer="c",
        type=(
            Type("server", "operator_ghost {server} 8000", "waiting on {server}:8000"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("client", "^D", "bye"),
            Type("server", "anybody", "client 1 says b''"),
            Type("server", "hello", r"BrokenPipeError: .*\n.*\$ "),
            Type("client2", "and_me", "the server closed the connection"),
        ),
        show=(Printed("ghost"), Ladder("f"), Mend("operator_ghost", "serve_operator")),
    ),
    Step(
        "hot_loop",
        answer="a",
        type=(
            Type("server", "never_removes {server} 8000", "waiting on {server}:8000"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "^D", "bye"),
            Type("watcher", "ss -tanp sport = :8000", r"CLOSE-WAIT +\d .*never_removes"),
            Type("watcher", "ps -eo pcpu,comm --sort=-pcpu | head -2", "never_removes"),
            Type("server", "^C", ""),
        ),
        show=(Rows("hot", on=("server",)), Calls("hot"), Mend("never_removes", "serve_select")),
    ),
    Step(
        "limit",
        answer="b",
        type=(
            Type("server", "ulimit -n hard; ulimit -n", r"\d\d\d\d"),
            Type("server", "dies_at_1024 --backlog 1024 {server} 8000", "waiting on {server}:8000"),
            Type("client", "idler {server} 8000 1021", "connections, idle"),
            Type("watcher", "ss -Htln sport = :8000 | wc -l", r"(?m:^)0"),
            Type("client", "^D", ""),
        ),
        show=(
            Printed("limits"),
            Printed("greedy"),
            Mend("dies_at_1024", "serve_select"),
        ),
    ),
    Step(
        "costs",
        answer="a",
        type=(
            Type("server", "strace -I3 -c serve_select {server} 8000", "waiting on {server}:8000"),
            Type("client", "idler {server} 8000 3", "connections, idle"),
            Type("client", "rest", "the rest is over"),
            Type("server", "^C", r"\d+ +(?:\d+ +)?p?select"),
            Type("client", "^D", ""),
        ),
        show=(Waits("serve_select.traced"), Costs(("serve_select",))),
    ),
)


def play(stage: Stage) -> None:
    """Three clients on one thread, an operator, a ghost, a hot loop, seven hundred silent clients, and one too many."""
    _many(stage)
    _operator(stage)
    _empty(stage)
    _ghost(stage)
    _hot_loop(stage)
    _limit(stage)
    with stage.step("costs"):
        measure_models(stage, "serve_select")


def _many(stage: Stage) -> None:
    """One client at the wrong port, then three that stay; frozen, so that one or two are ready at once."""
    with stage.step("wrong_port"):
        server = stage.serve("serve_select", port=8008, trace=True)
        stage.run("prompt", name="knocks", port=8000)
        stage.snapshot("elsewhere", on=("server",))

    with stage.step("many"):
        a, b, c = (stage.client(name, port=8008) for name in ("a", "b", "c"))
        stage.snapshot("three", on=("server",), server=all_of(held("a"), held("b"), held("c")))
        for client in (c, a, b):
            client.say("hello")

    with stage.step("ready_only"):
        server.freeze()
        b.say("only me", answer=False)
        stage.wait("server", unread("b", 7))
        server.thaw()
        b.wait_says("only me")
        server.freeze()
        a.say("me", answer=False)
        c.say("and me", answer=False)
        stage.wait("server", all_of(unread("a", 2), unread("c", 6)))
        server.thaw()
        a.wait_says("me")
        c.wait_says("and me")
    for client in (a, b, c):
        client.leave()
    server.stop()


def _operator(stage: Stage) -> None:
    """Type the answers: e waits while the operator thinks of one for d; d leaves."""
    with stage.step("operator"):
        operator = stage.serve("serve_operator", name="operator", port=8000, pty=True)
        d = stage.client("d", port=8000)
        stage.wait("server", held("d"))
        e = stage.client("e", port=8000)
        stage.wait("server", held("e"))
        d.say("hello", answer=False)
        operator.wait_says("answer for client 1")
        e.say("me_too", answer=False)
        stage.snapshot("thinks", on=("server",), server=unread("e", 6))
        operator.type("")
        operator.wait_says("answer for client")
        operator.type("welcome")
        d.wait_says("welcome")
        operator.wait_says("answer for client 2")
        operator.type("later")
        e.wait_says("later")
        d.leave()
        operator.wait_says("client 1 has left")
        e.say("still_here", answer=False)
        operator.wait_says("answer for client 2")
        operator.type("good")
        e.wait_says("good")
        e.leave()
        operator.stop()


def _empty(stage: Stage) -> None:
    """Answer h with an empty line, and k with a word."""
    with stage.step("empty"):
        silent = stage.serve("operator_silent", name="silent", port=8000, pty=True)
        h = stage.client("h", port=8000)
        stage.wait("server", held("h"))
        k = stage.client("k", port=8000)
        stage.wait("server", held("k"))
        h.say("hello", answer=False)
        silent.wait_says("answer for client 1")
        k.say("me_too", answer=False)
        stage.wait("server", unread("k", 6))
        silent.type("")
        silent.wait_says("answer for client")
        silent.type("yes")
        k.wait_says("yes")
        k.leave()
        h.stop()  # it waits for an answer, and reads no Ctrl-D
        silent.stop()


def _ghost(stage: Stage) -> None:
    """Answer f twice after it has left."""
    with stage.step("ghost"):
        ghost = stage.serve("operator_ghost", name="ghost", port=8000, pty=True)
        f = stage.client("f", port=8000)
        stage.wait("server", held("f"))
        g = stage.client("g", port=8000)
        stage.wait("server", held("g"))
        f.leave()
        ghost.wait_says("answer for client 1")
        ghost.type("anybody")
        ghost.wait_says("answer for client 1")
        ghost.type("hello")
        ghost.wait_ends()
        g.say("and_me")
        g.wait()


def _hot_loop(stage: Stage) -> None:
    """Watch a server that never removes a client that has left."""
    with stage.step("hot_loop"):
        hot = stage.serve("never_removes", name="hot", port=8000, trace=True)
        p = stage.client("p", port=8000)
        # What ends the time that is looked at: a client that is silent for a moment, and says so.
        rest = stage.begin("rest", program="idler", port=8000, args=("1", "--seconds", "0.05"))
        rest.wait_says(IDLE)
        hot.freeze()  # else every call that it makes until p is gone is in the trace
        p.leave()
        hot.thaw()
        stage.measure("spins", "hot")
        rest.type("rest")
        rest.wait_says(RESTED)
        stage.snapshot("hot", on=("server",), server=state("CLOSE-WAIT", "p"))
        stage.measure("spun", "hot")
        hot.stop()
        rest.leave()


def _limit(stage: Stage) -> None:
    """Talk to a server without and with silent clients, then bring one to descriptor 1024."""
    with stage.step("limit"):
        wide = stage.serve("serve_select", name="wide", port=8000, backlog=1024)
        stage.shell("limits", on="server", line="ulimit -n")
        _talk(stage, "few")
        idle = stage.begin("idle", program="idler", port=8000, args=(str(SILENT),))
        idle.wait_says(IDLE)
        stage.wait("server", waiting(0))
        _talk(stage, "many")
        wide.stop()
        greedy = stage.serve("dies_at_1024", name="greedy", port=8001, backlog=1024)
        stage.begin("last", program="idler", port=8001, args=(str(FD_SETSIZE),))
        greedy.patience *= 3  # it takes in a thousand clients before: much work where others work too
        greedy.wait_ends()
        idle.leave()


def _talk(stage: Stage, name: str) -> None:
    """Let three clients talk to the wide server between two readings of what it has used."""
    stage.measure(f"{name}_before", "wide")
    trio = stage.begin(name, program="trio", port=8000, args=("10",))
    trio.wait_says("all answered")
    stage.measure(f"{name}_after", "wide")
    trio.leave()


SPINS = ("spins", "spun")
RESTS = ("rests", "rested")
UNANSWERED = """
    client:h > server    data  "hello"
  ~ server   > client:h  .
"""

EXPECT = (
    printed("knocks", matches="cannot connect to .*:8000: Connection refused", stream="stderr", step="wrong_port",
            id="refused"),
    sockets("elsewhere", on="server", step="wrong_port", id="listens-elsewhere", table="""
        State   Recv-Q  Send-Q  Local        Peer  Process
        LISTEN  0       5       server:8008  *     server fd=3
    """),
    sockets("three", on="server", step="many", id="three-held", table="""
        State   Recv-Q  Send-Q  Local        Peer      Process
        LISTEN  0       5       server:8008  *         server fd=3
        ESTAB   0       0       server:8008  client:a  server fd=4
        ESTAB   0       0       server:8008  client:b  server fd=5
        ESTAB   0       0       server:8008  client:c  server fd=6
    """),
    overlap(("c", "a", "b"), step="many", id="all-served"),
    ready("server", ("b",), watched=4, step="ready_only", id="one-ready"),
    ready("server", ("a", "c"), watched=4, step="ready_only", id="two-ready"),
    called("server", "recv", 3, step="ready_only", id="reads-ready"),
    sockets("thinks", on="server", only="client:e", step="operator", id="e-unread", table="""
        State  Recv-Q  Send-Q  Local        Peer      Process
        ESTAB  6       0       server:8000  client:e  operator fd=5
    """),
    printed("operator", matches="nothing can be sent of an empty line: .*", step="operator", id="empty-refused"),
    printed("d", "welcome", step="operator", id="d-answered"),
    printed("operator", "client 1 has left", step="operator", id="removed"),
    never_printed("operator", "client 1 says b''", step="operator", id="no-ghost"),
    printed("e", "good", step="operator", id="e-served-on"),
    segments("h", part="data", step="empty", id="nothing-sent", ladder=UNANSWERED),
    printed("k", "yes", step="empty", id="next-answered"),
    in_order("""
        client:f > server    F.
        server   > client:f  data "anybody"
        client:f > server    R
    """, step="ghost", id="answer-reset"),
    printed("ghost", matches="BrokenPipeError: .*", stream="stderr", step="ghost", id="broken-pipe"),
    exited("ghost", 1, step="ghost", id="ghost-ends"),
    printed("g", "the server closed the connection", step="ghost", id="g-lost"),
    sockets("hot", on="server", only="client:p", step="hot_loop", id="close-wait", table="""
        State       Local        Peer      Process
        CLOSE-WAIT  server:8000  client:p  hot
    """),
    called("hot", "recv", ">10", of="p", within=SPINS, step="hot_loop", id="reads-nothing"),
    called("hot", "select", ">10", within=SPINS, step="hot_loop", id="never-rests"),
    said("limits", "{}", f">{FD_SETSIZE}", step="limit", id="rlimit"),
    printed("greedy", matches="ValueError: .*", stream="stderr", step="limit", id="value-error"),
    exited("greedy", 1, step="limit", id="greedy-ends"),
    spent("wide", ("many_before", "many_after"), ">2", than=("few_before", "few_after"), step="limit", id="cost-grows"),
    called("serve_select.traced", "select", 0, within=RESTS, step="costs", id="rests"),
)  # fmt: skip

CLAIMS = (
    Claim("B16", cases={
        "select_client": (
            printed("knocks", matches="connected from .*", id="B16"),
            (printed("knocks", matches="cannot connect to .*:8000: Connection refused", stream="stderr", id="B16"),
             exited("knocks", 1, id="B16")),
        ),
    }),
    Claim("C5", cases={
        "returns": (
            ready("server", ("listener", "a", "b", "c"), step="ready_only", id="C5"),
            (ready("server", ("b",), watched=4, step="ready_only", id="C5"),
             ready("server", ("a", "c"), watched=4, step="ready_only", id="C5")),
        ),
        "one_thread": (overlap(("c", "a", "b"), id="C5"), None),
    }),
    Claim("C6", cases={
        "level": (told_of("hot", "p", ">10", within=SPINS, id="C6"), None),
        "cost": (spent("wide", ("many_before", "many_after"), ">2", than=("few_before", "few_after"), id="C6"), None),
        "limit": (
            said("limits", "{}", f"<={FD_SETSIZE}", id="C6"),
            (said("limits", "{}", f">{FD_SETSIZE}", id="C6"),
             printed("greedy", matches="ValueError: .*", stream="stderr", id="C6")),
        ),
    }),
    Claim("C7a", cases={
        "alone": (printed("d", "welcome", id="C7a"), None),
        "two": (
            sockets("thinks", on="server", only="client:e", id="C7a", table="""
                State  Recv-Q  Local        Peer
                ESTAB  0       server:8000  client:e
            """),
            sockets("thinks", on="server", only="client:e", id="C7a", table="""
                State  Recv-Q  Local        Peer
                ESTAB  6       server:8000  client:e
            """),
        ),
        "empty": (
            segments("h", part="data", id="C7a", ladder="""
                client:h > server    data  "hello"
              ~ server   > client:h  .
                server   > client:h  data
              ~ client:h > server    .
            """),
            (segments("h", part="data", id="C7a", ladder=UNANSWERED), printed("k", "yes", id="C7a")),
        ),
        "left": (
            never_printed("ghost", "client 1 says b''", id="C7a"),
            (printed("ghost", "client 1 says b''", id="C7a"),
             in_order("""
                client:f > server    F.
                server   > client:f  data "anybody"
                client:f > server    R
             """, id="C7a"),
             exited("ghost", 1, id="C7a")),
        ),
    }),
    Claim("C7b",
        says=called("hot", "select", "<=10", within=SPINS, id="C7b"),
        instead=(
            called("hot", "select", ">10", within=SPINS, id="C7b"),
            sockets("hot", on="server", only="client:p", id="C7b", table="""
                State       Local        Peer      Process
                CLOSE-WAIT  server:8000  client:p  hot
            """),
        )),
)  # fmt: skip
