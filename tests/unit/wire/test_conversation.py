from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from lab.wire.conversation import Conversation, conversations
from lab.wire.infer import infer
from lab.wire.segment import Segment
from lab.wire.stream import Ended, read_stream

if TYPE_CHECKING:
    from collections.abc import Iterable

Ladder = Callable[[str], tuple[Segment, ...]]
Recorded = Callable[[str], tuple[Conversation, ...]]

OPENING = """
    > S  100
    < S. 500 101
    > .  101 501
"""


def numbers(segments: Iterable[Segment]) -> list[int]:
    return [segment.number for segment in segments]


def turns(conversation: Conversation) -> list[tuple[str, str]]:
    """The states after each segment that changed one."""
    changes = [each for each in infer(conversation) if each.client_changed or each.server_changed]
    return [(each.client.value, each.server.value) for each in changes]


def only(segments: Iterable[Segment]) -> Conversation:
    (conversation,) = conversations(segments)
    return conversation


def test_the_client_is_who_sent_the_first_syn(recorded: Recorded) -> None:
    (conversation,) = recorded("server-first")
    assert (conversation.client.address, conversation.server) == ("10.99.1.101", ("10.99.1.102", 8000))
    assert conversation.whole
    assert conversation.established
    assert numbers(conversation.handshake) == [1, 2, 3]


def test_numbers_are_relative_to_each_flow_across_the_wrap(ladder: Ladder) -> None:
    conversation = only(
        ladder("""
            > S  4294967294
            < S. 4294967295 4294967295
            > .  4294967295 0
            > P. 4294967295 0 +5
            < P. 0 4 +3
            > .  4 3
        """)
    )
    assert [conversation.relative(each) for each in conversation.segments] == [
        (0, None), (0, 1), (1, 1), (1, 1), (1, 6), (6, 4),
    ]  # fmt: skip
    assert conversation.retransmissions == ()


def test_without_its_syn_a_conversation_is_not_whole_and_counts_from_one(ladder: Ladder) -> None:
    conversation = only(ladder("< P. 700 300 +4 \n > . 300 704 \n < P. 704 300 +6"))
    assert not conversation.whole
    assert conversation.client == ("10.99.1.102", 8000)
    assert [conversation.relative(each) for each in conversation.segments] == [(1, 1), (1, 5), (5, 1)]
    assert conversation.handshake == ()


def test_a_syn_ack_without_the_syn_still_tells_the_client(ladder: Ladder) -> None:
    conversation = only(ladder("< S. 500 101 \n > . 101 501"))
    assert not conversation.whole
    assert conversation.client == ("10.99.1.101", 40000)
    assert not conversation.established
    assert [conversation.relative(each) for each in conversation.segments] == [(0, 1), (1, 1)]


def test_a_handshake_that_is_refused_has_only_its_syn(recorded: Recorded) -> None:
    (conversation,) = recorded("refused")
    assert numbers(conversation.handshake) == [1]
    assert not conversation.established
    assert numbers(conversation.resets) == [2]
    assert conversation.first_closer is None


def test_a_full_accept_queue_shows_as_repeated_syns(recorded: Recorded) -> None:
    _, waiting = recorded("full-queue")
    syns = [each for each in waiting.segments if each.flags.letters == "S"]
    assert len(syns) > 1
    assert list(waiting.retransmissions) == syns[1:]
    assert [each.flags.letters for each in waiting.handshake] == ["S", "S.", "."]
    assert waiting.handshake[0] is syns[0]


def test_data_and_fin_that_are_sent_again_are_retransmissions(recorded: Recorded) -> None:
    (conversation,) = recorded("retransmission")
    again = conversation.retransmissions
    assert {each.length for each in again} == {0, 5}
    assert {each.flags.letters for each in again} == {"P.", "F."}
    assert all(conversation.from_client(each) for each in again)


def test_reordered_data_is_no_retransmission(ladder: Ladder) -> None:
    assert only(ladder(OPENING + "> P. 111 501 +10 \n > P. 101 501 +10")).retransmissions == ()


