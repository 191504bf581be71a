"""A whole small run, made by hand: one client, one server, and twenty more connections."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

from lab.exercise import Exercise, JudgedRun, Judgement, Type
from lab.exercise import Lab as LabNeeds
from lab.exercise import Step as PageStep
from lab.judge.claims import CaseResult, ClaimResult, Holds, Ruling
from lab.judge.verdict import Comparison, Look, Message, Pair, Result, Verdict, worst
from lab.recording.play import Action, Exit, Output, Party, Step, Stopped
from lab.recording.raw import CaptureRecord
from lab.recording.run import Run
from lab.recording.saved import SavedLab, SavedRun, SavedSnapshot, run_of, saved_form
from lab.report.seen import sightings
from lab.report.views import Looking
from lab.report.words import Words
from lab.views import Closes, Ladder, Printed, Rows
from lab.wire.segment import Endpoint, Flags
from tests.records import changed

HERE = Path(__file__).parent
SERVER, CLIENT = "192.168.1.102", "192.168.1.101"
BEGUN = 1_700_000_000_000_000_000
MS = 1_000_000
CLIENT_ISN, SERVER_ISN = 3_000_000_000, 4_294_967_290

_FLAGS = {"S": Flags.SYN, "F": Flags.FIN, "P": Flags.PSH, "R": Flags.RST, ".": Flags.ACK}


@dataclass
class Wire:
    """Writes a capture: `say` appends one segment of the conversation between a port of the client and port 8000."""

    frames: bytes = b""
    count: int = 0

    def say(
        self,
        at_us: float,
        port: int,
        letters: str,
        seq: int,
        ack: int | None = None,
        data: bytes = b"",
        *,
        client: bool,
    ) -> None:
        """Append a segment; `seq` and `ack` are relative to the two ISNs."""
        flags = Flags(0)
        for letter in letters:
            flags |= _FLAGS[letter]
        isns = (CLIENT_ISN, SERVER_ISN) if client else (SERVER_ISN, CLIENT_ISN)
        ends = ((CLIENT, port), (SERVER, 8000)) if client else ((SERVER, 8000), (CLIENT, port))
        tcp = struct.pack(
            ">HHIIBBHHH",
            ends[0][1],
            ends[1][1],
            (isns[0] + seq) % 2**32,
            0 if ack is None else (isns[1] + ack) % 2**32,
            5 << 4,
            flags,
            64240,
            0,
            0,
        )
        addresses = b"".join(ip_address(end[0]).packed for end in ends)
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0) + addresses
        frame = b"\x02" * 6 + b"\x04" * 6 + b"\x08\x00" + ip + tcp + data
        time_ns = BEGUN + round(at_us * 1000)
        self.frames += struct.pack("<IIII", time_ns // 10**9, time_ns % 10**9, len(frame), len(frame)) + frame
        self.count += 1

    def file(self) -> bytes:
        """Return the capture file: classic pcap, nanoseconds, Ethernet."""
        return struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1) + self.frames


def record_wire() -> Wire:
    """Return the run's capture: client `a` on port 58132, then twenty short connections of which two close in four."""
    wire = Wire()
    wire.say(10_000, 58132, "S", 0, client=True)
    wire.say(10_038, 58132, "S.", 0, 1, client=False)
    wire.say(10_061, 58132, ".", 1, 1, client=True)
    wire.say(40_100, 58132, "P.", 1, 1, b"hello", client=True)
    wire.say(40_150, 58132, ".", 1, 6, client=False)
    wire.say(40_320, 58132, "P.", 1, 6, b"HELLO", client=False)
    wire.say(40_350, 58132, ".", 6, 6, client=True)
    wire.say(70_000, 58132, "P.", 6, 6, b"exit", client=True)
    wire.say(70_040, 58132, ".", 6, 10, client=False)
    wire.say(70_300, 58132, "F.", 6, 10, client=False)
    wire.say(70_340, 58132, ".", 10, 7, client=True)
    wire.say(70_900, 58132, "F.", 10, 7, client=True)
    wire.say(70_931, 58132, ".", 7, 11, client=False)
    for number in range(20):
        at, port = 100_000 + 1000 * number, 58200 + number
        wire.say(at, port, "S", 0, client=True)
        wire.say(at + 30, port, "S.", 0, 1, client=False)
        wire.say(at + 50, port, ".", 1, 1, client=True)
        wire.say(at + 100, port, "F.", 1, 1, client=True)
        if number % 10 == 0:
            wire.say(at + 120, port, ".", 1, 2, client=False)
            wire.say(at + 200, port, "F.", 1, 2, client=False)
        else:
            wire.say(at + 140, port, "F.", 1, 2, client=False)
        wire.say(at + 220, port, ".", 2, 2, client=True)
    return wire


