"""What is read by columns is what is read one by one, whatever the capture holds."""

from __future__ import annotations

import mmap
import subprocess
import sys
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.wire.capture import CaptureError, parse_capture
from lab.wire.columns.conversations import read_conversations
from lab.wire.columns.reading import read_columns
from lab.wire.columns.segments import SegmentColumns
from lab.wire.columns.views import views
from lab.wire.conversation import conversations
from lab.wire.reading import read_capture
from lab.wire.reading import read_conversations as read_conversations_of
from tests.unit.wire.both_ways import assert_alike, read, told_one_by_one
from tests.unit.wire.test_capture import TCP, file_of, ipv4, ipv6

FIXTURES = Path(__file__).parents[2] / "fixtures"
CAPTURES = sorted(FIXTURES.rglob("*.pcap"))


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_recorded_capture_reads_alike(path: Path) -> None:
    assert_alike(path.read_bytes())


LINKS = {1: (bytes(12), b""), 0: (b"", b""), 101: (b"", b""), 113: (bytes(14), b""), 276: (b"", bytes(18))}
"""What stands before and behind the type in each link type's header."""


@st.composite
def frames(draw: st.DrawFn) -> tuple[int, bytes]:
    """A frame of some link type that holds nearly always a TCP segment, wrapped in one of many ways."""
    linktype = draw(st.sampled_from(sorted(LINKS)))
    numbers = draw(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)))
    words = draw(st.sampled_from([5, 5, 5, 8, 15, 4, 0])) << 12 | draw(st.integers(0, 0xFFF))
    ports = draw(st.tuples(st.sampled_from([8000, 9]), st.sampled_from([8000, 40000])))
    body = pack(">HHIIHHHH", *ports, *numbers[:2], words, 500, numbers[2], 0) + draw(st.binary(max_size=50))
    version = draw(st.sampled_from([4, 4, 6]))
    if version == 4:
        packet = ipv4(
            body,
            options=draw(st.sampled_from([b"", b"", b"\x01" * 8])),
            fragment=draw(st.sampled_from([0, 0, 0, 0x2000, 0x4000, 0x2001, 1])),
            protocol=draw(st.sampled_from([6, 6, 6, 17])),
            total=draw(st.sampled_from([None, None, None, 0, 19, 44, 60, 60000])),
        )
    elif draw(st.booleans()):
        packet = ipv6(body, following=draw(st.sampled_from([6, 6, 6, 17, 44])))
    else:
        packet = ipv6(b"\x06\x00" + bytes(6) + body, following=draw(st.sampled_from([0, 44, 60])))
    ethertype = pack(">H", draw(st.sampled_from([{4: 0x0800, 6: 0x86DD}[version]] * 6 + [0x0806])))
    if linktype == 0:
        family = draw(st.sampled_from([2] if version == 4 else [10, 24, 28, 30])).to_bytes(
            4, draw(st.sampled_from(["little", "big"]))
        )
        return linktype, family + packet
    if linktype == 101:
        return linktype, packet
    tags = draw(st.sampled_from([(), (), (0x8100,), (0x88A8,), (0x88A8, 0x8100)]))
    types = b"".join(pack(">HH", tag, 7) for tag in tags) + ethertype
    before, behind = LINKS[linktype]
    return linktype, before + types[:2] + behind + types[2:] + packet


@given(
    st.lists(frames(), min_size=1, max_size=12),
    st.sampled_from("<>"),
    st.sampled_from([0, 1]),
    st.integers(30, 200),
    st.data(),
)
def test_frames_of_every_kind_read_alike(
    some: list[tuple[int, bytes]], order: str, nano: int, snap: int, data: st.DataObject
) -> None:
    linktype = some[0][0]
    whole = file_of(
        *(frame for kind, frame in some if kind == linktype), linktype=linktype, order=order, nano=bool(nano), snap=snap
    )
    assert_alike(whole)
    cut = data.draw(st.integers(0, len(whole)))
    assert read(read_columns, whole[:cut]) == read(parse_capture, whole[:cut])
    place, value = data.draw(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)))
    damaged = whole[:place] + bytes([value]) + whole[place + 1 :]
    assert read(read_columns, damaged) == read(parse_capture, damaged)


def test_a_segment_takes_the_bytes_that_are_stated() -> None:
    segments = read_columns((FIXTURES / "captures" / "transfer.pcap").read_bytes(), where="x")
    by_segment = [value for value in vars(segments).values() if getattr(value, "shape", None) == (len(segments),)]
    assert sum(each.itemsize for each in by_segment) == 53
    found = read_conversations(segments)
    by_place = [value for value in vars(found).values() if getattr(value, "shape", None) == (len(segments),)]
    assert sum(each.itemsize for each in by_place) == 16


def test_a_mapped_file_is_read_as_its_bytes_and_keeps_the_payload() -> None:
    path = FIXTURES / "captures" / "transfer.pcap"
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        segments = read_columns(mapped, where="x")
        assert list(segments) == list(parse_capture(path.read_bytes(), where="x").segments)
        assert segments[-1] == segments[len(segments) - 1]


def test_a_view_of_a_conversation_tells_what_the_conversation_does() -> None:
    for path in CAPTURES:
        segments = read_columns(path.read_bytes(), where="x")
        one_by_one = conversations(list(segments))
        found = views(segments)
        assert [told_one_by_one(each) for each in found] == [told_one_by_one(each) for each in one_by_one]
        assert [each.segments for each in found] == [each.segments for each in one_by_one]
        assert [each.first_closer for each in found] == [each.first_closer for each in one_by_one]


def test_a_large_capture_is_read_by_columns_and_a_small_one_is_not() -> None:
    small, large = (file_of(*[ipv4(TCP)] * count, linktype=101) for count in (9_999, 10_000))
    for data, by_columns in ((small, False), (large, True)):
        capture = read_capture(data, where="x")
        assert isinstance(capture.segments, SegmentColumns) == by_columns
        assert [len(each.segments) for each in read_conversations_of(capture)] == [capture.frames]
    with pytest.raises(CaptureError, match="cut short within packet 10000"):
        read_capture(large[:-1], where="x")


def test_commands_that_read_no_large_recording_do_without_numpy(tmp_path: Path) -> None:
    run = FIXTURES / "runs" / "ex03"
    for words in (["list"], ["judge", str(run)]):
        told = subprocess.run(
            [sys.executable, "-c", "import sys; from lab.cli import main; main(sys.argv[1:]); print('numpy' in sys.modules)", *words],
            check=True, capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip
        assert told.stdout.splitlines()[-1] == "False"
