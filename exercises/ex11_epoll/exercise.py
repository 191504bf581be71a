"""epoll: a list that the kernel keeps; level and edge; what silent clients cost; and the answer that finds no room."""

from __future__ import annotations

from lab.conditions import acknowledged, all_of, held, still, unread
from lab.exercise import Lab, Step, Type
from lab.judge.calls.descriptors import handed
from lab.judge.calls.made import called
from lab.judge.calls.readiness import ready, told_of
from lab.judge.claims import Claim
from lab.judge.programs.ended import exited
from lab.judge.programs.numbers import said
from lab.judge.programs.printed import printed
from lab.judge.serving.order import overlap
from lab.judge.sockets.tables import sockets
from lab.programs import Client, Server
from lab.stage import Stage
from lab.views import Calls, Costs, Mend, Printed, Rows, Timeline, Waits
from lab.workload import measure_models

LAB = Lab()
SUBJECT = "serve_epoll_lt"
SENT = 10000
"""A message that takes three reads: the echo servers read 4096 bytes at a time."""
REST = SENT - 4096
LARGE = 400000
MODELS = ("serve_epoll_lt", "serve_epoll_et", "serve_threads", "serve_processes")
NO_ROOM = ("--send-buffer", "16384", "--recv-buffer", "16384")
"""Fixed, else the kernel lets both grow: then all of a large message may find room in them."""

