from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.wire.conversation import Conversation, conversations
from lab.wire.infer import durations, infer
from lab.wire.segment import Segment
from lab.wire.state import State

Ladder = Callable[[str], tuple[Segment, ...]]
Recorded = Callable[[str], tuple[Conversation, ...]]

OPENING = """
    > S  100
    < S. 500 101
    > .  101 501
"""
OPENED = [("SYN-SENT", "SYN-RECV"), ("ESTAB", "SYN-RECV"), ("ESTAB", "ESTAB")]


def states(conversation: Conversation) -> list[tuple[str, str]]:
    return [(each.client.value, each.server.value) for each in infer(conversation)]


def turns(conversation: Conversation) -> list[tuple[str, str]]:
    """The states after each segment that changed one."""
    changes = [each for each in infer(conversation) if each.client_changed or each.server_changed]
    return [(each.client.value, each.server.value) for each in changes]


def only(segments: tuple[Segment, ...]) -> Conversation:
    (conversation,) = conversations(segments)
    return conversation


CLIENT_CLOSES_IN_THREE = [
    ("FIN-WAIT-1", "CLOSE-WAIT"), ("TIME-WAIT", "LAST-ACK"), ("TIME-WAIT", "UNCONN"),
]  # fmt: skip
CLIENT_CLOSES_IN_FOUR = [
    ("FIN-WAIT-1", "CLOSE-WAIT"), ("FIN-WAIT-2", "CLOSE-WAIT"), ("TIME-WAIT", "LAST-ACK"), ("TIME-WAIT", "UNCONN"),
]  # fmt: skip


@pytest.mark.parametrize("name", ["four-segments", "half-close"])
def test_the_first_closer_waits_in_fin_wait_2_and_then_in_time_wait(recorded: Recorded, name: str) -> None:
    (conversation,) = recorded(name)
    assert turns(conversation) == OPENED + CLIENT_CLOSES_IN_FOUR


@pytest.mark.parametrize("name", ["client-first", "ipv6", "cooked", "cooked-v2", "transfer"])
def test_whether_the_ack_of_the_fin_comes_apart_or_not_the_client_ends_in_time_wait(
    recorded: Recorded, name: str
) -> None:
    (conversation,) = recorded(name)
    expected = {3: CLIENT_CLOSES_IN_THREE, 4: CLIENT_CLOSES_IN_FOUR}[conversation.close_segments or 0]
    assert turns(conversation) == OPENED + expected
    assert not any(each.unexplained for each in infer(conversation))


def test_time_wait_is_the_servers_when_the_server_closes_first(recorded: Recorded) -> None:
    (conversation,) = recorded("server-first")
    assert states(conversation)[-1] == ("UNCONN", "TIME-WAIT")
    assert ("CLOSE-WAIT", "FIN-WAIT-1") in turns(conversation)


def test_a_port_used_again_starts_from_the_beginning(recorded: Recorded) -> None:
    for conversation in recorded("port-reuse"):
        assert turns(conversation)[:3] == OPENED
        assert turns(conversation)[-1] == ("UNCONN", "TIME-WAIT")


def test_a_refusal_closes_the_client_and_nothing_was_listening(recorded: Recorded) -> None:
    (conversation,) = recorded("refused")
    assert states(conversation) == [("SYN-SENT", "UNCONN"), ("UNCONN", "UNCONN")]


def test_a_reset_closes_both(recorded: Recorded) -> None:
    (conversation,) = recorded("reset-unread")
    assert turns(conversation) == [*OPENED, ("UNCONN", "UNCONN")]


def test_a_syn_that_the_full_queue_swallowed_does_not_move_the_server(recorded: Recorded) -> None:
    _, waiting = recorded("full-queue")
    assert turns(waiting)[:4] == [("SYN-SENT", "LISTEN"), *OPENED]
    refused = [waiting.handshake[0], *waiting.retransmissions[:-1]]
    assert {each.server for each in infer(waiting) if each.segment in refused} == {State.LISTEN}


