"""A packet that the capture has twice (a mirrored port, the device `any`, both sides of a router) was sent once."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from lab.wire.capture import parse_capture
from lab.wire.conversation import Conversation, conversations
from lab.wire.infer import infer
from tests.unit.wire.frames import Frame, capture_of, needs_tcptrace

HELLO = Frame(">", "P.", 101, 501, b"hello", ip_id=12)
COPY = Frame(">", "P.", 101, 501, b"hello", ip_id=12, ttl=63, after_ms=0.2)
OPENING = (Frame(">", "S", 100, ip_id=10), Frame("<", "S.", 500, 101), Frame(">", ".", 101, 501, ip_id=11))
WHOLE = (
    *OPENING,
    HELLO,
    COPY,
    Frame("<", ".", 501, 106, ip_id=7),
    Frame(">", "P.", 106, 501, b"again", ip_id=13),
    Frame(">", "P.", 106, 501, b"again", ip_id=14, after_ms=250),
    Frame("<", ".", 501, 111, ip_id=8),
    Frame("<", ".", 501, 111, ip_id=8),
    Frame(">", "F.", 111, 501, ip_id=15),
    Frame(">", "F.", 111, 501, ip_id=15),
    Frame("<", "F.", 501, 112, ip_id=9),
    Frame(">", ".", 112, 502, ip_id=16),
)


def read(*frames: Frame) -> Conversation:
    (conversation,) = conversations(parse_capture(capture_of(frames), where="x").segments)
    return conversation


def copied(conversation: Conversation) -> list[int]:
    return [each.number for each in conversation.copies]


def sent_again(conversation: Conversation) -> list[int]:
    return [each.number for each in conversation.retransmissions]


def test_a_packet_captured_twice_is_a_copy_and_no_retransmission() -> None:
    conversation = read(*WHOLE)
    assert copied(conversation) == [5, 10, 12]
    assert sent_again(conversation) == [8]
    assert conversation.close_segments == 3


@needs_tcptrace
def test_tcptrace_counts_the_same_copies(tmp_path: Path) -> None:
    path = tmp_path / "copies.pcap"
    path.write_bytes(capture_of(WHOLE))
    said = subprocess.run(["tcptrace", "-nl", str(path)], check=True, capture_output=True, text=True).stdout
    counts = re.search(r"hardware dups: +(\d+) segs +hardware dups: +(\d+) segs", said)
    assert counts is not None
    conversation = read(*WHOLE)
    ours = [sum(conversation.from_client(each) == way for each in conversation.copies) for way in (True, False)]
    assert ours == [int(count) for count in counts.groups()]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(Frame(">", "P.", 101, 501, b"hello", ip_id=13), id="another identification"),
        pytest.param(Frame(">", "P.", 101, 501, b"HELLO", ip_id=12), id="another checksum"),
        pytest.param(Frame(">", "P.", 101, 501, b"hello", ip_id=12, after_ms=1200), id="more than a second later"),
        pytest.param(Frame(">", "P.", 101, 501, b"hello", ip_id=12, window=501), id="another window"),
    ],
)
def test_what_differs_was_sent_again(second: Frame) -> None:
    conversation = read(*OPENING, HELLO, second)
    assert (copied(conversation), sent_again(conversation)) == ([], [5])


def test_a_sender_that_gives_all_packets_one_identification_is_not_told_by_it() -> None:
    packets = [Frame(">", "P.", 101 + 5 * n, 501, b"hello", ip_id=1) for n in range(3)]
    conversation = read(*OPENING, *packets, packets[0])
    assert (copied(conversation), sent_again(conversation)) == ([], [7])


@pytest.mark.parametrize("six", [True, False])
def test_without_an_identification_nobody_can_tell(*, six: bool) -> None:
    ends = (("fd99::1", 40000), ("fd99::2", 8000)) if six else (("10.99.1.101", 40000), ("10.99.1.102", 8000))
    frames = [
        Frame(way, letters, seq, ack, data, client=ends[0], server=ends[1])
        for way, letters, seq, ack, data in [
            (">", "S", 100, 0, b""), ("<", "S.", 500, 101, b""), (">", "P.", 101, 501, b"hello"),
            (">", "P.", 101, 501, b"hello"),
        ]
    ]  # fmt: skip
    conversation = read(*frames)
    assert (copied(conversation), sent_again(conversation)) == ([], [4])


def test_a_connection_captured_twice_goes_through_the_same_states() -> None:
    once = read(*(frame for frame in WHOLE if frame is not COPY))
    twice = read(*(each for frame in WHOLE for each in (frame, frame)))
    assert [(each.client, each.server) for each in infer(once)][-1] == [
        (each.client, each.server) for each in infer(twice)
    ][-1]
    assert not any(each.unexplained for each in infer(twice))


def test_a_syn_ack_that_the_capture_has_again_later_does_not_keep_the_server_half_open() -> None:
    answer = Frame("<", "S.", 500, 101, ip_id=9)
    conversation = read(Frame(">", "S", 100), answer, Frame(">", ".", 101, 501), answer)
    assert [each.server.value for each in infer(conversation)][2:] == ["ESTAB", "ESTAB"]