def test_data_that_overlaps_what_was_sent_is_a_retransmission(ladder: Ladder) -> None:
    assert numbers(only(ladder(OPENING + "> P. 101 501 +10 \n > P. 101 501 +30")).retransmissions) == [5]


@pytest.mark.parametrize(
    ("lines", "again"),
    [
        pytest.param("> P. 101 501 +2 \n < . 501 103 \n > . 102 501", [], id="keepalive"),
        pytest.param("> P. 101 501 +2 \n < . 501 103 \n > . 102 501 +1", [], id="keepalive with a byte"),
        pytest.param("> P. 101 501 +2 \n > P. 102 501 +1", [5], id="a last byte that was not acknowledged"),
        pytest.param("> P. 101 501 +2 \n < . 501 103 win=0 \n > . 103 501 +1 \n > . 103 501 +1", [], id="probe"),
        pytest.param("> P. 101 501 +1 \n > P. 101 501 +1", [5], id="one byte"),
        pytest.param("> R 101 \n > R 101", [], id="RST"),
    ],
)
def test_keepalives_and_window_probes_are_no_retransmissions(ladder: Ladder, lines: str, again: list[int]) -> None:
    assert numbers(only(ladder(OPENING + lines)).retransmissions) == again


def test_an_ack_acknowledges_all_that_came_before_it(recorded: Recorded, ladder: Ladder) -> None:
    conversation = only(ladder(OPENING + "> P. 101 501 +5 \n > P. 106 501 +5 \n < . 501 111 \n < . 501 111"))
    assert [numbers(conversation.acknowledges(each)) for each in conversation.segments] == [
        [], [1], [2], [], [], [4, 5], [],
    ]  # fmt: skip
    (transfer,) = recorded("transfer")
    acks = [each for each in transfer.segments if not transfer.from_client(each) and transfer.acknowledges(each)]
    assert sum(each.length for each in transfer.data) == 200_000
    assert len(acks) < len(transfer.data)


@pytest.mark.parametrize(
    ("name", "closer", "count"),
    [
        ("four-segments", "10.99.1.101", 4),
        ("half-close", "10.99.1.101", 4),
        ("simultaneous", "10.99.1.101", 4),
        ("refused", None, None),
        ("reset-unread", None, None),
    ],
)
def test_who_closed_first_and_in_how_many_segments(
    recorded: Recorded, name: str, closer: str | None, count: int | None
) -> None:
    (conversation,) = recorded(name)
    assert (conversation.first_closer and conversation.first_closer.address) == closer
    assert conversation.close_segments == count


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        pytest.param("> F. 101 501 \n < F. 501 102 \n > . 102 502", 3, id="the FIN rides with the ACK"),
        pytest.param("> F. 101 501 \n < . 501 102 \n < F. 501 102 \n > . 102 502", 4, id="an ACK of its own"),
        pytest.param("> F. 101 501 \n < F. 501 101 \n > . 102 502 \n < . 502 102", 4, id="crossing FINs"),
        pytest.param(
            "> F. 101 501 \n < F. 501 101 \n < F. 501 102 \n > . 102 502", 4, id="crossing FINs, one repeated"
        ),
        pytest.param("> F. 101 501 \n < P. 501 102 +5 \n > . 102 506 \n < F. 506 102 \n > . 102 507", 4, id="data"),
        pytest.param("> F. 101 501 \n > F. 101 501 \n < F. 501 102 \n > . 102 502", 3, id="a repeated FIN"),
        pytest.param("> FP. 101 501 +9 \n < FP. 501 111 +9 \n > . 111 511", 3, id="FINs with data"),
        pytest.param("> F. 101 501 \n < F. 501 102", None, id="the last ACK is missing"),
        pytest.param("> F. 101 501 \n < . 501 102", None, id="half-closed"),
        pytest.param("> F. 101 501 \n < R. 501 102", None, id="reset"),
        pytest.param("> F. 101 501 \n < F. 501 102 \n > . 102 502 \n < R 502", 3, id="a RST afterwards"),
    ],
)
def test_the_textbooks_count_of_a_close(ladder: Ladder, lines: str, count: int | None) -> None:
    assert only(ladder(OPENING + lines)).close_segments == count