def test_an_ack_that_the_full_queue_swallowed_leaves_the_server_in_syn_recv(recorded: Recorded) -> None:
    *_, late = recorded("late-ack")
    assert [each.flags.letters for each in late.segments[:5]] == ["S", "S.", ".", "S.", "."]
    assert states(late)[:5] == [
        ("SYN-SENT", "SYN-RECV"),
        ("ESTAB", "SYN-RECV"),
        ("ESTAB", "SYN-RECV"),
        ("ESTAB", "SYN-RECV"),
        ("ESTAB", "ESTAB"),
    ]


def test_opening_and_closing_from_both_sides_at_once(recorded: Recorded) -> None:
    (conversation,) = recorded("simultaneous")
    assert turns(conversation) == [
        ("SYN-SENT", "UNCONN"),
        ("SYN-RECV", "SYN-RECV"),
        ("SYN-RECV", "ESTAB"),
        ("ESTAB", "ESTAB"),
        ("FIN-WAIT-1", "ESTAB"),
        ("CLOSING", "CLOSING"),
        ("CLOSING", "TIME-WAIT"),
        ("TIME-WAIT", "TIME-WAIT"),
    ]
    assert not any(each.unexplained for each in infer(conversation))


def test_retransmissions_change_nothing(recorded: Recorded) -> None:
    (conversation,) = recorded("retransmission")
    again = [each for each in infer(conversation) if each.segment in conversation.retransmissions]
    assert again
    assert not any(each.client_changed or each.server_changed or each.unexplained for each in again)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("> R 90", id="RST before the window"),
        pytest.param("> R 2000000000", id="RST beyond the window"),
        pytest.param("> F. 2000000000 501", id="FIN beyond the window"),
        pytest.param("> F. 90 501", id="FIN before the window"),
        pytest.param("> S 100", id="SYN again"),
        pytest.param("< S. 500 101", id="SYN-ACK again"),
    ],
)
def test_a_segment_outside_the_window_changes_nothing(ladder: Ladder, line: str) -> None:
    conversation = only(ladder(OPENING + "< P. 501 101 +4 \n > . 101 505 \n" + line))
    assert states(conversation)[-1] == ("ESTAB", "ESTAB")


def test_a_rst_below_what_was_acknowledged_changes_nothing(ladder: Ladder) -> None:
    conversation = only(ladder(OPENING + "> P. 101 501 +10 \n < . 501 111 \n > R 105 \n > P. 111 501 +5"))
    assert turns(conversation) == OPENED
    assert not any(each.unexplained for each in infer(conversation))


@pytest.mark.parametrize("line", ["< R 501", "< R. 0 50"])
def test_a_rst_that_does_not_acknowledge_the_syn_changes_nothing(ladder: Ladder, line: str) -> None:
    assert infer(only(ladder("> S 100 \n" + line)))[-1].client is State.SYN_SENT


HALF_OPEN = OPENING + "{between} < S. 500 101 \n"


def test_a_fin_that_reaches_a_half_open_server_waits_for_the_ack(ladder: Ladder) -> None:
    conversation = only(ladder(HALF_OPEN.format(between="> F. 101 501 \n") + "> . 102 501"))
    assert turns(conversation) == [
        ("SYN-SENT", "SYN-RECV"), ("ESTAB", "SYN-RECV"), ("FIN-WAIT-1", "SYN-RECV"), ("FIN-WAIT-1", "CLOSE-WAIT"),
    ]  # fmt: skip


def test_a_server_that_speaks_after_a_repeated_syn_ack_had_received_the_ack(ladder: Ladder) -> None:
    conversation = only(ladder(HALF_OPEN.format(between="") + "< P. 501 101 +5"))
    assert states(conversation)[2:] == [("ESTAB", "SYN-RECV"), ("ESTAB", "SYN-RECV"), ("ESTAB", "ESTAB")]
    assert not any(each.unexplained for each in infer(conversation))


