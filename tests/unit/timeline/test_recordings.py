"""A timeline of a recording alone: capture files from anywhere, both ends on one host, one side only, no play."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.recording.captures import BETWEEN, recording_of
from lab.recording.store import load
from lab.settings import ROOT
from lab.timeline.build import build_timeline
from lab.timeline.model import CallMade, Lane, QueueKind, SegmentSent, Timeline
from lab.wire.segment import Endpoint
from tests.unit.judge.builders import CLIENT_FIRST, OPEN, SERVER, TALK, A, Frame, Talk, pcap
from tests.unit.timeline.builders import lane

CAPTURES = sorted((ROOT / "tests" / "fixtures" / "captures").glob("*.pcap"))
LOOPBACK = Talk(client=Endpoint("127.0.0.1", 40000), server=Endpoint("127.0.0.1", 8000))
SCRIPT = (*OPEN, *TALK, *CLIENT_FIRST)
ENDS = [
    ["SYN-SENT", "ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"],
    ["SYN-RECV", "ESTAB", "CLOSE-WAIT", "LAST-ACK", "UNCONN"],
]


def states(line: Timeline) -> list[list[str]]:
    return [lane(line, Lane.CLIENT_STATE), lane(line, Lane.SERVER_STATE)]


@pytest.mark.parametrize("file", CAPTURES, ids=lambda path: path.stem)
def test_each_segment_of_a_capture_file_is_a_moment_once(file: Path) -> None:
    recording = recording_of({BETWEEN: file.read_bytes()})
    line = build_timeline(recording)
    (record,) = recording.captures
    sent = [moment.what.segment.number for moment in line.moments if isinstance(moment.what, SegmentSent)]
    assert sorted(sent) == sorted(each.number for talk in record.conversations for each in talk.segments)
    assert [(talk.client, talk.server) for talk in line.talks] == [
        (each.client, each.server) for each in record.conversations
    ]
    assert {talk.name for talk in line.talks} <= {None}


@pytest.mark.parametrize("where", [BETWEEN, SERVER.address, A.address])
def test_one_capture_tells_the_states_of_both_ends_wherever_it_was_taken(where: str) -> None:
    line = build_timeline(recording_of({where: pcap(Talk().frames(*SCRIPT))}))
    assert states(line) == ENDS
    assert [(talk.client_host, talk.server_host) for talk in line.talks] == [(A.address, SERVER.address)]


def test_both_ends_may_be_one_host_and_its_segments_are_there_once() -> None:
    line = build_timeline(recording_of({"here": pcap(LOOPBACK.frames(*SCRIPT))}, {"here": "127.0.0.1"}))
    assert states(line) == ENDS
    assert [(talk.client_host, talk.server_host) for talk in line.talks] == [("here", "here")]
    sent = [moment for moment in line.moments if isinstance(moment.what, SegmentSent)]
    assert [moment.what.segment.number for moment in sent if isinstance(moment.what, SegmentSent)] == [
        *range(1, len(SCRIPT) + 1)
    ]
    assert {moment.host for moment in line.moments} == {"here"}


def test_the_queues_of_two_ends_on_one_host_are_apart() -> None:
    late = replace(LOOPBACK, every_ns=2_000_000, next={">": 100, "<": 5000})
    line = build_timeline(recording_of({"here": pcap(late.frames(*OPEN, *TALK))}, {"here": "127.0.0.1"}))
    sends = [queue for queue in line.queues if queue.kind is QueueKind.SEND]
    tops = {queue.at_client: max(level.value for level in queue.levels) for queue in sends}
    assert tops == {True: 5, False: 5}


def test_only_one_direction_in_a_capture_is_a_connection_all_the_same() -> None:
    frames = Talk().frames(*SCRIPT)
    ways = [line[0] for line in SCRIPT]
    for way in "><":
        mine: list[Frame] = [frame for frame, each in zip(frames, ways, strict=True) if each == way]
        line = build_timeline(recording_of({BETWEEN: pcap(mine)}))
        assert len([moment for moment in line.moments if isinstance(moment.what, SegmentSent)]) == len(mine)
        assert len(line.talks) == 1


def test_any_number_of_hosts_are_told_apart() -> None:
    ports = range(40001, 40006)
    talks = [Talk(client=Endpoint(f"10.0.0.{port - 40000}", port), server=Endpoint("10.0.1.1", 80)) for port in ports]
    frames = [frame for talk in talks for frame in talk.frames(*SCRIPT)]
    line = build_timeline(recording_of({"web": pcap(frames)}, {"web": "10.0.1.1", "first": "10.0.0.1"}))
    assert [(talk.client_host, talk.server_host) for talk in line.talks] == [
        ("first", "web"), *((f"10.0.0.{number}", "web") for number in range(2, 6)),
    ]  # fmt: skip


def test_without_its_play_a_recording_has_the_same_segments_and_states_and_no_names() -> None:
    run = load(ROOT / "tests" / "fixtures" / "runs" / "ex03")
    named, alone = build_timeline(run.recording, run.play), build_timeline(run.recording)
    kept = [
        [
            (moment.lane, moment.host, moment.talk, moment.time_ns, moment.source, moment.what)
            for moment in line.moments
            if not isinstance(moment.what, CallMade)
        ]
        for line in (alone, named)
    ]
    assert kept[0] == kept[1] != []
    assert {talk.name for talk in alone.talks} == {None} != {talk.name for talk in named.talks}
    assert {moment.step for moment in alone.moments} == {None} != {moment.step for moment in named.moments}