STEPS = (
    Step(
        "registers",
        answer="b",
        type=(
            Type("server", "strace -I3 -e trace=epoll_ctl,?epoll_wait,?epoll_pwait serve_epoll_lt {server} 8000",
                 "waiting on {server}:8000"),
            Type("client", "prompt {server} 8000", "connected from {client}"),
            Type("client", "hello", r"hello\s+input>>>"),
            Type("watcher", "grep tfd /proc/$(pgrep -x serve_epoll_lt)/fdinfo/4", "tfd: +5 "),
        ),
        show=(Calls("server"), Calls("list")),
    ),
    Step(
        "copies",
        answer="a",
        type=(
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("watcher", "pkill -STOP -x serve_epoll_lt", ""),
            Type("client", "one", ""),
            Type("client2", "two", ""),
            Type("watcher", "pkill -CONT -x serve_epoll_lt", ""),
            Type("client", "^D", "bye"),
            Type("client2", "^D", "bye"),
            Type("server", "^C", ""),
        ),
        show=(Timeline(("a", "b", "c")), Calls("server")),
    ),
    Step(
        "level",
        answer="c",
        type=(
            Type("server", "strace -I3 -e trace=?epoll_wait,?epoll_pwait,recvfrom serve_epoll_lt {server} 8000",
                 "waiting on {server}:8000"),
            Type("client", "burst {server} 8000", "connected from {client}"),
            Type("client", f"{SENT}", f"all {SENT} bytes came back"),
            Type("client", "^D", "bye"),
            Type("server", "^C", ""),
        ),
        show=(Calls("server"), Printed("g", only="bytes")),
    ),
    Step(
        "edge",
        answer="a",
        type=(
            Type("server", "strace -I3 -e trace=?epoll_wait,?epoll_pwait,recvfrom serve_epoll_et {server} 8000",
                 "waiting on {server}:8000"),
            Type("client", "burst {server} 8000", "connected from {client}"),
            Type("client", f"{SENT}", f"all {SENT} bytes came back"),
            Type("client", "^D", "bye"),
            Type("server", "^C", ""),
        ),
        show=(Calls("edge"), Printed("h", only="bytes")),
    ),
    Step(
        "no_drain",
        answer="b",
        type=(
            Type("server", "et_no_drain {server} 8000", "waiting on {server}:8000"),
            Type("client", "burst {server} 8000", "connected from {client}"),
            Type("watcher", "grep State /proc/$(pgrep -x et_no_drain)/status", r"S \(sleeping\)"),
            Type("server", "^Z", "Stopped"),
            Type("client", f"{SENT}", ""),
            Type("watcher", "ss -tan sport = :8000", rf"ESTAB +{SENT} "),
            Type("server", "fg %1", "et_no_drain"),
            Type("watcher", "ss -tan sport = :8000", rf"ESTAB +{REST} "),
            Type("client", "1", ""),
            Type("watcher", "ss -tan sport = :8000", rf"ESTAB +{REST + 1 - 4096} "),
            Type("client", "count", f"8192 of {SENT + 1} bytes came back"),
            Type("client", "^D", "bye"),
            Type("server", "^C", ""),
        ),
        show=(
            Rows("left", on=("server",)),
            Printed("k", only="bytes"),
            Calls("careless"),
            Mend("et_no_drain", "serve_epoll_et"),
        ),
    ),
    Step(
        "silent",
        answer="c",
        type=(Type("server", "idle_cost 10 2000", r"epoll: [0-9.]+ times as long"),),
        show=(Printed("cost"),),
    ),
    Step(
        "drops",
        answer="b",
        type=(
            Type("server", "drops_rest --send-buffer 16384 --recv-buffer 16384 {server} 8000", "waiting on {server}:8000"),
            Type("client", "stall {server} 8000", "connected from {client}"),
            Type("client", "send", "reading nothing"),
            Type("watcher", "ss -tan sport = :8000", r"(?m:^)(?!LISTEN)\S+ +\d+ +[1-9]\d* "),
            Type("client", "read", rf"\d+ of {LARGE} bytes came back"),
            Type("server", "^C", ""),
        ),
        show=(Rows("full_p", on=("server",)), Calls("drops"), Printed("p"), Mend("drops_rest", "serve_selectors")),
    ),
    Step(
        "dies",
        answer="c",
        type=(
            Type("server", "dies_of_eagain --send-buffer 16384 --recv-buffer 16384 {server} 8000", "waiting on {server}:8000"),
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("client", "stall {server} 8000", "connected from {client}"),
            Type("client", "send", "reading nothing"),
            Type("server", "echo status $?", "status 1"),
            Type("client2", "hello", "the server closed the connection"),
            Type("client", "read", rf"\d+ of {LARGE} bytes came back"),
        ),
        show=(Printed("dies"), Printed("s"), Mend("dies_of_eagain", "serve_selectors")),
    ),
    Step(
        "keeps",
        answer="a",
        type=(
            Type("server", "serve_selectors --send-buffer 16384 --recv-buffer 16384 {server} 8000", "waiting on {server}:8000"),
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("client", "stall {server} 8000", "connected from {client}"),
            Type("client", "send", "reading nothing"),
            Type("watcher", "ss -tan sport = :8000", r"ESTAB +[1-9]\d* +[1-9]\d* "),
            Type("client2", "hello", r"hello\s+input>>>"),
            Type("client", "read", f"{LARGE} of {LARGE} bytes came back"),
            Type("client2", "^D", "bye"),
            Type("server", "^C", ""),
        ),
        show=(Rows("full_r", on=("server",)), Printed("t"), Printed("r")),
    ),
    Step(
        "costs",
        answer="b",
        type=(
            Type("server", "strace -I3 -c serve_epoll_lt {server} 8000", "waiting on {server}:8000"),
            Type("client", "idler {server} 8000 3", "connections, idle"),
            Type("client", "rest", "the rest is over"),
            Type("server", "^C", r"\d+ +(?:\d+ +)?epoll_p?wait"),
            Type("client", "^D", ""),
        ),
        show=(Waits("serve_epoll_lt.traced"), Costs(MODELS)),
    ),
)  # fmt: skip


def play(stage: Stage) -> None:
    """A list in the kernel, half-read messages with level and edge, thousands of silent sockets, and full buffers."""
    _readiness(stage)
    with stage.step("silent"):
        stage.shell("cost", on="server", line="idle_cost 10 2000")
    _full_buffers(stage)
    with stage.step("costs"):
        measure_models(stage, *MODELS)