def test_a_server_that_has_forgotten_the_request_was_never_established(ladder: Ladder) -> None:
    conversation = only(ladder("> S 100 \n < S. 500 101 \n < S. 500 101 \n > P. 101 501 +5 \n < R 501"))
    assert turns(conversation) == [("SYN-SENT", "SYN-RECV"), ("ESTAB", "SYN-RECV"), ("UNCONN", "UNCONN")]
    assert not any(each.unexplained for each in infer(conversation))


def test_a_server_that_resets_a_connection_had_taken_the_ack(ladder: Ladder) -> None:
    conversation = only(ladder(OPENING + "> P. 101 501 +5 \n < R. 501 101"))
    assert turns(conversation) == [*OPENED, ("UNCONN", "UNCONN")]


def test_stray_numbers_do_not_carry_the_window_away(ladder: Ladder) -> None:
    strays = "> . 1500000101 501 +5 \n > . 3000000101 501 +5 \n"
    assert states(only(ladder(OPENING + strays + "> F. 101 501")))[-1] == ("FIN-WAIT-1", "CLOSE-WAIT")


def test_a_fin_counts_once_the_data_before_it_is_there(ladder: Ladder) -> None:
    conversation = only(ladder(OPENING + "> F. 111 501 \n > P. 101 501 +10"))
    assert states(conversation)[-2:] == [("FIN-WAIT-1", "ESTAB"), ("FIN-WAIT-1", "CLOSE-WAIT")]


def test_an_ack_proves_a_fin_whose_data_the_capture_missed(ladder: Ladder) -> None:
    conversation = only(ladder(OPENING + "> F. 111 501 \n < F. 501 112 \n > . 112 502"))
    assert states(conversation)[-3:] == [("FIN-WAIT-1", "ESTAB"), ("TIME-WAIT", "LAST-ACK"), ("TIME-WAIT", "UNCONN")]


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        pytest.param("> S 100 \n > P 101 +5", ("SYN-SENT", "LISTEN"), id="data that acknowledges nothing"),
        pytest.param("> S 100 \n < . 501 101", ("SYN-SENT", "LISTEN"), id="an ACK that a SYN-ACK should have been"),
        pytest.param(OPENING + "> F. 101 501 \n > P. 102 501 +5", ("FIN-WAIT-1", "CLOSE-WAIT"), id="data after FIN"),
        pytest.param(OPENING + "< R 501 \n < P. 501 101 +5", ("UNCONN", "UNCONN"), id="data after an own RST"),
    ],
)
def test_what_the_machine_does_not_know_is_marked_and_changes_nothing(
    ladder: Ladder, lines: str, last: tuple[str, str]
) -> None:
    *before, marked = infer(only(ladder(lines)))
    assert not any(each.unexplained for each in before)
    assert marked.unexplained
    assert (marked.client.value, marked.server.value) == last
    assert not marked.client_changed
    assert not marked.server_changed


def test_without_a_captured_opening_both_ends_count_as_established(ladder: Ladder) -> None:
    conversation = only(ladder("> P. 101 501 +5 \n < . 501 106 \n > F. 106 501 \n < F. 501 107 \n > . 107 502"))
    assert states(conversation) == [("ESTAB", "ESTAB"), ("ESTAB", "ESTAB"), *CLIENT_CLOSES_IN_THREE]


def test_durations_follow_one_another_and_the_last_stays_open(recorded: Recorded) -> None:
    (conversation,) = recorded("four-segments")
    stays = durations(conversation)
    client = [stay for stay in stays if stay.endpoint == conversation.client]
    assert [stay.state.value for stay in client] == ["SYN-SENT", "ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"]
    assert [stay.until_ns for stay in client[:-1]] == [stay.from_ns for stay in client[1:]]
    assert client[-1].until_ns is None
    server = [stay.state.value for stay in stays if stay.endpoint == conversation.server]
    assert server == ["SYN-RECV", "ESTAB", "CLOSE-WAIT", "LAST-ACK", "UNCONN"]
