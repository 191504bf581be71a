"""Nothing takes longer by the square of how much there is: the work is counted, not timed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from lab.wire.conversation import Conversation, conversations
from lab.wire.infer import infer
from lab.wire.segment import Flags, Segment
from lab.wire.sequence import Ranges
from lab.wire.stream import read_stream
from tests.unit.wire.conftest import CLIENT, SERVER

ACK, SYN, FIN = Flags.ACK, Flags.SYN, Flags.FIN
FEW, MANY = 150, 600


def segment(number: int, seq: int, ack: int, flags: Flags, length: int = 0, *, back: bool = False) -> Segment:
    src, dst = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    return Segment(number, number * 1000, src, dst, seq, ack, flags, 500, b"x" * length, length)


def syns(count: int) -> list[Segment]:
    """SYNs of as many connections on one port pair."""
    return [segment(n, n * 100_000, 0, SYN) for n in range(1, count + 1)]


def reuse(count: int) -> list[Segment]:
    """Whole connections on one port pair, each with a late ACK of the one before."""
    made: list[Segment] = []
    for n in range(count):
        isn = n * 100_000
        for seq, ack, flags, back in [
            (isn, 0, SYN, False), (isn + 7, isn + 1, SYN | ACK, True), (isn + 1, isn + 8, ACK, False),
            (isn + 1, isn + 8, FIN | ACK, False), (isn + 8, isn + 2, FIN | ACK, True), (isn + 2, isn + 9, ACK, False),
            (isn - 99_998, isn - 99_991, ACK, False),
        ]:  # fmt: skip
            made.append(segment(len(made) + 1, seq % 2**32, ack % 2**32, flags, back=back))
    return made


def strangers(count: int) -> list[Segment]:
    """Connections on one port pair, then as many segments that fit none of them."""
    made = reuse(count)
    return made + [segment(len(made) + n, (1 + n % 2 * 3) * 900_000_000, 2_000_000_000, ACK) for n in range(count)]


def holes(count: int) -> list[Segment]:
    """Every other piece of data, then the pieces between, the last first; at the end all is acknowledged."""
    made = [segment(1, 99, 0, SYN), segment(2, 7, 100, SYN | ACK, back=True)]
    places = [*range(0, 2 * count, 2), *range(2 * count - 1, 0, -2)]
    for place in places:
        made.append(segment(len(made) + 1, 100 + 10 * place, 8, ACK, 10))
        made.append(segment(len(made) + 1, 8, 100, ACK, back=True))
    return [*made, segment(len(made) + 1, 8, 100 + 20 * count, ACK, back=True)]


def group(segments: list[Segment]) -> None:
    conversations(segments)


def read(segments: list[Segment]) -> None:
    for conversation in conversations(segments):
        everything(conversation)


def everything(conversation: Conversation) -> None:
    _ = conversation.retransmissions, conversation.stragglers, conversation.close_segments, conversation.handshake
    infer(conversation)
    for way in (True, False):
        stream = read_stream(conversation, from_client=way)
        for piece in stream.pieces:
            assert stream.pieces_of(piece.begin, piece.end) == (piece,)
    for each in conversation.segments:
        conversation.acknowledges(each)


def work(do: Callable[[], object]) -> int:
    """Return how many lines of this project's code were run."""
    lines = 0

    def trace(_frame: FrameType, event: str, _value: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        do()
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("do", [group, read])
@pytest.mark.parametrize("make", [syns, reuse, strangers, holes])
def test_four_times_as_much_takes_about_four_times_the_work(
    make: Callable[[int], list[Segment]], do: Callable[[list[Segment]], None]
) -> None:
    few, many = make(FEW), make(MANY)
    assert work(lambda: do(many)) < work(lambda: do(few)) * (MANY / FEW) * 1.25


def test_ranges_filled_from_the_end_take_no_search_through_all_of_them() -> None:
    def fill(count: int) -> None:
        ranges = Ranges()
        for place in [*range(0, 2 * count, 2), *range(2 * count - 1, 0, -2)]:
            ranges.add(place, place + 1)

    assert work(lambda: fill(MANY)) <= work(lambda: fill(FEW)) * (MANY / FEW)
