"""Segments written as a ladder, and the recorded captures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.wire.capture import parse_capture
from lab.wire.conversation import Conversation, conversations
from lab.wire.segment import Endpoint, Flags, Segment

CLIENT = Endpoint("10.99.1.101", 40000)
SERVER = Endpoint("10.99.1.102", 8000)
LETTERS = {"F": Flags.FIN, "S": Flags.SYN, "R": Flags.RST, "P": Flags.PSH, ".": Flags.ACK}
CAPTURES = Path(__file__).parents[2] / "fixtures" / "captures"

Ladder = Callable[[str], tuple[Segment, ...]]
Recorded = Callable[[str], tuple[Conversation, ...]]


def climb(text: str) -> tuple[Segment, ...]:
    """Return the segments of lines such as `> P. 101 501 +5 win=0`: direction, flags, seq, ack, length."""
    segments: list[Segment] = []
    for line in text.strip().splitlines():
        direction, letters, *words = line.split("#")[0].split()
        src, dst = (CLIENT, SERVER) if direction == ">" else (SERVER, CLIENT)
        flags = Flags(0)
        for letter in letters:
            flags |= LETTERS[letter]
        length = next((int(word[1:]) for word in words if word.startswith("+")), 0)
        window = next((int(word[4:]) for word in words if word.startswith("win=")), 500)
        numbers = [int(word) % 2**32 for word in words if word.lstrip("-").isdigit()]
        seq, ack = [*numbers, 0][:2]
        number = len(segments) + 1
        segments.append(Segment(number, number * 1000, src, dst, seq, ack, flags, window, b"x" * length, length))
    return tuple(segments)


@pytest.fixture
def ladder() -> Ladder:
    return climb


@pytest.fixture
def recorded() -> Recorded:
    def read(name: str) -> tuple[Conversation, ...]:
        path = CAPTURES / f"{name}.pcap"
        return conversations(parse_capture(path.read_bytes(), where=path.name).segments)

    return read
