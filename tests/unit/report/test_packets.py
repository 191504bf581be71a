"""What is said beside a packet: the state of its host before and after, the call behind it, the expectation it proves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.judge.verdict import Look, Message, Result, Verdict
from lab.recording.play import Party
from lab.recording.run import Run
from lab.report.packets import packet_comments, run_pcapng
from lab.report.words import Words
from lab.text.catalog import LANGUAGES
from lab.timeline.model import Timeline
from lab.wire.capture import CaptureError
from tests.records import timeline_of
from tests.unit.report import builders, timelines
from tests.unit.wire.test_pcapng import read


def words(language: str = "en") -> Words:
    return Words(builders.an_exercise().texts(language), language, {})


def a_party(name: str, program: str) -> Party:
    return Party(name, "client", "client", program, program, 1, None, None)


def told(timeline: Timeline, language: str = "en", *results: Result) -> dict[tuple[str, int], tuple[str, ...]]:
    evidence = builders.without(builders.a_run(), parties=(a_party("a", "prompt"), a_party("server", "serve_blocking")))
    return dict(packet_comments(evidence, timeline, results, words(language)))


def proves(identity: str, verdict: Verdict, file: str, frame: int) -> Result:
    look, said = (Look(file, frame),), Message("as-expected")
    return Result(identity, None, verdict, said, said, None, look, look)


def test_the_state_of_the_host_before_and_after() -> None:
    comments = told(timelines.one_client())
    assert comments["client", 1][0] == "client: CLOSED → SYN-SENT"
    assert comments["server", 1][0] == "server: LISTEN → SYN-RECV ~"
    assert comments["server", 2][0] == "server: stays SYN-RECV ~"
    assert comments["client", 2][0] == "client: SYN-SENT → ESTAB"
    assert comments["server", 3][0] == "server: SYN-RECV ~ → ESTAB"


def test_what_a_call_did_to_its_own_end_is_told_with_the_segment_that_it_sent() -> None:
    comments = told(timelines.one_client())
    fin = next(frame for frame, said in comments.items() if "client: ESTAB → FIN-WAIT-1" in said)
    assert comments[fin] == ("client: ESTAB → FIN-WAIT-1", "sent by close(3) of prompt")
    assert comments["server", fin[1]][0] == "server: ESTAB → CLOSE-WAIT"
    last = max(number for host, number in comments if host == "server")
    assert [comments["client", last][0], comments["server", last][0]] == [
        "client: stays TIME-WAIT", "server: LAST-ACK → CLOSED",
    ]  # fmt: skip


def test_the_call_behind_a_segment_and_its_program() -> None:
    said = [one for comments in told(timelines.one_client()).values() for one in comments if "sent by" in one]
    assert {"sent by connect(3) of prompt", "sent by send(3) of prompt", "sent by send(4) of serve_blocking"} <= set(
        said
    )


def test_a_program_that_nobody_named_is_not_named() -> None:
    timeline = timelines.one_client()
    evidence = builders.without(builders.a_run(), parties=())
    comments = packet_comments(evidence, timeline, (), words())
    assert "sent by connect(3)" in comments["client", 1]


def test_a_repetition_and_the_reason_of_a_reset() -> None:
    comments = told(timelines.troubled())
    assert "sent again" in comments["client", 2]
    assert ("server", 1) in comments
    assert "sent again" in comments["server", 1], "the first one never arrived"
    said = [one for each in comments.values() for one in each]
    assert said.count("the kernel's reason: TCP_ABORT_ON_CLOSE") == 2


def test_a_reset_that_ends_a_connection_is_told_as_its_change() -> None:
    score = timelines.Score()
    a = score.talk("a", 58600)
    score.state("client", 0, "ESTAB", "SYN-SENT")
    sends = score.call("client", 10, 60, "send(3)", 5, talk=a)
    sent = score.segment(">", 15, "P.", 1, 1, b"hello", cause=sends)
    reset = score.segment("<", 25, "R", 1, cause=sent)
    score.state("client", 34, "UNCONN", "ESTAB", cause=reset)
    assert told(score.timeline())["client", 2] == ("client: ESTAB → CLOSED",)


def test_a_reset_from_the_queue_of_a_listener_is_told_with_that() -> None:
    score = timelines.Score()
    score.talk("a", 58600)
    score.state("server", 0, "ESTAB", "SYN-RECV")
    gone = score.state("server", 10, "UNCONN", "LISTEN", talk=None)
    score.state("server", 11, "UNCONN", "ESTAB", cause=gone)
    score.segment("<", 12, "R.", 1, 1, cause=gone)
    assert told(score.timeline())["server", 1] == (
        "server: ESTAB → CLOSED", "its listener closed, and it was still in the queue",
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_expectation_that_a_frame_proves_stands_in_both_captures(language: str) -> None:
    result = proves("handshake", Verdict.FAIL, "server.pcap", 3)
    title = words(language).own("expect.handshake.title")
    comments = told(timelines.one_client(), language, result)
    assert comments["server", 3][-1] == comments["client", 3][-1] == f"✗ {title}"
    assert not any(title in one for one in comments["server", 2])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_comments_of_a_recorded_run_are_in_the_file(language: str) -> None:
    run = builders.a_run()
    timeline = timeline_of(run)
    results = builders.all_well().results
    interfaces, packets = read(run_pcapng(builders.judged(builders.all_well(), run), language))
    assert [each[2].decode() for each in interfaces] == ["server", "client"]
    assert len(packets) == sum(record.captured for record in run.recording.captures)
    named = Words(builders.an_exercise().texts(language), language, run.recording.hosts)
    comments = packet_comments(run, timeline, results, named)
    said = [packet.comments for packet in packets if packet.interface == 0]
    assert said == [comments["server", number] for number in range(1, len(said) + 1)]


def test_a_damaged_capture_is_an_error_that_names_it() -> None:
    run = builders.a_run()
    first, *others = run.recording.captures
    damaged: Run = builders.without(run, captures=(replace(first, content=first.data[:-1]), *others))
    with pytest.raises(CaptureError, match=r"server\.pcap"):
        run_pcapng(builders.judged(builders.all_well(), damaged), "en")
