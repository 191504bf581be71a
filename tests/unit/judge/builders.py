"""Small runs written by hand: captures from a script of segments, `ss` texts, whole evidence."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from lab.recording.play import Exit, Output, Party, Step
from lab.recording.raw import CaptureRecord
from lab.recording.recording import Sample
from lab.recording.run import Run
from lab.recording.saved import SavedLab, SavedReading, SavedRun, SavedSampling, SavedSnapshot, run_of
from lab.wire.segment import Endpoint
from tests.records import distinct

SERVER = Endpoint("192.168.1.102", 8000)
A = Endpoint("192.168.1.101", 58132)
B = Endpoint("192.168.1.101", 59438)
BEGUN = 1_700_000_000_000_000_000
MS = 1_000_000

OPEN = ("> S", "< S.", "> .")
TALK = ("> P. hello", "< .", "< P. HELLO", "> .")
SERVER_FIRST = ("> P. exit", "< F.", "> .", "> F.", "< .")
CLIENT_FIRST = ("> F.", "< .", "< F.", "> .")

_LETTERS = {"F": 1, "S": 2, "R": 4, "P": 8, ".": 16}


@dataclass
class Frame:
    time_ns: int
    data: bytes


@dataclass
class Talk:
    """A conversation: `> S` is from the client, `< P. HELLO` from the server; numbers follow by themselves."""

    client: Endpoint = A
    server: Endpoint = SERVER
    begun_ns: int = BEGUN + 10 * MS
    every_ns: int = 10_000
    next: dict[str, int] = field(default_factory=lambda: {">": 4_294_967_290, "<": 5000})

    def frames(self, *script: str) -> list[Frame]:
        return [self._frame(n, *line.split(" ", 2)) for n, line in enumerate(script)]

    def _frame(self, n: int, way: str, letters: str, text: str = "") -> Frame:
        payload = text.encode()
        flags = sum(_LETTERS[letter] for letter in letters)
        src, dst = (self.client, self.server) if way == ">" else (self.server, self.client)
        other = "<" if way == ">" else ">"
        ack = self.next[other] if flags & 16 else 0
        tcp = struct.pack("!HHIIBBHHH", src.port, dst.port, self.next[way], ack, 5 << 4, flags, 64240, 0, 0) + payload
        self.next[way] = (self.next[way] + len(payload) + bool(flags & 3)) % 2**32
        return Frame(self.begun_ns + n * self.every_ns, _ethernet(src.address, dst.address, tcp))


def _ethernet(src: str, dst: str, tcp: bytes) -> bytes:
    ends = bytes(int(part) for part in f"{src}.{dst}".split("."))
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + ends
    return bytes(12) + b"\x08\x00" + ip + tcp


def pcap(frames: Iterable[Frame]) -> bytes:
    """Return a classic pcap file with ns stamps, Ethernet."""
    header = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)
    records = (
        struct.pack("<IIII", *divmod(frame.time_ns, 10**9), len(frame.data), len(frame.data)) + frame.data
        for frame in sorted(frames, key=lambda frame: frame.time_ns)
    )
    return header + b"".join(records)


def capture(host: str, *script: str, frames: list[Frame] | None = None, **changes: Any) -> CaptureRecord:
    """Return the capture of a conversation of client `a`, or of these frames."""
    frames = Talk().frames(*script) if frames is None else frames
    count = len(frames)
    record = CaptureRecord(host, pcap(frames), count, count, 0, died=False, file=f"{host}.pcap")
    return replace(record, **changes)


HEADER = "State      Recv-Q Send-Q Local Address:Port  Peer Address:Port Process"


def ss(*rows: str) -> str:
    """Return what ss prints: a header, Docker's own DNS, and these rows."""
    dns = "LISTEN     0      4096      127.0.0.11:41219      0.0.0.0:*"
    return "\n".join((HEADER, dns, *rows)) + "\n"


def row(
    state: str,
    recv_q: int,
    send_q: int,
    local: object,
    peer: object = "0.0.0.0:*",
    holder: str = "",
    timer: str = "",
) -> str:
    """Return a row of ss; holder such as `serve_blocking 41 4` (name, pid, descriptor)."""
    users = ""
    if holder:
        name, pid, fd = holder.split()
        users = f' users:(("{name}",pid={pid},fd={fd}))'
    return f"{state:<10} {recv_q:<6} {send_q:<6} {local} {peer}{users}{f' timer:({timer})' if timer else ''}"


LISTENING = row("LISTEN", 0, 5, SERVER, holder="serve_blocking 41 3")
SERVING_A = row("ESTAB", 0, 0, SERVER, A, holder="serve_blocking 41 4")
CLIENT_A = row("ESTAB", 0, 0, A, SERVER, holder="prompt 17 3")


def snapshot(name: str, host: str, *rows: str, **changes: Any) -> SavedSnapshot:
    record = SavedSnapshot(
        name=name,
        step="connects",
        host=host,
        command="ss -tanpo",
        begun_ns=BEGUN + 20 * MS,
        ended_ns=BEGUN + 25 * MS,
        text=ss(*rows),
        waited_for=None,
        timed_out=False,
        file=f"ss/{name}.{host}.txt",
    )
    return replace(record, **changes)


def sampling(*texts: str, **changes: Any) -> SavedSampling:
    record = SavedSampling(
        name="frozen",
        step="connects",
        host="server",
        command="ss -tanpo",
        begun_ns=BEGUN,
        ended_ns=BEGUN + 100 * MS,
        polls=12,
        samples=tuple(Sample(BEGUN + n * 10 * MS, text) for n, text in enumerate(texts)),
        file="samples/frozen.server.txt",
    )
    return replace(record, **changes)


def party(name: str, role: str, pid: int, program: str, **ends: Endpoint) -> Party:
    host = "server" if role == "server" else "client"
    return Party(name, role, host, program, program, pid, ends.get("local"), ends.get("remote"))


def evidence(**changes: Any) -> Run:
    """Return a run in which client `a` connected and said hello; `b` is known but has no record of its own."""
    record = SavedRun(
        exercise="ex03",
        begun_ns=BEGUN,
        ended_ns=BEGUN + 1000 * MS,
        lab=SavedLab("lab", "192.168.1.0/24", {"server": SERVER.address, "client": A.address}),
        steps=(Step("connects", BEGUN, BEGUN + 1000 * MS),),
        parties=(
            party("server", "server", 41, "serve_blocking", local=SERVER),
            party("a", "client", 17, "prompt", local=A, remote=SERVER),
            party("b", "client", 18, "prompt", local=B, remote=SERVER),
        ),
        actions=(),
        outputs=(Output(BEGUN, "a", "stdout", "connected"), Output(BEGUN + MS, "a", "stdout", "HELLO")),
        exits=(Exit(BEGUN + 2 * MS, "a", 0), Exit(BEGUN + 3 * MS, "b", -9)),
        snapshots=(
            snapshot("connected", "server", LISTENING, SERVING_A),
            snapshot("connected", "client", CLIENT_A),
        ),
        samplings=(sampling(ss(LISTENING), ss(LISTENING, SERVING_A)),),
        counters=(
            SavedReading("before", "connects", "server", BEGUN, {"TcpPassiveOpens": 3, "TcpExtListenOverflows": 7}),
            SavedReading("after", "connects", "server", BEGUN, {"TcpPassiveOpens": 4, "TcpExtListenOverflows": 7}),
        ),
        captures=(capture("server", *OPEN, *TALK), capture("client", *OPEN, *TALK)),
        stopped=None,
        environment={"kernel": "6.18"},
    )
    return run_of(distinct(replace(record, **changes)))
