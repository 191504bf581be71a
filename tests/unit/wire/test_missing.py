"""Captures that lack a part: the opening, one direction, what was before, more than a window."""

from __future__ import annotations

import pytest

from lab.wire.conversation import Conversation, conversations
from lab.wire.infer import infer
from lab.wire.segment import Segment
from lab.wire.sequence import MODULUS
from lab.wire.stream import Ended, read_stream
from tests.unit.wire.conftest import Ladder

OPENING = "> S 100 \n < S. 500 101 \n > . 101 501 \n"
GIB = 1 << 30


def only(segments: tuple[Segment, ...]) -> Conversation:
    (conversation,) = conversations(segments)
    return conversation


def states(conversation: Conversation) -> list[tuple[str, str]]:
    return [(each.client.value, each.server.value) for each in infer(conversation)]


def presumed(conversation: Conversation) -> list[int]:
    return [each.segment.number for each in infer(conversation) if each.from_less]


@pytest.mark.parametrize(
    ("lines", "last", "less"),
    [
        pytest.param("> S 100 \n > P. 101 501 +5", ("ESTAB", "ESTAB"), [2], id="the SYN-ACK is missing, client's data"),
        pytest.param("> S 100 \n > . 101 501 \n > P. 101 501 +5", ("ESTAB", "ESTAB"), [2], id="the client's side only"),
        pytest.param("> S 100 \n < P. 501 101 +5", ("ESTAB", "ESTAB"), [2], id="the SYN-ACK is missing, server's data"),
        pytest.param("> S 100 \n > F. 101 501", ("FIN-WAIT-1", "CLOSE-WAIT"), [2], id="the SYN-ACK is missing, FIN"),
        pytest.param("< S. 500 101 \n < P. 501 101 +5", ("ESTAB", "ESTAB"), [2], id="the server's side only"),
        pytest.param("< S. 500 101 \n < . 501 201", ("ESTAB", "ESTAB"), [2], id="the server acknowledges unseen data"),
        pytest.param("< S. 500 101 \n < . 501 101", ("ESTAB", "SYN-RECV"), [], id="a bare ACK proves nothing"),
        pytest.param("< S. 500 101 \n < S. 500 101", ("ESTAB", "SYN-RECV"), [], id="the server repeats its SYN-ACK"),
        pytest.param("> S 100 +4 \n < S. 500 105 \n < P. 501 105 +5", ("ESTAB", "SYN-RECV"), [], id="Fast Open"),
        pytest.param("> P. 101 501 +5 \n < . 501 106", ("ESTAB", "ESTAB"), [1], id="it began before the capture"),
        pytest.param("< . 501 106", ("ESTAB", "ESTAB"), [1], id="it began before the capture, one ACK"),
    ],
)
def test_what_only_an_established_end_sends_proves_it_and_is_marked(
    ladder: Ladder, lines: str, last: tuple[str, str], less: list[int]
) -> None:
    conversation = only(ladder(lines))
    assert states(conversation)[-1] == last
    assert presumed(conversation) == less
    assert not any(each.unexplained for each in infer(conversation) if each.segment.length)


def test_a_whole_connection_rests_on_nothing_less(ladder: Ladder) -> None:
    closing = "> P. 101 501 +5 \n < . 501 106 \n > F. 106 501 \n < F. 501 107 \n > . 107 502"
    assert presumed(only(ladder(OPENING + closing))) == []


def test_one_side_of_a_whole_connection_ends_as_both_do(ladder: Ladder) -> None:
    both = ladder(OPENING + "> P. 101 501 +5 \n < P. 501 106 +7 \n > F. 106 508 \n < F. 508 107 \n > . 107 509")
    assert states(only(both))[-1] == ("TIME-WAIT", "UNCONN")
    client = only(tuple(each for each in both if each.src == both[0].src))
    assert states(client)[-1][0] == "FIN-WAIT-1"
    assert client.first_closer == both[0].src
    server = only(tuple(each for each in both if each.src != both[0].src))
    assert (server.client, server.whole) == (both[0].src, False)
    assert states(server)[-2:] == [("ESTAB", "ESTAB"), ("CLOSE-WAIT", "FIN-WAIT-1")]


def test_a_late_rst_says_nothing_of_a_request_that_data_had_gone_over(ladder: Ladder) -> None:
    # The server's data is not in the capture; that it was acknowledged tells of it.
    conversation = only(ladder("> S 100 \n < S. 500 101 \n > . 101 501 \n > P. 101 601 +5 \n < R 601"))
    assert states(conversation)[2:] == [("ESTAB", "ESTAB"), ("ESTAB", "ESTAB"), ("UNCONN", "UNCONN")]


def test_an_acknowledgement_beyond_what_was_sent_outweighs_a_repeated_syn_ack(ladder: Ladder) -> None:
    conversation = only(ladder("> S 100 \n < S. 500 101 \n > . 101 601 \n < S. 500 101 \n > . 101 601"))
    assert states(conversation)[2] == ("ESTAB", "ESTAB")
    assert presumed(conversation) == [3]


def test_a_rst_from_an_end_that_goes_on_is_no_forgotten_request(ladder: Ladder) -> None:
    conversation = only(ladder("> S 100 \n < S. 500 101 \n > P. 101 501 +5 \n < R 2000000000 \n < P. 501 106 +5"))
    assert states(conversation)[-1] == ("ESTAB", "ESTAB")


