"""Three sites fetched at once by a pool of processes, a callback for each; what processes share and what they cost."""

from __future__ import annotations

from lab.conditions import asked, holders
from lab.exercise import Lab, Step, Type
from lab.judge.claims import Claim
from lab.judge.programs.ended import exited
from lab.judge.programs.numbers import said
from lab.judge.programs.printed import never_printed, printed, sooner
from lab.judge.programs.processes import children, own_words
from lab.judge.programs.processes import holders as held_by
from lab.judge.serving.abreast import abreast
from lab.judge.sockets.tables import sockets
from lab.stage import SECONDS, Stage
from lab.views import Mend, Printed, Rows

SITES = ("site1", "site2", "site3")
LAB = Lab(hosts=SITES)
SUBJECT = "fetch_pool"
SLOW = 4 * SECONDS
"""Each of these programs loads a hundred modules before it does anything, and so do its spawned workers."""
URLS = ("http://www.site-one.lab:8000/", "http://www.site-two.lab:8000/", "http://www.site-three.lab:8000/")
PAGES = " ".join(URLS)
WHO = "ps -N -u root -o pid,ppid,wchan:20,comm"
"""Which processes the user has: each one's parent, and where in the kernel it sleeps."""
REFUSED = "An attempt has been made to start a new process"
TOLD = r"200 Hello from (?P<site>site\d): fetched by (?P<worker>\d+), told to (?P<pid>\d+) in another thread"
CAME = r"200 Hello from (?P<site>site\d): fetched by \d+, told to (?P<pid>\d+) in .*"
"""Where nobody is frozen a worker may fetch two pages, or one so soon that its callback is called where it is added."""
ORDERED = r"3 pages asked for by \d+ in the main thread"
RATIO = "a switch between processes takes {} times as long as one between threads"

STEPS = (
    Step(
        "asked",
        answer="b",
        type=(
            Type("site1", "serve_site {site1} 8000", "waiting on {site1}:8000"),
            Type("site2", "serve_site {site2} 8000", "waiting on {site2}:8000"),
            Type("site3", "serve_site {site3} 8000", "waiting on {site3}:8000"),
            Type("site1", "^Z", "Stopped"),
            Type("site2", "^Z", "Stopped"),
            Type("site3", "^Z", "Stopped"),
            Type("client", f"fetch_pool {PAGES}", "3 pages asked for by"),
            Type("client2", "ss -tanp dport = :8000", r"(?s)(?:ESTAB .*fetch_pool.*){3}"),
            Type("client2", WHO, r"(?s)(?:fetch_pool.*){8}"),
        ),
        show=(Rows("asked", on=("client",)), Printed("who"), Rows("asked", on=("site1",))),
    ),
    Step(
        "answers",
        answer="c",
        type=(
            Type("site1", "fg %1", "asked for GET / HTTP/1.1"),
            Type("site2", "fg %1", "asked for GET / HTTP/1.1"),
            Type("site3", "fg %1", "asked for GET / HTTP/1.1"),
            Type("client", "echo status $?", "status 0"),
        ),
        show=(Printed("pool"),),
    ),
    Step(
        "refused",
        answer="b",
        type=(
            Type("site3", "^C", ""),
            Type("client", f"fetch_pool {PAGES}", "exception calling callback"),
            Type("client", "echo status $?", "status 0"),
            Type("site3", "serve_site {site3} 8000", "waiting on {site3}:8000"),
        ),
        show=(Printed("refused", only=r"^\d|exception calling|^requests\.exceptions|^workers"),),
    ),
    Step(
        "guard",
        answer="a",
        type=(
            Type("client", f"fetch_unguarded --method fork {URLS[0]}", "200 Hello from site1"),
            Type("client", f"fetch_unguarded --method spawn {URLS[0]}", REFUSED),
            Type("client", f"fetch_pool --method spawn {URLS[0]}", "(?s)workers started: 1.*200 Hello from site1"),
        ),
        show=(
            Printed("forked"),
            Printed("spawned", only=r"^\d|^RuntimeError|An attempt has been|^workers"),
            Mend("fetch_unguarded", "fetch_pool"),
            Printed("guarded"),
        ),
    ),
    Step(
        "shared",
        answer="b",
        type=(Type("client", "share_counter --count 4", "after 4 processes process .* holds counter 0"),),
        show=(Printed("shared"),),
    ),
    Step(
        "switch",
        answer="a",
        type=(Type("client", "switch_cost --times 15", "times as long as one between threads"),),
        show=(Printed("switch"),),
    ),
)


