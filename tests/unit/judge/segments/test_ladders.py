from __future__ import annotations

from typing import Any

import pytest

from lab.judge.segments.closing import closes
from lab.judge.segments.ladders import segments
from lab.judge.verdict import Look, Message, Result, Verdict
from tests.unit.judge.builders import (
    BEGUN,
    CLIENT_FIRST,
    MS,
    OPEN,
    SERVER_FIRST,
    TALK,
    B,
    Talk,
    capture,
    evidence,
)

HANDSHAKE = """
    client:a > server    S   seq 0
    server   > client:a  S.  seq 0 ack 1
    client:a > server    .   ack 1
"""
HELLO = """
    client:a > server    data  "hello"
  ~ server   > client:a  .
    server   > client:a  data  "HELLO"
  ~ client:a > server    .
"""


def judged(ladder: str, *script: str, **more: Any) -> Result:
    run = evidence(captures=(capture("server", *script),))
    return segments("a", id="ladder", ladder=ladder, **more).judge(run)


def marked(result: Result) -> list[tuple[str, str | None, str | None]]:
    """Return (column, expected, observed) of each marked cell, and (`Segment`, …) of each rung or segment alone."""
    assert result.comparison is not None
    found: list[tuple[str, str | None, str | None]] = []
    for pair in result.comparison.pairs:
        if pair.expected and pair.observed:
            columns = result.comparison.columns
            found += [(columns[n], pair.expected[n], pair.observed[n]) for n in sorted(pair.differs)]
        else:
            found.append(("Segment", _alone(pair.expected), _alone(pair.observed)))
    return found


def _alone(cells: tuple[str, ...] | None) -> str | None:
    return None if cells is None else " ".join(cells[:2])


def test_the_handshake_passes_with_relative_numbers_across_the_sequence_wrap() -> None:
    assert judged(HANDSHAKE, *OPEN).verdict is Verdict.PASS
    assert judged(HANDSHAKE, *OPEN, *TALK, *CLIENT_FIRST, part="open").verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("script", "wrong", "frame"),
    [
        pytest.param(("> S", "< S."), [("Segment", "client:a > server .", None)], 2, id="no last ACK"),
        pytest.param(
            ("> S", "< R.", "> ."),
            [("Flags", "S.", "R."), ("Seq", "0", "1")],
            2,
            id="refused",
        ),
        pytest.param(
            ("> S", "< S.", "> .", "> ."), [("Segment", None, "client:a > server .")], 4, id="an ACK too many"
        ),
        pytest.param(("> S", "< S.", "> P. hi"), [("Len", "0", "2")], 3, id="data rides along"),
        pytest.param(
            ("> S", "< S.", "< ."),
            [("Segment", "client:a > server .", None), ("Segment", None, "server > client:a .")],
            3,
            id="from the wrong side",
        ),
    ],
)
def test_the_segment_that_differs_is_marked_with_its_frame(script: tuple[str, ...], wrong: Any, frame: int) -> None:
    result = judged(HANDSHAKE, *script)
    assert result.verdict is Verdict.FAIL
    assert sorted(map(str, marked(result))) == sorted(map(str, wrong))
    assert result.look == (Look("server.pcap", frame=frame),)


def test_acks_that_are_optional_may_come_or_not() -> None:
    assert judged(HELLO, *OPEN, *TALK, part="data").verdict is Verdict.PASS
    assert judged(HELLO, *OPEN, "> P. hello", "< P. HELLO", part="data").verdict is Verdict.PASS
    doubled = judged(HELLO, *OPEN, "> P. hello", "< .", "< .", "< P. HELLO", part="data")
    assert marked(doubled) == [("Segment", None, "server > client:a .")]


def test_the_payload_must_be_the_written_one() -> None:
    result = judged(HELLO, *OPEN, "> P. hello", "< P. hello", part="data")
    assert marked(result) == [("Data", '"HELLO"', '"hello"')]
    assert result.look == (Look("server.pcap", frame=5),)


def test_psh_counts_only_where_it_is_written() -> None:
    assert judged('client:a > server  .  "hello"', *OPEN, "> P. hello", part="data").verdict is Verdict.PASS
    assert judged("client:a > server  P.", *OPEN, "> P. hello", part="data").verdict is Verdict.PASS
    unpushed = judged("client:a > server  P.", *OPEN, "> . hello", part="data")
    assert marked(unpushed) == [("Flags", "P.", ".")]
    assert judged("client:a > server  F.", *OPEN, "> FP. bye", part="close").verdict is Verdict.PASS


