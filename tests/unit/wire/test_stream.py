from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.wire.conversation import Conversation, conversations
from lab.wire.segment import Flags, Segment
from lab.wire.sequence import MODULUS
from lab.wire.stream import Conflict, Ended, Gap, Stream, StreamError, read_stream
from tests.unit.wire.conftest import CLIENT, SERVER, Recorded

ISN = 1000
HELLO = b"hello, world"


def talk(*parts: tuple[int, bytes], isn: int = ISN, end: Flags | None = None, cut: int = 0) -> Conversation:
    """Return an opening and then the client's data at these offsets; `end` is its last segment's flag."""
    segments = [
        Segment(1, 1, CLIENT, SERVER, isn, 0, Flags.SYN, 500, b"", 0),
        Segment(2, 2, SERVER, CLIENT, 70, (isn + 1) % MODULUS, Flags.SYN | Flags.ACK, 500, b"", 0),
    ]
    for offset, data in parts:
        kept = data[:cut] if cut else data
        segments.append(_segment(len(segments) + 1, isn + 1 + offset, Flags.ACK, kept, len(data)))
    if end is not None:
        length = max((offset + len(data) for offset, data in parts), default=0)
        segments.append(_segment(len(segments) + 1, isn + 1 + length, end | Flags.ACK, b"", 0))
    (conversation,) = conversations(segments)
    return conversation


def _segment(number: int, seq: int, flags: Flags, data: bytes, length: int) -> Segment:
    return Segment(number, number * 1000, CLIENT, SERVER, seq % MODULUS, 71, flags, 500, data, length)


def sent(conversation: Conversation) -> Stream:
    return read_stream(conversation, from_client=True)


def test_segments_in_order_are_one_stream_that_knows_each_frame() -> None:
    stream = sent(talk((0, b"hel"), (3, b"lo"), end=Flags.FIN))
    assert (stream.data, stream.gaps, stream.conflicts) == (b"hello", (), ())
    assert [(piece.begin, piece.data, piece.frame) for piece in stream.pieces] == [(0, b"hel", 3), (3, b"lo", 4)]
    assert [stream.piece_at(offset).frame for offset in range(5)] == [3, 3, 3, 4, 4]
    assert (stream.ended, stream.end_frame, stream.whole) == (Ended.FIN, 5, True)


def test_data_out_of_order_stands_where_its_numbers_say() -> None:
    stream = sent(talk((3, b"lo"), (0, b"hel")))
    assert (stream.data, [piece.frame for piece in stream.pieces]) == (b"hello", [4, 3])
    assert stream.ended is Ended.OPEN


def test_of_a_byte_sent_twice_the_first_copy_stands_and_a_different_second_one_is_named() -> None:
    stream = sent(talk((0, b"hello"), (0, b"hello"), (3, b"LO!!"), (0, b"he")))
    assert stream.data == b"hello!!"
    assert stream.conflicts == (Conflict(3, 5),)


def test_a_repetition_that_brings_more_is_a_piece_from_where_it_is_new() -> None:
    stream = sent(talk((4, b"o"), (0, b"hello, ")))
    assert stream.data == b"hello, "
    assert [(piece.begin, piece.data, piece.frame) for piece in stream.pieces] == [
        (0, b"hell", 4),
        (4, b"o", 3),
        (5, b", ", 4),
    ]


def test_what_the_capture_missed_is_a_gap_and_the_data_ends_there() -> None:
    stream = sent(talk((0, b"he"), (4, b"o"), end=Flags.FIN))
    assert (stream.data, stream.gaps) == (b"he", (Gap(2, 4),))
    with pytest.raises(StreamError):
        stream.piece_at(3)
    assert stream.piece_at(4).frame == 4


def test_what_the_snap_length_cut_off_is_a_gap() -> None:
    assert sent(talk((0, HELLO), cut=5)).gaps == (Gap(5, len(HELLO)),)


