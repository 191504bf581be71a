"""poll: what select does, without its limit on descriptors, and at what price."""

from __future__ import annotations

from lab.conditions import held
from lab.exercise import Lab, Step, Type
from lab.judge.calls.made import called
from lab.judge.claims import Claim
from lab.judge.programs.ended import exited
from lab.judge.programs.printed import printed
from lab.judge.readings.spending import spent
from lab.judge.serving.order import overlap
from lab.judge.sockets.tables import sockets
from lab.stage import Stage
from lab.views import Costs, Printed, Served, Spent, Waits
from lab.workload import ANSWERED, IDLE, measure_models

LAB = Lab()
SUBJECT = "serve_poll"
BELOW = 1020
"""With stdin, stdout, stderr and the listener these take the descriptors below 1024: the next client gets 1024."""
FEW = 10
REQUESTS = 40
SPANS = {among: (f"{among} asked", f"{among} answered") for among in ("few", "many")}

STEPS = (
    Step(
        "select_ends",
        answer="b",
        type=(
            Type("server", "ulimit -Sn hard", ""),
            Type("server", "dies_at_1024 --backlog 2048 {server} 8000", "waiting on {server}:8000"),
            Type("client", "ulimit -Sn hard", ""),
            Type("client", f"idler {{server}} 8000 {BELOW}", f"{BELOW} connections, idle"),
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("watcher", "ss -Htln sport = :8000 | wc -l", r"(?m:^)0"),
            Type("client2", "^D", ""),
            Type("client", "^D", ""),
        ),
        show=(Printed("select"),),
    ),
    Step(
        "few",
        answer="c",
        type=(
            Type("server", "serve_poll --backlog 2048 {server} 8000", "waiting on {server}:8000"),
            Type("client", f"idler {{server}} 8000 {FEW} &", f"{FEW} connections, idle"),
            Type("client2", "trio {server} 8000 40", "all answered, 40 requests each"),
            Type("client2", "^D", ""),
        ),
        show=(Served(("few.trio",)),),
    ),
    Step(
        "beyond",
        answer="a",
        type=(
            Type("client", f"idler {{server}} 8000 {BELOW - FEW}", f"{BELOW - FEW} connections, idle"),
            Type("client2", "prompt {server} 8000", "connected from {client}"),
            Type("client2", "hello", "hello"),
            Type("watcher", "ss -tanp sport = :8000 | grep fd=1024", r"ESTAB +0 +0 .*serve_poll.*fd=1024"),
        ),
        show=(Printed("b"),),
    ),
    Step(
        "price",
        answer="b",
        type=(
            Type("client2", "^D", "bye"),
            Type("client2", "trio {server} 8000 40", "all answered, 40 requests each"),
            Type("client2", "^D", ""),
            Type("client", "^D", ""),
            Type("server", "^C", ""),
        ),
        show=(
            Served(("many.trio",)),
            Spent("server", SPANS, 3 * REQUESTS),
        ),
    ),
    Step(
        "costs",
        answer="c",
        type=(
            Type("server", "strace -I3 -e trace=poll,accept4,recvfrom,sendto serve_poll {server} 8000", r"poll\(\["),
            Type("client", "trio {server} 8000 2", "all answered, 2 requests each"),
            Type("client", "^D", ""),
            Type("server", "^C", ""),
        ),
        show=(Costs(("serve_select", "serve_poll")), Waits("serve_poll.traced")),
    ),
)


def play(stage: Stage) -> None:
    """A select server at its limit, a poll server beyond it, and what the silent ones cost it."""
    with stage.step("select_ends"):
        select = stage.serve("dies_at_1024", name="select", port=8000, backlog=2048)
        crowd = stage.begin("crowd", program="idler", port=8000, args=(str(BELOW),))
        crowd.wait_says(IDLE)
        stage.client("a", port=8000, wait=None)
        select.wait_ends()
        crowd.leave()

    with stage.step("few"):
        server = stage.serve("serve_poll", port=8000, backlog=2048)
        few = stage.begin("few", program="idler", port=8000, args=(str(FEW),))
        few.wait_says(IDLE)
        _three_clients(stage, "few")

    with stage.step("beyond"):
        many = stage.begin("many", program="idler", port=8000, args=(str(BELOW - FEW),))
        many.wait_says(IDLE)
        b = stage.client("b", port=8000, wait=None)
        b.say("hello")
        stage.snapshot("beyond", on=("server",), server=held("b"))

    with stage.step("price"):
        _three_clients(stage, "many")
        server.stop()
        b.leave()
        few.leave()
        many.leave()

    with stage.step("costs"):
        measure_models(stage, "serve_select", "serve_poll")


def _three_clients(stage: Stage, among: str) -> None:
    """Let three clients talk to the server, and read what that costs it."""
    asked, answered = SPANS[among]
    stage.measure(asked, "server")
    trio = stage.begin(f"{among}.trio", program="trio", port=8000, args=(str(REQUESTS),))
    trio.wait_says(ANSWERED)
    stage.measure(answered, "server")
    trio.leave()


BEYOND = """
    State  Recv-Q  Send-Q  Local        Peer      Process
    ESTAB  0       0       server:8000  client:b  server fd=1024
"""
OUT_OF_RANGE = r"ValueError: filedescriptor out of range in select\(\)"

EXPECT = (
    printed("crowd", matches=f"{BELOW} connections, idle", step="select_ends", id="as-many-as-fit"),
    printed("select", matches=OUT_OF_RANGE, stream="stderr", step="select_ends", id="out-of-range"),
    exited("select", 1, step="select_ends", id="ends-for-all"),
    overlap(("few.trio",), step="few", id="at-once"),
    sockets("beyond", on="server", only="client:b", step="beyond", id="descriptor-1024", table=BEYOND),
    printed("b", "hello", step="beyond", id="answered-beyond"),
    overlap(("many.trio",), step="price", id="at-once-still"),
    spent("server", SPANS["many"], ">2", than=SPANS["few"], step="price", id="idle-ones-cost"),
    called("serve_poll.traced", "poll", ">0", within=("asked", "answered"), step="costs", id="waits-in-poll"),
    called("serve_poll.traced", "*", 0, within=("rests", "rested"), step="costs", id="no-call-at-rest"),
)  # fmt: skip

CLAIMS = (
    Claim("C8", says=(
        exited("select", 1, id="C8"),
        printed("select", matches=OUT_OF_RANGE, stream="stderr", id="C8"),
        sockets("beyond", on="server", only="client:b", id="C8", table=BEYOND),
        printed("b", "hello", id="C8"),
        called("serve_select.traced", "select", ">0", within=("asked", "answered"), id="C8"),
        called("serve_poll.traced", "poll", ">0", within=("asked", "answered"), id="C8"),
    )),
)  # fmt: skip