def test_a_dot_alone_is_a_bare_ack() -> None:
    result = judged("client:a > server  .", *OPEN, "> . hello", part="data")
    assert marked(result) == [("Len", "0", "5")]


def test_numbers_and_lengths_are_compared_where_they_are_written() -> None:
    ladder = "client:a > server  data  seq 1 ack 1 len {}"
    assert judged(ladder.format(5), *OPEN, "> P. hello", part="data").verdict is Verdict.PASS
    assert marked(judged(ladder.format(6), *OPEN, "> P. hello", part="data")) == [("Len", "6", "5")]
    assert marked(judged("client:a > server  P. seq 2", *OPEN, "> P. hello", part="data")) == [("Seq", "2", "1")]
    assert marked(judged("client:a > server  P. ack 2", *OPEN, "> P. hello", part="data")) == [("Ack", "2", "1")]


def test_the_parts_are_told_apart_at_the_handshake_and_the_first_fin() -> None:
    four = """
        client:a > server    F.
        server   > client:a  .
        server   > client:a  F.
        client:a > server    .
    """
    whole = (*OPEN, *TALK, *CLIENT_FIRST)
    assert judged(four, *whole, part="close").verdict is Verdict.PASS
    assert judged(HELLO, *whole, part="data").verdict is Verdict.PASS
    assert judged("", *OPEN, part="close").verdict is Verdict.PASS
    three = judged(four, *OPEN, "> F.", "< F.", "> .", part="close")
    assert marked(three) == [("Segment", "server > client:a .", None)]


def test_a_reset_belongs_to_the_close_and_a_refusal_has_an_opening_of_one() -> None:
    assert judged("server > client:a  R.", "> S", "< R.", part="close").verdict is Verdict.PASS
    assert judged("client:a > server  S", "> S", "< R.", part="open").verdict is Verdict.PASS


def test_a_conversation_that_a_whole_capture_does_not_hold_is_a_fail() -> None:
    run = evidence(captures=(capture("server", frames=Talk(client=B).frames(*OPEN)),))
    result = segments("a", id="ladder", ladder=HANDSHAKE).judge(run)
    assert result.verdict is Verdict.FAIL
    assert result.observed == Message("conversation-absent", {"client": "a", "file": "server.pcap"})


def test_other_conversations_of_the_capture_do_not_count() -> None:
    frames = Talk().frames(*OPEN) + Talk(client=B, begun_ns=BEGUN + 11 * MS).frames(*OPEN, *TALK)
    run = evidence(captures=(capture("server", frames=frames),))
    assert segments("a", id="ladder", ladder=HANDSHAKE).judge(run).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("script", "first", "count", "verdict", "observed"),
    [
        (SERVER_FIRST, "server", None, Verdict.PASS, {"first": "server", "count": 4}),
        (SERVER_FIRST, "a", None, Verdict.FAIL, {"first": "server", "count": 4}),
        (CLIENT_FIRST, "a", 4, Verdict.PASS, {"first": "a", "count": 4}),
        (CLIENT_FIRST, "a", "3..4", Verdict.PASS, {"first": "a", "count": 4}),
        (("> F.", "< F.", "> ."), "a", 4, Verdict.FAIL, {"first": "a", "count": 3}),
    ],
)
def test_who_closes_first_is_who_sent_the_first_fin(
    script: tuple[str, ...], first: str, count: Any, verdict: Verdict, observed: Any
) -> None:
    run = evidence(captures=(capture("server", *OPEN, *script),))
    result = closes("a", id="first", first=first, segments=count).judge(run)
    assert (result.verdict, result.observed) == (verdict, Message("closes-first-count", observed))
    assert result.look[0].frame == next(n for n, line in enumerate((*OPEN, *script), start=1) if "F" in line)


@pytest.mark.parametrize(("script", "code"), [(TALK, "not-closed"), (("> R.",), "closed-by-reset")])
def test_a_conversation_without_fin_was_not_closed_by_anyone(script: tuple[str, ...], code: str) -> None:
    run = evidence(captures=(capture("server", *OPEN, *script),))
    result = closes("a", id="first", first="a").judge(run)
    assert (result.verdict, result.observed.code) == (Verdict.FAIL, code)