def play(stage: Stage) -> None:
    """Fetch from three sites that all keep still until each has been asked; once more without the third one."""
    with stage.step("asked"):
        sites = [stage.serve("serve_site", name=site, port=8000, on=site) for site in SITES]
        for site in sites:
            site.freeze()
        pool = stage.start("pool", "fetch_pool", *URLS, patience=SLOW)
        stage.snapshot(
            "asked",
            on=("client", *SITES),
            client=holders(3),
            site1=asked(),
            site2=asked(),
            site3=asked(),
            seconds=SLOW,
        )
        stage.shell("who", on="client", line=WHO, sees_all=True)
        pool.wait_says("pages asked for")

    with stage.step("answers"):
        for site in sites:
            site.thaw()
        pool.wait()

    with stage.step("refused"):
        sites[2].stop()
        stage.start("refused", "fetch_pool", *URLS, patience=SLOW).wait()
        stage.serve("serve_site", name="site3_again", port=8000, on="site3")

    with stage.step("guard"):
        stage.start("forked", "fetch_unguarded", "--method", "fork", URLS[0], patience=SLOW).wait()
        stage.start("spawned", "fetch_unguarded", "--method", "spawn", URLS[0], patience=SLOW).wait()
        stage.start("guarded", "fetch_pool", "--method", "spawn", URLS[0], patience=SLOW).wait()

    with stage.step("shared"):
        stage.start("shared", "share_counter", "--count", "4", patience=SLOW).wait()

    with stage.step("switch"):
        stage.start("switch", "switch_cost", "--times", "15", patience=SLOW).wait()


EXPECT = (
    sockets("asked", on="client", states=("ESTAB",), step="asked", id="three-connections", table="""
        State  Recv-Q  Send-Q  Local     Peer
        ESTAB  0       0       client:*  site1:8000
        ESTAB  0       0       client:*  site2:8000
        ESTAB  0       0       client:*  site3:8000
    """),
    held_by("asked", on="client", of="pool", count=3, step="asked", id="three-processes"),
    children("who", of="pool", count=7, step="asked", id="seven-workers"),
    abreast(SITES, on="client", step="asked", id="at-the-same-time"),
    sooner("pool", ORDERED, TOLD, step="asked", id="asked-before-answers"),
    own_words("pool", TOLD, count=3, step="answers", id="told-in-the-parent"),
    own_words("refused", CAME, count=2, step="refused", id="two-others"),
    printed("refused", matches="exception calling callback for .*", stream="stderr", step="refused", id="callback-raises"),
    exited("refused", 0, step="refused", id="swallowed"),
    own_words("forked", CAME, count=1, step="guard", id="fork-needs-no-guard"),
    printed("spawned", matches=rf"\s*{REFUSED} .*", stream="stderr", step="guard", id="spawn-refused"),
    never_printed("spawned", "200 .*", step="guard", id="spawn-fetches-nothing"),
    own_words("guarded", CAME, count=1, step="guard", id="spawn-with-guard"),
    said("guarded", "workers started: {}", 1, step="guard", id="spawned-on-demand"),
    printed("shared", matches=r"after 4 threads process \d+ holds counter 4", step="shared", id="threads-share"),
    printed("shared", matches=r"after 4 processes process \d+ holds counter 0", step="shared", id="processes-do-not"),
    said("switch", RATIO, ">0", step="switch", id="measured"),
)  # fmt: skip

CLAIMS = (
    # What it says of the cost is measured and shown, and not ruled on: how much is "much" is nowhere said, and the
    # interpreter's lock makes a switch between Python threads dearer than one of the kernel's alone.
    Claim("C1", cases={
        "processes": (printed("shared", matches=r"after 4 processes process \d+ holds counter 0", id="C1"), None),
        "threads": (printed("shared", matches=r"after 4 threads process \d+ holds counter 4", id="C1"), None),
    }),
    Claim("C12", cases={
        "callback": (own_words("pool", TOLD, count=3, id="C12"), None),
        "waiting": (
            held_by("asked", on="client", of="pool", count=1, id="C12"),
            held_by("asked", on="client", of="pool", count=3, id="C12"),
        ),
    }),
)  # fmt: skip