def test_teardown_begins_with_the_first_fin(recorded: Recorded) -> None:
    (conversation,) = recorded("half-close")
    assert conversation.teardown[0].flags.letters == "F."
    assert conversation.teardown[-1] is conversation.segments[-1]
    assert sum(each.length for each in conversation.teardown) == len("an answer in two parts")


def test_a_port_used_again_in_time_wait_begins_another_conversation(recorded: Recorded) -> None:
    found = recorded("port-reuse")
    assert len(found) == 3
    assert len({(each.client, each.server) for each in found}) == 1
    assert all(each.whole and each.established for each in found)


def test_a_syn_with_another_isn_begins_another_conversation_even_when_the_old_one_is_open(ladder: Ladder) -> None:
    old, new = conversations(ladder(OPENING + "> S 9000 \n < S. 7000 9001 \n > . 9001 7001"))
    assert numbers(old.segments) == [1, 2, 3]
    assert numbers(new.segments) == [4, 5, 6]


def test_a_challenge_ack_belongs_to_the_old_conversation(ladder: Ladder) -> None:
    old, new = conversations(ladder(OPENING + "> S 9000000 \n < . 501 101 \n > R 101 \n > S 9000000"))
    assert numbers(old.segments) == [1, 2, 3, 5, 6]
    assert numbers(new.segments) == [4, 7]


HALF_OPEN = "> S 9000000 \n < . {old} 101 \n > R 101 \n > S 9000000 \n < S. 700 9000001 \n > . 9000001 701 \n"


@pytest.mark.parametrize("old", [501, 700, 100_000, 3_000_000_000], ids=str)
def test_an_old_ack_and_a_rst_that_answer_a_syn_are_one_conversation_with_it(ladder: Ladder, old: int) -> None:
    conversation = only(ladder(HALF_OPEN.format(old=old) + "< P. 701 9000001 +5"))
    assert conversation.established
    assert [conversation.relative(each) for each in conversation.segments[4:]] == [(0, 1), (1, 1), (1, 1)]
    assert numbers(conversation.handshake) == [1, 5, 6]
    assert turns(conversation) == [
        ("SYN-SENT", "LISTEN"),
        ("SYN-SENT", "SYN-RECV"),
        ("ESTAB", "SYN-RECV"),
        ("ESTAB", "ESTAB"),
    ]
    assert read_stream(conversation, from_client=False).ended is Ended.OPEN


@pytest.mark.parametrize("isn", [90, 60_000, 1_000_000_000, 4_000_000_000], ids=str)
def test_half_open_discovery_is_one_whatever_the_old_numbers(ladder: Ladder, isn: int) -> None:
    lines = f"> S {isn} \n < . 501 101 \n > R 101 \n > S {isn} \n < S. 700 {isn + 1} \n > . {isn + 1} 701"
    conversation = only(ladder(lines))
    assert turns(conversation)[-1] == ("ESTAB", "ESTAB")
    assert numbers(conversation.handshake) == [1, 5, 6]
    assert numbers(conversation.retransmissions) == [4]


@pytest.mark.parametrize("rst", ["< R 0", "< R 501", "< R. 0 50", "< R. 0 102"])
def test_a_rst_that_is_not_acceptable_in_syn_sent_is_ignored(ladder: Ladder, rst: str) -> None:
    conversation = only(ladder(f"> S 100 \n {rst} \n < S. 500 101 \n > . 101 501 \n < P. 501 101 +5"))
    assert turns(conversation)[-1] == ("ESTAB", "ESTAB")
    stream = read_stream(conversation, from_client=False)
    assert (stream.ended, stream.whole, len(stream.data)) == (Ended.OPEN, True, 5)


