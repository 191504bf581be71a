"""tshark is the oracle: its recorded answers always, and the tshark of this machine where there is one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from struct import pack, unpack_from
from typing import Any

import pytest

from lab.wire.capture import parse_capture
from lab.wire.conversation import conversations

CAPTURES = sorted((Path(__file__).parents[2] / "fixtures" / "captures").glob("*.pcap"))
FIELDS = (
    "frame.number",
    "tcp.stream",
    "tcp.seq",
    "tcp.ack",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.srcport",
    "tcp.flags",
    "tcp.len",
    "tcp.window_size_value",
)

Row = dict[str, str | None]


def ours(data: bytes) -> list[dict[str, Any]]:
    rows = []
    for stream, conversation in enumerate(conversations(parse_capture(data, where="fixture").segments)):
        for segment in conversation.segments:
            seq, ack = conversation.relative(segment)
            rows.append({
                "frame.number": segment.number,
                "tcp.stream": stream,
                "tcp.seq": seq,
                "tcp.ack": ack or 0,
                "tcp.seq_raw": segment.seq,
                "tcp.ack_raw": segment.ack,
                "tcp.srcport": segment.src.port,
                "tcp.flags": int(segment.flags),
                "tcp.len": segment.length,
                "tcp.window_size_value": segment.window,
            })  # fmt: skip
    return sorted(rows, key=lambda row: row["frame.number"])


def theirs(rows: list[Row]) -> list[dict[str, Any]]:
    return [{name: int(row[name] or "0", 0) & 0xFFFFFFFF for name in FIELDS} for row in rows]


def test_there_are_recordings() -> None:
    assert len(CAPTURES) >= 15


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_every_segment_reads_as_tshark_recorded_it(path: Path) -> None:
    recorded = json.loads(path.with_suffix(".tshark.json").read_text(encoding="utf-8"))
    assert recorded["tshark"].startswith("TShark")
    assert ours(path.read_bytes()) == theirs(recorded["frames"])


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_retransmissions_are_those_that_tshark_recorded(path: Path) -> None:
    recorded = json.loads(path.with_suffix(".tshark.json").read_text(encoding="utf-8"))
    expected = {int(row["frame.number"]) for row in recorded["frames"] if row["tcp.analysis.retransmission"]}
    if path.stem == "simultaneous":
        # tshark takes the S. of a simultaneous open for a repetition of the S; RFC 9293 figure 7 has both.
        assert expected == {3, 4}
        expected = set()
    found = conversations(parse_capture(path.read_bytes(), where=path.name).segments)
    assert {segment.number for each in found for segment in each.retransmissions} == expected


def raw_ip(data: bytes) -> bytes:
    """The capture with its Ethernet headers taken off."""
    return rewritten(data, 101, lambda frame: frame[14:])


def tagged(data: bytes) -> bytes:
    """The capture with an 802.1Q tag in every frame."""
    return rewritten(data, 1, lambda frame: frame[:12] + b"\x81\x00\x00\x05" + frame[12:])


def loopback(data: bytes) -> bytes:
    """The capture as BSD's loopback interface has it."""
    return rewritten(data, 0, lambda frame: b"\x02\0\0\0" + frame[14:])


def rewritten(data: bytes, linktype: int, change: Any) -> bytes:
    """The capture in the other byte order, in nanoseconds, its frames changed."""
    parts, at = [pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, linktype)], 24
    while at < len(data):
        seconds, fraction, kept, length = unpack_from("<IIII", data, at)
        frame = change(data[at + 16 : at + 16 + kept])
        parts.append(pack(">IIII", seconds, fraction, len(frame), length + len(frame) - kept) + frame)
        at += 16 + kept
    return b"".join(parts)


def of_tshark(path: Path) -> list[dict[str, Any]]:
    words = ["tshark", "-n", "-r", str(path), "-Y", "tcp", "-T", "fields", "-E", "occurrence=f"]
    words += [word for field in FIELDS for word in ("-e", field)]
    table = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return theirs([dict(zip(FIELDS, line.split("\t"), strict=True)) for line in table.splitlines()])


needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="no tshark here; its recorded answers were compared"
)


@needs_tshark
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_every_segment_reads_as_this_machines_tshark_has_it(path: Path) -> None:
    assert ours(path.read_bytes()) == of_tshark(path)


@needs_tshark
@pytest.mark.parametrize("change", [raw_ip, tagged, loopback])
def test_a_rewritten_capture_reads_as_this_machines_tshark_has_it(change: Any, tmp_path: Path) -> None:
    data = change(next(path for path in CAPTURES if path.stem == "full-queue").read_bytes())
    path = tmp_path / "rewritten.pcap"
    path.write_bytes(data)
    found = ours(data)
    assert len(found) > 10
    assert found == of_tshark(path)
