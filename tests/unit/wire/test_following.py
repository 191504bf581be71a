"""A capture followed while it is written tells the same as when it is read afterwards."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from lab.wire.capture import CaptureError, parse_capture
from lab.wire.following import CaptureFollower
from lab.wire.segment import Segment

RUNS = Path(__file__).parents[2] / "fixtures" / "runs"
CAPTURES = sorted(RUNS.rglob("*.pcap"))


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
@pytest.mark.parametrize("seed", range(3))
def test_in_pieces_it_tells_the_same(path: Path, seed: int) -> None:
    data, random = path.read_bytes(), Random(seed)
    whole = parse_capture(data, where=path.name)
    follower = CaptureFollower(path.name)
    found: list[Segment] = []
    while data:
        size = random.choice((1, 3, 20, 300, 5000))
        found += follower.take(data[:size])
        data = data[size:]
    assert tuple(found) == whole.segments
    assert follower.frames == whole.frames


def test_numbers_of_the_other_byte_order_are_read_too() -> None:
    little = bytes.fromhex("4d3cb2a1 0200 0400") + bytes(12) + (1).to_bytes(4, "little")
    big = bytes.fromhex("a1b23c4d 0002 0004") + bytes(12) + (1).to_bytes(4, "big")
    for header, order in ((little, "little"), (big, "big")):
        frame = b"".join(number.to_bytes(4, order) for number in (1, 2, 60, 60)) + bytes(60)  # type: ignore[arg-type]
        follower = CaptureFollower("capture")
        follower.take(header + frame[:30])
        assert follower.frames == 0
        follower.take(frame[30:])
        assert follower.frames == 1


def test_what_is_no_capture_is_refused() -> None:
    with pytest.raises(CaptureError):
        CaptureFollower("tcpdump on server").take(b"tcpdump: eth0: no such device exists")


def test_a_frame_of_an_impossible_length_is_refused() -> None:
    header = bytes.fromhex("4d3cb2a1 0200 0400") + bytes(12) + (1).to_bytes(4, "little")
    with pytest.raises(CaptureError):
        CaptureFollower("capture").take(header + b"\xff" * 16)