@pytest.mark.parametrize("first", [True, False])
def test_two_different_syn_acks_for_one_syn_are_one_conversation(ladder: Ladder, *, first: bool) -> None:
    isn = 500 if first else 3_000_000_000
    rest = (
        f"> . 101 {isn + 1} \n < P. {isn + 1} 101 +5 \n > F. 101 {isn + 6} \n < F. {isn + 6} 102 \n > . 102 {isn + 7}"
    )
    conversation = only(ladder(f"> S 100 \n < S. 500 101 \n > S 100 \n < S. 3000000000 101 \n {rest}"))
    taken = 2 if first else 4
    assert numbers(conversation.handshake) == [1, taken, 5]
    assert conversation.relative(conversation.segments[5]) == (1, 1)
    assert turns(conversation)[-1] == ("TIME-WAIT", "UNCONN")
    assert numbers(conversation.retransmissions) == [3]
    assert read_stream(conversation, from_client=False).data == b"xxxxx"


def test_a_late_second_syn_ack_changes_nothing(ladder: Ladder) -> None:
    conversation = only(ladder(OPENING + "< S. 3000000000 101 \n < P. 501 101 +5 \n > . 101 506"))
    assert conversation.isn(conversation.server) == 500
    assert turns(conversation)[-1] == ("ESTAB", "ESTAB")
    assert read_stream(conversation, from_client=False).data == b"xxxxx"


def test_the_servers_side_alone_goes_on_with_one_of_its_two_syn_acks(ladder: Ladder) -> None:
    conversation = only(ladder("< S. 500 101 \n < S. 3000000000 101 \n < P. 3000000001 101 +5"))
    assert conversation.isn(conversation.server) == 3_000_000_000
    assert turns(conversation)[-1] == ("ESTAB", "ESTAB")


def test_each_syn_ack_stays_with_the_syn_that_it_acknowledges(ladder: Ladder) -> None:
    found = conversations(ladder("> S 100 \n > S 90000 \n > S 180000 \n < S. 500 90001 \n > . 90001 501"))
    assert [numbers(each.segments) for each in found] == [[1], [2, 4, 5], [3]]


def test_a_late_duplicate_stays_with_the_old_conversation(ladder: Ladder) -> None:
    closing = "> F. 101 501 \n < F. 501 102 \n > . 102 502 \n"
    reopening = "> S 20000 \n < S. 30000 20001 \n > . 20001 30001 \n"
    old, new = conversations(ladder(OPENING + closing + reopening + "< F. 501 102 \n > . 102 502"))
    assert numbers(old.segments) == [1, 2, 3, 4, 5, 6, 10, 11]
    assert numbers(new.segments) == [7, 8, 9]


def test_a_late_duplicate_finds_its_conversation_among_close_neighbours(ladder: Ladder) -> None:
    second = "> S 102 \n < S. 502 103 \n > . 103 503 \n > P. 103 503 +7 \n < . 503 110 \n"
    third = "> S 111 \n < S. 504 112 \n > . 112 505 \n"
    found = conversations(ladder(OPENING + second + third + "> P. 103 503 +7"))
    assert [numbers(each.segments) for each in found] == [[1, 2, 3], [4, 5, 6, 7, 8, 12], [9, 10, 11]]


def test_numbers_before_the_isn_are_another_connections(ladder: Ladder) -> None:
    old, stray = conversations(ladder(OPENING + "> R 101 \n > P. 50 400 +5"))
    assert (numbers(old.segments), numbers(stray.segments)) == ([1, 2, 3, 4], [5])


def test_a_new_connection_whose_opening_was_lost_is_not_taken_for_the_closed_one(ladder: Ladder) -> None:
    old, new = conversations(ladder(OPENING + "> R 101 \n > P. 2000000000 3000000000 +5"))
    assert numbers(old.segments) == [1, 2, 3, 4]
    assert (numbers(new.segments), new.whole) == ([5], False)


def test_a_syn_that_comes_after_its_syn_ack_makes_the_conversation_whole(ladder: Ladder) -> None:
    conversation = only(ladder("< S. 500 101 \n > S 100 \n > . 101 501"))
    assert conversation.whole
    assert conversation.client == ("10.99.1.101", 40000)


def test_a_simultaneous_open_is_one_conversation(recorded: Recorded) -> None:
    (conversation,) = recorded("simultaneous")
    assert [each.flags.letters for each in conversation.handshake] == ["S", "S", "S.", "S."]
    assert conversation.established
    assert conversation.retransmissions == ()