def test_what_the_other_end_acknowledged_and_nobody_captured_is_a_gap() -> None:
    conversation = talk((0, b"he"))
    ack = Segment(9, 9000, SERVER, CLIENT, 71, ISN + 1 + 5, Flags.ACK, 500, b"", 0)
    seen = Conversation(conversation.client, conversation.server, (*conversation.segments, ack))
    assert sent(seen).gaps == (Gap(2, 5),)


def test_a_fin_that_was_acknowledged_is_no_gap() -> None:
    conversation = talk((0, b"he"), end=Flags.FIN)
    ack = Segment(9, 9000, SERVER, CLIENT, 71, ISN + 1 + 3, Flags.ACK, 500, b"", 0)
    seen = Conversation(conversation.client, conversation.server, (*conversation.segments, ack))
    assert sent(seen).gaps == ()


def test_a_reset_ends_both_streams_and_its_payload_is_no_data() -> None:
    conversation = talk((0, b"he"))
    reset = Segment(9, 9000, SERVER, CLIENT, 71, ISN + 3, Flags.RST | Flags.ACK, 500, b"go away", 7)
    seen = Conversation(conversation.client, conversation.server, (*conversation.segments, reset))
    for from_client in (True, False):
        stream = read_stream(seen, from_client=from_client)
        assert (stream.ended, stream.end_frame) == (Ended.RESET, 9)
    assert read_stream(seen, from_client=False).data == b""


def test_a_stream_without_its_syn_begins_with_the_first_byte_captured() -> None:
    segment = _segment(1, 5000, Flags.ACK, b"lo", 2)
    stream = sent(Conversation(CLIENT, SERVER, (segment,), whole=False))
    assert (stream.data, stream.whole) == (b"lo", False)


@pytest.mark.parametrize("name", ["client-first", "transfer", "retransmission", "half-close", "reset-unread", "ipv6"])
def test_a_recorded_stream_is_as_long_as_its_numbers_say(name: str, recorded: Recorded) -> None:
    for conversation in recorded(name):
        for from_client in (True, False):
            stream = read_stream(conversation, from_client=from_client)
            covered = sum(len(piece.data) for piece in stream.pieces) + sum(gap.end - gap.begin for gap in stream.gaps)
            ends = [piece.end for piece in stream.pieces] + [gap.end for gap in stream.gaps]
            assert covered == max(ends, default=0)
            assert stream.conflicts == ()


CUTS = st.lists(st.integers(1, 400), min_size=1, max_size=12)


@given(CUTS, st.integers(0, MODULUS - 1), st.data())
def test_any_order_with_any_repetition_gives_the_same_bytes(lengths: list[int], isn: int, draw: st.DataObject) -> None:
    whole = bytes(place % 251 for place in range(sum(lengths)))
    parts, at = [], 0
    for length in lengths:
        parts.append((at, whole[at : at + length]))
        at += length
    shuffled = draw.draw(st.permutations(parts))
    again = draw.draw(st.lists(st.tuples(st.integers(0, at - 1), st.integers(1, 500)), max_size=5))
    repeated = [(begin, whole[begin : begin + length]) for begin, length in again]
    stream = sent(talk(*shuffled, *repeated, isn=isn, end=Flags.FIN))
    assert (stream.data, stream.gaps, stream.conflicts) == (whole, (), ())
    assert b"".join(piece.data for piece in stream.pieces) == whole
    assert [piece.begin for piece in stream.pieces] == sorted(piece.begin for piece in stream.pieces)


@given(st.lists(st.tuples(st.integers(0, 200), st.binary(min_size=1, max_size=40)), min_size=1, max_size=10))
def test_whatever_was_sent_pieces_never_overlap_and_gaps_fill_the_rest(parts: list[tuple[int, bytes]]) -> None:
    stream = sent(talk(*parts))
    spans = sorted(
        [(piece.begin, piece.end) for piece in stream.pieces] + [(gap.begin, gap.end) for gap in stream.gaps]
    )
    assert spans[0][0] == 0
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert spans[-1][1] == max(begin + len(data) for begin, data in parts)


def test_the_other_direction_is_another_stream() -> None:
    assert read_stream(talk((0, b"hello")), from_client=False).pieces == ()