HEAD = "State      Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n"
LISTEN = 'LISTEN     0      5      192.168.1.102:8000  0.0.0.0:*         users:(("serve_blocking",pid=12,fd=3))\n'
SERVER_ESTAB = (
    'ESTAB      0      0      192.168.1.102:8000  192.168.1.101:58132 users:(("serve_blocking",pid=12,fd=4))\n'
)
CLIENT_ESTAB = 'ESTAB      0      0      192.168.1.101:58132 192.168.1.102:8000 users:(("prompt",pid=9,fd=3))\n'
SERVER_WAITS = "TIME-WAIT  0      0      192.168.1.102:8000  192.168.1.101:58132 timer:(timewait,59sec,0)\n"
DNS = "LISTEN     0      4096   127.0.0.11:45217    0.0.0.0:*\n"


def snapshot(name: str, step: str, host: str, at_ms: float, rows: str, *, timed_out: bool = False) -> SavedSnapshot:
    """Return what `ss` printed."""
    at = BEGUN + round(at_ms * MS)
    waited = "a is ESTAB"
    return SavedSnapshot(
        name, step, host, "ss -tanpo", at, at + 4 * MS, HEAD + DNS + rows, waited, timed_out, f"ss/{name}.{host}.txt"
    )


def a_run() -> Run:
    """Return the evidence of a run in which all went well."""
    wire = record_wire()
    listening, dialled = Endpoint(SERVER, 8000), Endpoint(CLIENT, 58132)
    saved = SavedRun(
        exercise="ex03",
        begun_ns=BEGUN,
        ended_ns=BEGUN + 130 * MS,
        lab=SavedLab("socketlab", "192.168.1.0/24", {"server": SERVER, "client": CLIENT}),
        steps=(
            Step("connects", BEGUN + 8 * MS, BEGUN + 30 * MS),
            Step("talks", BEGUN + 40 * MS, BEGUN + 60 * MS),
            Step("server_first", BEGUN + 69 * MS, BEGUN + 90 * MS),
            Step("three_or_four", BEGUN + 95 * MS, BEGUN + 125 * MS),
        ),
        parties=(
            Party("server", "server", "server", "serve_blocking", f"serve_blocking {SERVER} 8000", 12, listening, None),
            Party("a", "client", "client", "prompt", f"prompt {SERVER} 8000", 9, dialled, listening),
        ),
        actions=(
            Action("connects", BEGUN + 9 * MS, "a", "connect", "prompt"),
            Action("talks", BEGUN + 40 * MS, "a", "say", "hello"),
            Action("server_first", BEGUN + 69 * MS, "a", "say", "exit"),
        ),
        outputs=(
            Output(BEGUN + 11 * MS, "a", "stdout", "connected"),
            Output(BEGUN + 41 * MS, "a", "stdout", "HELLO"),
        ),
        exits=(),
        snapshots=(
            snapshot("listening", "connects", "server", 5, LISTEN),
            snapshot("listening", "connects", "client", 5, ""),
            snapshot("connected", "connects", "server", 15, LISTEN + SERVER_ESTAB),
            snapshot("connected", "connects", "client", 15, CLIENT_ESTAB),
            snapshot("after_exit", "server_first", "server", 80, LISTEN + SERVER_WAITS),
            snapshot("after_exit", "server_first", "client", 80, ""),
        ),
        samplings=(),
        counters=(),
        captures=(
            CaptureRecord("server", wire.file(), wire.count, wire.count, 0, died=False, file="server.pcap"),
            CaptureRecord("client", wire.file(), wire.count, wire.count, 0, died=False, file="client.pcap"),
        ),
        stopped=None,
        environment={"kernel": "6.18.5"},
    )
    return run_of(saved)


def an_exercise() -> Exercise:
    """Return the exercise that the run is one of; its expectations are not judged here."""
    return Exercise(
        number=3,
        slug="handshake-teardown",
        folder=HERE / "exercise",
        lab=LabNeeds(),
        subject="serve_blocking",
        steps=(
            PageStep(
                "connects",
                answer="c",
                type=(
                    Type("client", "prompt {server} 8000", "connected"),
                    Type("watcher", "ss -tanp sport = :8000", "ESTAB"),
                ),
                show=(Ladder("a", "open"), Rows("connected", since="listening")),
            ),
            PageStep(
                "talks", answer="c", type=(Type("client", "hello", "HELLO"),), show=(Printed("a"), Ladder("a", "data"))
            ),
            PageStep(
                "server_first",
                answer="a",
                type=(Type("client", "exit", ""), Type("watcher", "ss -tano sport = :8000", "TIME-WAIT")),
                show=(Ladder("a", "close"), Rows("after_exit", since="connected")),
            ),
            PageStep("three_or_four", show=(Closes(),)),
        ),
        play=lambda _stage: None,
        expect=(),
        claims=(),
    )


def passed(identity: str, step: str | None) -> Result:
    """Return a result that holds."""
    return Result(identity, step, Verdict.PASS, Message("as-expected"), Message("as-expected"))