def _readiness(stage: Stage) -> None:
    """Register, be told of three at once, and read a long message with level, with edge, and without draining."""
    with stage.step("registers"):
        server = stage.serve("serve_epoll_lt", port=8000, trace=True)
        a, b, c = (stage.client(name, port=8000) for name in ("a", "b", "c"))
        stage.wait("server", all_of(held("a"), held("b"), held("c")))
        for client in (c, a, b):
            client.say("hello")
        old = stage.serve("serve_select", name="list", port=8001, trace=True)
        others = stage.begin("others", program="trio", port=8001, args=("2",))
        others.wait_says("all answered")
        others.leave()
    old.stop()

    with stage.step("copies"):
        server.freeze()
        for client in (a, b, c):
            client.say("together", answer=False)
        stage.wait("server", all_of(unread("a", 8), unread("b", 8), unread("c", 8)))
        server.thaw()
        for client in (a, b, c):
            client.wait_says("together")

    with stage.step("level"):
        _half_read(stage, server, "g", 8000, witness=a)
    server.stop()

    with stage.step("edge"):
        edge = stage.serve("serve_epoll_et", name="edge", port=8002, trace=True)
        i = stage.client("i", port=8002)
        _half_read(stage, edge, "h", 8002, witness=i)
    edge.stop()

    with stage.step("no_drain"):
        careless = stage.serve("et_no_drain", name="careless", port=8003, trace=True)
        k = stage.client("k", port=8003, program="burst")
        n = stage.client("n", port=8003)
        _registered(stage, "k", witness=n)
        careless.freeze()
        k.say(f"{SENT}")
        stage.wait("server", unread("k", SENT))
        stage.measure("frozen", "careless")
        careless.thaw()
        _back(stage, "k", witness=n)
        # Still: a program that reads on would be seen with just so much left, too, between two of its reads.
        left = all_of(still("k", queue="recv_q", seconds=0.1), unread("k", REST))
        stage.snapshot("left", on=("server",), server=left)
        stage.measure("left", "careless")
        k.say("count")
        k.say("1")
        _back(stage, "k", witness=n)
        k.say("count")
    careless.stop()


def _full_buffers(stage: Stage) -> None:
    """Answer a client that does not read: drop the rest, die of EAGAIN, keep it."""
    with stage.step("drops"):
        drops = stage.serve("drops_rest", name="drops", port=8004, options=NO_ROOM, trace=True)
        p = stage.client("p", port=8004, program="stall")
        p.say("send")
        stage.snapshot("full_p", on=("server",), server=still("p", seconds=0.2))
        p.say("read", answer=False)
        p.wait()
    drops.stop()

    with stage.step("dies"):
        dies = stage.serve("dies_of_eagain", name="dies", port=8005, options=NO_ROOM)
        s = stage.client("s", port=8005)
        stage.wait("server", held("s"))
        q = stage.begin("q", port=8005, program="stall")
        q.say("send", answer=False)
        dies.wait_ends()
        s.say("hello")
        s.wait()
        q.say("read", answer=False)
        q.wait()

    with stage.step("keeps"):
        keeps = stage.serve("serve_selectors", name="keeps", port=8006, options=NO_ROOM)
        t = stage.client("t", port=8006)
        r = stage.client("r", port=8006, program="stall")
        r.say("send")
        stage.snapshot("full_r", on=("server",), server=still("r", seconds=0.2))
        t.say("hello")
        r.say("read", answer=False)
        r.wait()
    keeps.stop()


def _registered(stage: Stage, name: str, *, witness: Client) -> None:
    """Wait until a server with one thread has done with the first event of a client, EPOLLOUT.

    Stopped between the epoll_wait() that returned it and the recv() that follows, it would read there what comes
    later, whose own event is then one too many. Once the `witness` has its first answer, the client is registered;
    the second comes of a later epoll_wait() than the client's first event.
    """
    stage.wait("server", held(name))
    witness.say("hello")
    witness.say("hello")


def _back(stage: Stage, name: str, *, witness: Client) -> None:
    """Wait until all that a server with one thread answers a client by itself has come back, and was read.

    It has done what came before when it has answered the `witness`.
    """
    witness.say("hello")
    stage.wait("server", acknowledged(name))
    stage.wait("client", unread(name, 0))


def _half_read(stage: Stage, server: Server, name: str, port: int, witness: Client) -> None:
    """Let a long message arrive while the server is frozen; measure from there until it is done with it.

    A server with one thread has done so when it has answered another client, the `witness`.
    """
    client = stage.client(name, port=port, program="burst")
    _registered(stage, name, witness=witness)
    server.freeze()
    client.say(f"{SENT}", answer=False)
    stage.wait("server", unread(name, SENT))
    stage.measure("frozen", server.name)
    server.thaw()
    client.wait_says(f"all {SENT} bytes came back")
    witness.say("hello")
    stage.measure("whole", server.name)


READ = ("frozen", "whole")
RESTS = ("rests", "rested")
LEFT = f"""
    State  Recv-Q  Send-Q  Local        Peer      Process
    ESTAB  {REST}    0       server:8003  client:k  careless fd=5
"""

