"""Up to when everything is heard: what tcpdump says of itself, and what the recorder marks."""

from __future__ import annotations

from random import Random

import pytest

from lab.kernel.ring import parse_kernel_trace
from lab.live.hearing import HOLD_NS, PATIENCE_NS, Arrived, Counts, Hearing
from tests.unit.judge.builders import BEGUN, OPEN, Talk, pcap
from tests.unit.kernel.printed import recording
from tests.unit.kernel.test_following import mark, pieces, stream

SECOND = 1_000_000_000
FRAMES = Talk().frames(*OPEN)
LAST_NS = FRAMES[-1].time_ns
CAPTURE = pcap(FRAMES)
EMPTY = pcap([])
NOW = BEGUN + 2 * SECOND


def heard_until(hearing: Hearing, server: Counts | None, client: Counts | None, data: bytes = b"") -> int:
    arrived = Arrived({"server": (data, server), "client": (b"", client)}, None)
    return hearing.take(arrived, NOW).settled_ns + HOLD_NS


@pytest.fixture
def hearing() -> Hearing:
    found = Hearing(("server", "client"))
    found.take(Arrived({"server": (EMPTY, None), "client": (EMPTY, None)}, None), BEGUN)
    return found


def test_nothing_is_settled_before_both_hosts_have_answered(hearing: Hearing) -> None:
    answer = Counts(BEGUN + SECOND, 0, 0, 0)
    assert heard_until(hearing, answer, None) == NOW - PATIENCE_NS
    assert heard_until(hearing, None, answer) == BEGUN + SECOND


def test_an_answer_counts_when_the_frames_it_speaks_of_are_here(hearing: Hearing) -> None:
    heard_until(hearing, None, Counts(BEGUN + SECOND, 0, 0, 0))
    three = Counts(BEGUN + SECOND, 3, 3, 0)
    assert heard_until(hearing, three, None, CAPTURE[24:60]) < BEGUN + SECOND
    assert heard_until(hearing, None, None, CAPTURE[60:]) == BEGUN + SECOND


def test_frames_that_tcpdump_has_not_written_yet_are_waited_for(hearing: Hearing) -> None:
    both = Counts(BEGUN, 0, 0, 0)
    heard_until(hearing, both, Counts(BEGUN + SECOND, 0, 0, 0))
    behind = Counts(BEGUN + SECOND, 3, 5, 0)
    # What has come is in its order: all up to the last frame is there.
    assert heard_until(hearing, behind, None, CAPTURE[24:]) == LAST_NS
    assert heard_until(hearing, Counts(BEGUN + SECOND, 3, 3, 0), None) == BEGUN + SECOND


def test_frames_from_before_the_filter_are_none_that_are_missing(hearing: Hearing) -> None:
    heard_until(hearing, None, Counts(BEGUN + SECOND, 0, 0, 0))
    strays = Counts(BEGUN, 0, 7, 0)
    assert heard_until(hearing, strays, None) == BEGUN
    assert heard_until(hearing, Counts(BEGUN + SECOND // 2, 0, 7, 0), None) == BEGUN + SECOND // 2


def test_dropped_frames_are_told_of_once_and_waited_for_by_nobody(hearing: Hearing) -> None:
    heard_until(hearing, None, Counts(BEGUN + SECOND, 0, 0, 0))
    heard_until(hearing, Counts(BEGUN, 0, 0, 0), None)
    for counts, dropped in ((Counts(BEGUN + SECOND, 0, 4, 4), {"server": 4}), (Counts(NOW, 0, 6, 6), {"server": 2})):
        heard = hearing.take(Arrived({"server": (b"", counts), "client": (b"", None)}, None), NOW)
        assert heard.dropped == dropped
        assert heard.settled_ns + HOLD_NS == BEGUN + SECOND


def test_a_host_that_stands_still_does_not_keep_the_others_waiting_for_ever(hearing: Hearing) -> None:
    assert heard_until(hearing, Counts(NOW, 0, 0, 0), None) == NOW - PATIENCE_NS


def test_the_recorder_settles_with_its_marks() -> None:
    hearing = Hearing(("server",))
    ended_ns = parse_kernel_trace(recording("server-first"), where="").ended_ns
    now_ns = ended_ns + SECOND
    pages = b"".join(piece for piece in pieces(stream("server-first", Random(1))) if piece[:1] != b"M")
    arrived = Arrived({"server": (EMPTY, Counts(now_ns, 0, 0, 0))}, pages + mark(ended_ns))
    heard = hearing.take(arrived, now_ns)
    assert heard.settled_ns + HOLD_NS == ended_ns
    assert heard.told.transitions
    assert hearing.header


def test_a_capture_that_begins_anew_is_read_from_its_begin(hearing: Hearing) -> None:
    first = hearing.take(Arrived({"server": (CAPTURE[24:], None), "client": (b"", None)}, None), NOW)
    assert len(first.segments["server"]) == 3
    again = hearing.take(Arrived({"server": (CAPTURE, None), "client": (b"", None)}, None, ("server",)), NOW)
    assert len(again.segments["server"]) == 3