def judgement(*results: Result) -> Judgement:
    """Return a judgement with these results and the claims of the run."""
    claims = (
        ClaimResult("B3", Ruling.CONFIRMED, (CaseResult("always", Holds.SAYS, (), ()),)),
        ClaimResult("B4", Ruling.REFUTED, (CaseResult("always", Holds.INSTEAD, (), ()),)),
        ClaimResult(
            "B15",
            Ruling.REFINED,
            (CaseResult("frozen", Holds.SAYS, (), ()), CaseResult("quick", Holds.INSTEAD, (), ())),
        ),
    )
    return Judgement(worst(result.verdict for result in results), results, claims)


STEPS_OF = {
    "handshake": "connects",
    "second-socket": "connects",
    "agree": "connects",
    "upper": "talks",
    "time-wait": "server_first",
}


def all_well() -> Judgement:
    """Return the judgement of a run in which everything holds."""
    return judgement(*(passed(identity, step) for identity, step in STEPS_OF.items()))


ROWS = Comparison(
    ("State", "Recv-Q", "Send-Q", "Local", "Peer", "Process"),
    (
        Pair(
            ("LISTEN", "0", "5", "192.168.1.102:8000", "*", "serve_blocking fd=3"),
            ("LISTEN", "0", "5", "192.168.1.102:8000", "*", "serve_blocking fd=3"),
            frozenset(),
        ),
        Pair(
            ("LAST-ACK", "0", "0", "192.168.1.102:8000", "192.168.1.101:58132", "-"),
            ("CLOSE-WAIT", "1", "0", "192.168.1.102:8000", "192.168.1.101:58132", "my_server fd=4"),
            frozenset({0, 1, 5}),
        ),
        Pair(None, ("SYN-RECV", "0", "0", "192.168.1.102:8000", "192.168.1.101:58140", ""), frozenset()),
        Pair(("TIME-WAIT", "0", "0", "192.168.1.102:8000", "192.168.1.101:58150", ""), None, frozenset()),
    ),
)
SEGMENTS = Comparison(
    ("From", "To", "Flags"),
    (
        Pair(("server", "client:a", "F."), ("client:a", "server", "F."), frozenset({0, 1})),
        Pair(("client:a", "server", "."), ("server", "client:a", "."), frozenset({0, 1})),
    ),
)


def all_verdicts() -> Judgement:
    """Return a judgement with each of the four verdicts and both shapes of comparison."""
    return judgement(
        passed("handshake", "connects"),
        Result(
            "second-socket",
            "connects",
            Verdict.FAIL,
            Message("rows", {"count": 3}),
            Message("differs"),
            ROWS,
            (Look("ss/connected.server.txt", line=3), Look("server.pcap", frame=9)),
        ),
        Result("agree", "connects", Verdict.INCONCLUSIVE, Message("as-expected"), Message("dropped")),
        Result("time-wait", "server_first", Verdict.FAIL, Message("first"), Message("first-other"), SEGMENTS),
        Result("traced", "server_first", Verdict.CANNOT_RUN, Message("as-expected"), Message("no-trace")),
        passed("counted", None),
    )


def a_stopped_run() -> Run:
    """Return the evidence of a run that stopped while the two talked, since the server broke down."""
    whole = a_run()
    last = "the server closed the connection; server: AttributeError: 'bytes' object has no attribute 'toupper'"
    return without(
        whole,
        steps=whole.play.steps[:2],
        outputs=(*whole.play.outputs[:1], Output(BEGUN + 41 * MS, "a", "stdout", "the server closed the connection")),
        snapshots=saved_form(whole).snapshots[:4],
        stopped=Stopped("talks", "a", "ended-early", last),
    )


def all_stopped() -> Judgement:
    """Return the judgement of the run that stopped: two steps are judged, and what follows was not reached."""
    not_reached = Message("stopped")
    return judgement(
        *(passed(identity, "connects") for identity in ("handshake", "second-socket", "agree")),
        Result("upper", "talks", Verdict.FAIL, Message("as-expected"), Message("differs")),
        Result("time-wait", "server_first", Verdict.FAIL, Message("as-expected"), not_reached),
        Result("counted", "three_or_four", Verdict.FAIL, Message("as-expected"), not_reached),
    )


def all_well_but_a_claim() -> Judgement:
    """Return the judgement of a run in which every expectation holds, and neither side of a claim."""
    return replace(all_well(), verdict=Verdict.FAIL, claims=(ClaimResult("B4", Ruling.BROKEN),))


def ended(actor: str, status: int) -> Exit:
    """Return the end of a program."""
    return Exit(BEGUN + 90 * MS, actor, status)


def without(evidence: Run, **changes: object) -> Run:
    """Return the evidence with some records replaced."""
    return changed(evidence, **changes)


def judged(judgement: Judgement, run: Run | None = None, exercise: Exercise | None = None) -> JudgedRun:
    """Return a run as it was judged: that in which all went well, by the exercise of these tests, unless told."""
    return JudgedRun(exercise or an_exercise(), run or a_run(), judgement, Path("runs/ex03/latest"))


def looking(run: Run, words: Words) -> Looking:
    """Return what the views of a run are drawn from."""
    return Looking(judged(all_well(), run), sightings(run.recording), words)
