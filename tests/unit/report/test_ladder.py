"""The ladder of a conversation, drawn from the capture of the run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.recording.play import Step
from lab.report import ladder
from lab.report.climb import climb, inferred_notes, part_of
from lab.report.ink import cells, for_encoding, plain
from lab.report.seen import sightings
from lab.report.transcript import next_begin
from lab.report.words import Words
from tests.unit.judge.builders import BEGUN, MS, capture
from tests.unit.report import builders

WORDS = ladder.LadderWords("client", "server", "again", lambda count: f"{count} more")


def drawn(step_id: str, part: str | None, width: int = 94) -> list[str]:
    evidence = builders.a_run()
    step, conversation = evidence.play.step(step_id), evidence.conversation("a")
    assert conversation is not None
    segments = part_of(conversation, part, step, next_begin(evidence, step))
    rungs, _ = climb(conversation, segments, sightings(evidence.recording))
    return [plain(line) for line in ladder.draw(rungs, WORDS, width)]


def test_the_handshake_with_both_ends_states() -> None:
    assert drawn("connects", "open") == [
        "client                                        server",
        "SYN-SENT ~   ─── S   seq 0 ───────────────▶   SYN-RECV ~       0.000 ms",
        "ESTAB        ◀── S.  seq 0 ack 1 ──────────                    0.038",
        "             ─── .   ack 1 ───────────────▶   ESTAB            0.061",
    ]


def test_what_is_sent_again_in_the_handshake_belongs_to_it() -> None:
    asked_twice = capture("server", "> S", "< S.", "< S.", "> .", "> P. hello")
    step, conversation = Step("connects", BEGUN, BEGUN + 1000 * MS), asked_twice.conversations[0]
    opening = part_of(conversation, "open", step, None)
    assert [segment.flags.letters for segment in opening] == ["S", "S.", "S.", "."]
    assert [segment.payload for segment in part_of(conversation, "data", step, None)] == [b"hello"]


def test_data_belongs_to_the_step_in_which_it_was_sent() -> None:
    lines = drawn("talks", "data")
    assert ['"hello"' in lines[1], '"HELLO"' in lines[3], any('"exit"' in line for line in lines)] == [
        True,
        True,
        False,
    ]


def test_the_close_begins_with_what_led_to_it() -> None:
    lines = drawn("server_first", "close")
    assert '"exit"' in lines[1]
    assert lines[-1] == "CLOSED       ◀── .   ack 11 ───────────────                   60.931"


def test_a_state_that_ss_showed_is_not_marked_as_inferred() -> None:
    assert [line for line in drawn("server_first", "close") if "TIME-WAIT" in line] == [
        "LAST-ACK ~   ─── F.  seq 10 ack 7 ────────▶   TIME-WAIT       60.900"
    ]


def test_the_footnote_says_how_long_the_inferred_states_lasted() -> None:
    evidence = builders.a_run()
    conversation = evidence.conversation("a")
    assert conversation is not None
    _, marked = climb(conversation, conversation.handshake, sightings(evidence.recording))
    words = Words(builders.an_exercise().texts("en"), "en", {})
    assert inferred_notes(conversation, marked, words) == [
        "~ inferred from the capture, too short for ss to see: SYN-SENT 38 µs, SYN-RECV 61 µs"
    ]


@pytest.mark.parametrize(
    ("language", "note"),
    [
        ("en", "~ inferred from less: the opening, or a part of it, is not in the capture"),
        ("zh-CN", "~ 推断的依据不完整：抓包里没有连接的建立过程，或缺了其中一部分"),
    ],
)
def test_a_footnote_says_where_a_state_rests_on_less(language: str, note: str) -> None:
    evidence = builders.a_run()
    whole = evidence.conversation("a")
    assert whole is not None
    # The SYN-ACK is not in the capture.
    conversation = replace(whole, segments=(whole.segments[0], *whole.segments[2:]))
    rungs, marked = climb(conversation, conversation.segments, sightings(evidence.recording))
    less = any(rung.from_less for rung in rungs)
    words = Words(builders.an_exercise().texts(language), language, {})
    assert inferred_notes(conversation, marked, words, from_less=less)[-1] == note


def test_a_long_conversation_loses_its_middle_and_says_so() -> None:
    rung = ladder.Rung((".   ack 1",), from_client=True, time_ns=0, client=None, server=None)
    lines = [plain(line) for line in ladder.draw([rung] * 100, WORDS, 94)]
    assert (len(lines), [line.strip() for line in lines if "more" in line]) == (24, ["78 more"])


@pytest.mark.parametrize("width", range(60, 101))
def test_no_ladder_is_wider_than_the_page(width: int) -> None:
    rung = ladder.Rung(
        ("P.  seq 123456 ack 654321 length 65536", "P.  length 65536", "P."),
        from_client=False,
        time_ns=12_345_678_901,
        client=None,
        server=None,
        again=width >= 66,  # the note beside a segment sent again needs this much
    )
    assert max(map(cells, ladder.draw([rung], WORDS, width))) <= width


def test_drawing_characters_fall_back_to_ascii() -> None:
    arrow = drawn("connects", "open")[1]
    assert for_encoding(arrow, "latin-1") == "SYN-SENT ~   --- S   seq 0 --------------->   SYN-RECV ~       0.000 ms"
    assert for_encoding("✓  fine, 23 µs", "ascii") == "ok fine, 23 us"
    assert for_encoding(arrow, "UTF-8") == arrow
