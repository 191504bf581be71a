from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from lab.kernel.ring import parse_kernel_trace
from lab.wire.capture import parse_capture
from lab.wire.conversation import conversations
from tests.bench.multiply import later_captures, later_traces

FIXTURES = Path(__file__).parents[2] / "fixtures"
SERVER = FIXTURES / "runs" / "ex03" / "server.pcap"
TIMES = 3
HOUR_NS = 3_600_000_000_000


@pytest.mark.parametrize("name", ["server-first", "epoll", "held", "overrun"])
def test_each_record_of_the_kernel_comes_again_so_much_later(name: str) -> None:
    data = gzip.decompress((FIXTURES / "kernel" / f"{name}.trace.gz").read_bytes())
    once = parse_kernel_trace(data, where=name)
    many = parse_kernel_trace(later_traces(data, TIMES, HOUR_NS), where=name)
    assert [each[1:] for each in many.transitions] == [each[1:] for each in once.transitions] * TIMES
    apart = [number * HOUR_NS for number in range(TIMES)]
    assert [each.time_ns for each in many.transitions] == [
        each.time_ns + later for later in apart for each in once.transitions
    ]
    assert len(many.calls) == len(once.calls) * TIMES
    assert many.ended_ns == once.ended_ns + apart[-1]


def test_a_time_written_out_in_full_is_moved_too() -> None:
    data = gzip.decompress((FIXTURES / "kernel" / "server-first.trace.gz").read_bytes())
    line, _, pages = data.partition(b"\n")
    stamp = 0x1234_5678_9ABC
    # In the place of the first record's eight bytes: a stamp (type 31), then the rest of that record as padding.
    word = int.from_bytes(pages[16:20], "little")
    size = (word & 31) * 4
    told = ((stamp & (1 << 27) - 1) << 5 | 31).to_bytes(4, "little") + (stamp >> 27).to_bytes(4, "little")
    rest = (29 | 1 << 5).to_bytes(4, "little") + (size - 8).to_bytes(4, "little")
    stamped = line + b"\n" + pages[:16] + told + rest + pages[16 + 16 :]
    once, many = (later_traces(stamped, times, 1000) for times in (1, 2))
    assert once.partition(b"\n")[2] == stamped.partition(b"\n")[2]
    moved = many.partition(b"\n")[2]
    page = 4096
    at = moved.index((stamp + 1000 >> 27).to_bytes(4, "little"), page)
    low = int.from_bytes(moved[at - 4 : at], "little")
    assert (low & 31, low >> 5) == (31, stamp + 1000 & (1 << 27) - 1)


def test_each_conversation_comes_again_with_other_sequence_numbers() -> None:
    data = SERVER.read_bytes()
    once = parse_capture(data, where="once")
    many = parse_capture(later_captures(data, TIMES, HOUR_NS), where="many")
    assert many.frames == once.frames * TIMES
    assert len(conversations(many.segments)) == len(conversations(once.segments)) * TIMES
    first, again = conversations(once.segments)[0], conversations(many.segments)[len(conversations(once.segments))]
    assert [first.relative(each) for each in first.segments] == [again.relative(each) for each in again.segments]
    assert again.segments[0].time_ns == first.segments[0].time_ns + HOUR_NS
    assert again.segments[0].seq != first.segments[0].seq
    assert again.segments[0].ack == first.segments[0].ack == 0


def test_a_capture_in_microseconds_is_refused() -> None:
    with pytest.raises(ValueError, match="nanoseconds"):
        later_captures(b"\xd4\xc3\xb2\xa1", 2, 1)