EXPECT = (
    overlap(("c", "a", "b"), step="registers", id="all-served"),
    handed("server", ("epoll_ctl", "epoll_wait"), 4, step="registers", id="handed-once"),
    handed("list", ("select",), ">=10", step="registers", id="handed-each-time"),
    handed("server", ("epoll_wait",), ">0", kind="eventpoll", step="registers", id="asks-by-number"),
    handed("server", ("mmap",), 0, kind="eventpoll", step="registers", id="no-mmap"),
    ready("server", ("a", "b", "c"), step="copies", id="three-told"),
    told_of("server", "g", 3, within=READ, step="level", id="told-thrice"),
    printed("g", f"all {SENT} bytes came back", step="level", id="level-whole"),
    told_of("edge", "h", 1, within=READ, step="edge", id="told-once"),
    called("edge", "recv", 1, error="EAGAIN", of="h", within=READ, step="edge", id="until-eagain"),
    printed("h", f"all {SENT} bytes came back", step="edge", id="edge-whole"),
    told_of("careless", "k", 1, within=("frozen", "left"), step="no_drain", id="no-second-word"),
    sockets("left", on="server", only="client:k", step="no_drain", id="rest-lies", table=LEFT),
    printed("k", f"4096 of {SENT} bytes came back", step="no_drain", id="stalls"),
    printed("k", f"8192 of {SENT + 1} bytes came back", step="no_drain", id="next-piece"),
    said("cost", "poll: {} times as long", ">10", step="silent", id="poll-grows"),
    said("cost", "epoll: {} times as long", "<3", step="silent", id="epoll-flat"),
    sockets("full_p", on="server", only="client:p", step="drops", id="no-room", table="""
        Send-Q      Local        Peer
        1..1000000  server:8004  client:p
    """),
    called("drops", "send", ">0", error="EAGAIN", of="p", step="drops", id="eagain"),
    said("p", f"{{}} of {LARGE} bytes came back", f"<{LARGE}", step="drops", id="bytes-lost"),
    printed("dies", matches="BlockingIOError: .*", stream="stderr", step="dies", id="blocking-error"),
    exited("dies", 1, step="dies", id="server-dies"),
    printed("s", "the server closed the connection", step="dies", id="s-lost"),
    said("q", f"{{}} of {LARGE} bytes came back", ">0", step="dies", id="arrived-stays"),
    sockets("full_r", on="server", only="client:r", step="keeps", id="stops-reading", table="""
        State  Recv-Q      Send-Q      Local        Peer
        ESTAB  1..1000000  1..1000000  server:8006  client:r
    """),
    printed("t", "hello", step="keeps", id="t-served"),
    printed("r", f"{LARGE} of {LARGE} bytes came back", step="keeps", id="nothing-lost"),
    called("serve_epoll_lt.traced", "epoll_wait", 0, within=RESTS, step="costs", id="rests"),
)  # fmt: skip

CLAIMS = (
    Claim("C9", cases={
        "level": (told_of("server", "g", 3, within=READ, id="C9"), None),
        # A socket that was read to the end is told of once with level, too. Of what is left lying, level tells again.
        "edge": (
            (told_of("careless", "k", 1, within=("frozen", "left"), id="C9"),
             sockets("left", on="server", only="client:k", id="C9", table=LEFT),
             printed("k", f"4096 of {SENT} bytes came back", id="C9")),
            None,
        ),
    }),
    Claim("C10a",
        says=handed("server", ("mmap",), ">0", kind="eventpoll", id="C10a"),
        instead=(
            handed("server", ("mmap",), 0, kind="eventpoll", id="C10a"),
            ready("server", ("a", "b", "c"), step="copies", id="C10a"),
        )),
    Claim("C10b", says=(
        handed("server", ("epoll_ctl", "epoll_wait"), 4, step="registers", id="C10b"),
        handed("list", ("select",), ">=10", step="registers", id="C10b"),
    )),
    Claim("C11", says=(
        said("cost", "epoll: {} times as long", "<3", id="C11"),
        said("cost", "poll: {} times as long", ">10", id="C11"),
    )),
    Claim("C13", cases={
        "short": (
            printed("p", f"{LARGE} of {LARGE} bytes came back", id="C13"),
            (called("drops", "send", ">0", error="EAGAIN", of="p", id="C13"),
             said("p", f"{{}} of {LARGE} bytes came back", f"<{LARGE}", id="C13")),
        ),
        "again": (
            printed("q", f"{LARGE} of {LARGE} bytes came back", id="C13"),
            (printed("dies", matches="BlockingIOError: .*", stream="stderr", id="C13"),
             exited("dies", 1, id="C13")),
        ),
    }),
)  # fmt: skip
