"""What grows with the square of a capture's length is nothing: work is counted, not timed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import pytest

from lab.wire.columns.conversations import read_conversations
from lab.wire.columns.reading import read_columns
from lab.wire.segment import Endpoint, Flags, Segment
from tests.unit.wire.both_ways import pcap_of
from tests.unit.wire.test_properties import CLIENT, SERVER, Talk, renumbered


def work(act: Callable[[], object]) -> int:
    """How many calls of functions it takes, Python's and those in C."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(before)
    return calls


def segment(src: Endpoint, seq: int, ack: int, flags: Flags, length: int = 0) -> Segment:
    return Segment(1, 1, src, SERVER if src == CLIENT else CLIENT, seq % 2**32, ack % 2**32, flags, 500, b"", length)


def both(data: bytes) -> None:
    read_conversations(read_columns(data, where="x"))


def many_syns(count: int) -> list[Segment]:
    return [segment(CLIENT, number * 1000, 0, Flags.SYN) for number in range(count)]


def one_port_again_and_again(count: int) -> list[Segment]:
    found: list[Segment] = []
    for number in range(count // 3):
        talk = Talk(number * 5000, number * 7000)
        talk.open()
        found += talk.segments
    return found


def syns_with_old_numbers(count: int) -> list[Segment]:
    return [segment(CLIENT, number % 2 * 10**6 + number, 0, Flags.SYN) for number in range(count)]


def holes_filled_later(count: int) -> list[Segment]:
    talk = Talk(0, 0)
    talk.open()
    later = [segment(CLIENT, 1 + 20 * number, 1, Flags.ACK, 10) for number in range(count // 2)]
    filling = [segment(CLIENT, 11 + 20 * number, 1, Flags.ACK, 10) for number in reversed(range(count // 2))]
    return [*talk.segments, *later, *filling]


@pytest.mark.parametrize("made", [many_syns, one_port_again_and_again, syns_with_old_numbers, holes_filled_later])
def test_twice_the_segments_take_twice_the_work(made: Callable[[int], list[Segment]]) -> None:
    once, twice = (work(partial(both, pcap_of(renumbered(made(count))))) for count in (600, 1200))
    assert twice < 2.2 * once


@pytest.mark.parametrize(("made", "count"), [(many_syns, 300), (one_port_again_and_again, 100)])
def test_ports_used_again_are_told_by_columns(made: Callable[[int], list[Segment]], count: int) -> None:
    data = pcap_of(renumbered(made(300)))
    found = read_conversations(read_columns(data, where="x"))
    assert not found.exact.any()
    assert len(found) == count
