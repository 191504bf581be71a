"""The reader of captures against tshark and tcptrace: whole processes, one big capture."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from lab.settings import PORT, ROOT
from tests.bench.numbers import Comparison, Goal, Row
from tests.bench.world import BrokenError, MissingError, World

SEGMENTS: Final = 500_000
_ROUNDS: Final = 4
_FIXTURE: Final = Path(__file__).parents[1] / "fixtures" / "captures" / "client-first.pcap"
_FIELDS: Final = (
    "frame.number", "frame.time_epoch", "ip.src", "ip.dst", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw",
    "tcp.flags", "tcp.window_size_value", "tcp.len",
)  # fmt: skip
_READ: Final = """
import sys
from pathlib import Path
from lab.wire.reading import read_capture
capture = read_capture(Path(sys.argv[1]).read_bytes(), where=sys.argv[1])
assert len(capture.segments) == int(sys.argv[2])
"""
_CONVERSATIONS: Final = """
import mmap
import sys
from lab.wire.columns.conversations import read_conversations
from lab.wire.columns.reading import read_columns
with open(sys.argv[1], "rb") as file:
    data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
found = read_conversations(read_columns(data, where=sys.argv[1]))
assert len(found.order) == int(sys.argv[2])
"""
_ONE_BY_ONE: Final = """
import sys
from pathlib import Path
from lab.wire.capture import parse_capture
from lab.wire.conversation import conversations
capture = parse_capture(Path(sys.argv[1]).read_bytes(), where=sys.argv[1])
for each in conversations(capture.segments):
    each.handshake, each.established, each.first_closer, each.close_segments, each.retransmissions, each.stragglers
    for segment in each.segments:
        each.relative(segment)
assert len(capture.segments) == int(sys.argv[2])
"""

_FILE_HEADER: Final = 24
_RECORD: Final = struct.Struct("<IIII")
_PORTS: Final = struct.Struct(">HH")
_IP_PROTOCOL: Final = 23
_TCP: Final = 6
_TCP_AT: Final = 34
_LEAST_PORT: Final = 1024
_MOST_PORTS: Final = 60_000
_APART_US: Final = 1_000

_Frame = tuple[int, bytes]
"""When it came (microseconds since the epoch), and what it was."""


def reading(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """Half a million segments read into the lab's records, against tshark printing their fields to nowhere.

    It takes tshark half a minute a round, so three rounds beside the warm-up must do. MissingError without tshark.
    """
    tshark = shutil.which("tshark")
    if tshark is None:
        raise MissingError("tshark")
    path = world.runs / "reading.pcap"
    write_capture(path, SEGMENTS)
    fields = [word for field in _FIELDS for word in ("-e", field)]
    lab, other = [], []
    for _ in itertools.islice(rounds, _ROUNDS):
        lab.append(_run(world, sys.executable, "-c", _READ, str(path), str(SEGMENTS)))
        other.append(_run(world, tshark, "-n", "-r", str(path), "-T", "fields", *fields))
    path.unlink()
    seconds = [tuple(each.seconds for each in half[1:]) for half in (lab, other)]
    sizes = {"lab": _peak(lab), "tshark": _peak(other)}
    return [Comparison("reading", seconds[0], seconds[1], Goal(1, faster=True), peaks=sizes)]


def reading_conversations(world: World, rounds: Iterable[int]) -> Sequence[Row]:
    """The same capture read to conversations with all their facts, by columns; processor time, not the clock's.

    Against tcptrace, tshark's table of conversations, and the lab's own exact way, one segment after another.
    MissingError without tcptrace or tshark.
    """
    programs = {name: shutil.which(name) or "" for name in ("tcptrace", "tshark")}
    for name, program in programs.items():
        if not program:
            raise MissingError(name)
    path = world.runs / "conversations.pcap"
    write_capture(path, SEGMENTS)
    words = str(path), str(SEGMENTS)
    commands = {
        "lab": (sys.executable, "-c", _CONVERSATIONS, *words),
        "tcptrace": (programs["tcptrace"], str(path)),
        "tshark": (programs["tshark"], "-n", "-q", "-z", "conv,tcp", "-r", str(path)),
        "exact": (sys.executable, "-c", _ONE_BY_ONE, *words),
    }
    used: dict[str, list[_Used]] = {name: [] for name in commands}
    for _ in itertools.islice(rounds, _ROUNDS):
        for name, command in commands.items():
            used[name].append(_run(world, *command))
    path.unlink()
    processor = {name: tuple(each.processor for each in some[1:]) for name, some in used.items()}
    peaks = {name: _peak(used[name]) for name in ("lab", "tcptrace", "tshark")}
    return [
        Comparison("conversations-tcptrace", processor["lab"], processor["tcptrace"], Goal(1, faster=True)),
        Comparison("conversations-tshark", processor["lab"], processor["tshark"], Goal(5, faster=True), peaks=peaks),
        Comparison("conversations-exact", processor["lab"], processor["exact"], Goal(10, faster=True)),
    ]


def write_capture(path: Path, segments: int) -> None:
    """Write a capture of so many segments: a recorded conversation again and again, each later and from another port.

    Checksums stay as they were recorded; neither reader looks at them.
    """
    data = _FIXTURE.read_bytes()
    frames = tuple(_segments(data))
    with path.open("wb") as file:
        file.write(data[:_FILE_HEADER])
        for number in range(segments):
            time_us, frame = frames[number % len(frames)]
            again = number // len(frames)
            seconds, rest = divmod(time_us + again * _APART_US, 1_000_000)
            moved = _from_port(frame, _LEAST_PORT + again % _MOST_PORTS)
            file.write(_RECORD.pack(seconds, rest, len(moved), len(moved)) + moved)


def _segments(data: bytes) -> Iterator[_Frame]:
    """Yield the frames of a little-endian capture in microseconds that carry TCP over IPv4 over Ethernet."""
    at = _FILE_HEADER
    while at < len(data):
        seconds, rest, kept, _ = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        frame = data[at : at + kept]
        at += kept
        if frame[_IP_PROTOCOL] == _TCP:
            yield seconds * 1_000_000 + rest, frame


def _from_port(frame: bytes, port: int) -> bytes:
    """Return the frame with another port for the client."""
    source, _ = _PORTS.unpack_from(frame, _TCP_AT)
    ports = _PORTS.pack(*((PORT, port) if source == PORT else (port, PORT)))
    return frame[:_TCP_AT] + ports + frame[_TCP_AT + _PORTS.size :]


class _Used(NamedTuple):
    """What a process took: seconds by the clock, seconds of processor time, bytes of memory at its peak."""

    seconds: float
    processor: float
    peak: int


def _peak(used: Sequence[_Used]) -> float:
    """Return the median peak, the round that warms up left out."""
    return statistics.median(each.peak for each in used[1:]) if used[1:] else 0


def _run(world: World, *command: str) -> _Used:
    """Run a process to its end.

    The kernel counts in what this process held when it started the other: little beside it.
    """
    begun = time.perf_counter()
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env=world.environment, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        process.wait()
        raise
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BrokenError(" ".join(command[:2]), f"exit status {process.returncode}")
    return _Used(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