def test_an_ack_that_overtakes_a_crossing_fin_leaves_both_in_time_wait(ladder: Ladder) -> None:
    crossing = "> F. 101 501 \n < . 502 102 \n < F. 501 101 \n > . 102 502"
    conversation = only(ladder(OPENING + crossing))
    assert states(conversation)[3:] == [
        ("FIN-WAIT-1", "ESTAB"), ("FIN-WAIT-2", "CLOSING"), ("TIME-WAIT", "CLOSING"), ("TIME-WAIT", "TIME-WAIT"),
    ]  # fmt: skip
    assert not any(each.unexplained for each in infer(conversation))
    assert conversation.close_segments == 4


def test_an_ack_that_overtakes_an_answering_fin_does_not(ladder: Ladder) -> None:
    conversation = only(ladder(OPENING + "> F. 101 501 \n < . 502 102 \n < F. 501 102 \n > . 102 502"))
    assert states(conversation)[-1] == ("TIME-WAIT", "UNCONN")


def far(begin: int, count: int, ack: int = 501) -> str:
    """Lines of data from there on, each acknowledged."""
    lines = []
    for step in range(count):
        seq = (begin + 1000 * step) % MODULUS
        lines += [f"> P. {seq} {ack} +1000", f"< . 501 {(seq + 1000) % MODULUS}"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("missing", [GIB + 5, GIB * 3 // 2, 2 * GIB + 5, GIB * 5 // 2])
@pytest.mark.parametrize("isn", [100, MODULUS - 500, 3 * GIB])
def test_data_after_more_than_a_window_that_is_missing_is_new(ladder: Ladder, isn: int, missing: int) -> None:
    opening = f"> S {isn} \n < S. 500 {(isn + 1) % MODULUS} \n > . {(isn + 1) % MODULUS} 501 \n"
    after = isn + 2001 + missing
    fin = f"> F. {(after + 3000) % MODULUS} 501 \n < F. 501 {(after + 3001) % MODULUS}"
    conversation = only(ladder(opening + far(isn + 1, 2) + far(after, 3) + fin))
    assert conversation.retransmissions == ()
    stream = read_stream(conversation, from_client=True)
    assert [(gap.begin, gap.end) for gap in stream.gaps] == [(2000, 2000 + missing)]
    assert sum(len(piece.data) for piece in stream.pieces) == 5000
    assert stream.ended is Ended.FIN
    assert states(conversation)[-1] == ("TIME-WAIT", "LAST-ACK")


def test_a_fin_alone_after_more_than_a_window_closes_once_it_is_acknowledged(ladder: Ladder) -> None:
    end = 101 + GIB + GIB // 2
    lines = f"> P. 101 501 +9 \n > F. {end} 501 \n < F. 501 {end + 1} \n > . {end + 1} 502"
    assert states(only(ladder(OPENING + lines)))[-1] == ("TIME-WAIT", "UNCONN")


def test_numbers_that_wrap_twice_are_new_each_time(ladder: Ladder) -> None:
    step = GIB // 2
    lines = "".join(f"> P. {(101 + step * turn) % MODULUS} 501 +10 \n" for turn in range(20))
    conversation = only(ladder(OPENING + lines))
    assert conversation.retransmissions == ()
    assert read_stream(conversation, from_client=True).pieces[-1].begin == 19 * step


def test_acknowledgements_alone_are_followed_across_the_wrap(ladder: Ladder) -> None:
    step = GIB // 2
    lines = "".join(f"< . 501 {(101 + step * turn) % MODULUS} \n" for turn in range(20))
    conversation = only(ladder(OPENING + lines))
    stream = read_stream(conversation, from_client=True)
    assert (stream.gaps[-1].begin, stream.gaps[-1].end) == (0, 19 * step)


def test_a_stray_that_comes_alone_is_no_data(ladder: Ladder) -> None:
    lines = "> P. 101 501 +5 \n > P. 2000000000 501 +9 \n > P. 106 501 +5 \n < . 501 111"
    stream = read_stream(only(ladder(OPENING + lines)), from_client=True)
    assert (len(stream.data), stream.gaps) == (10, ())


def test_a_capture_that_begins_out_of_order_has_the_bytes_before_its_first_segment(ladder: Ladder) -> None:
    conversation = only(ladder("> P. 121 501 +10 \n > P. 101 501 +10 \n > P. 111 501 +10 \n < . 501 131"))
    stream = read_stream(conversation, from_client=True)
    assert [(piece.begin, piece.frame) for piece in stream.pieces] == [(0, 2), (10, 3), (20, 1)]
    assert (stream.gaps, stream.whole) == ((), False)
    assert conversation.retransmissions == ()


def test_a_keepalives_byte_before_the_first_segment_is_no_data(ladder: Ladder) -> None:
    stream = read_stream(
        only(ladder("> . 101 501 \n < . 501 101 \n > . 100 501 +1 \n > P. 101 501 +5")), from_client=True
    )
    assert [(piece.begin, piece.end, piece.frame) for piece in stream.pieces] == [(0, 5, 4)]
