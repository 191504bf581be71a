"""One connection from both captures and the kernel's record: lanes, order, causes."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from lab.kernel.trace import PROGRAMS, SOCKETS, UNTOLD
from lab.timeline.model import CallMade, Lane, SegmentSent, Source
from tests.unit.timeline.builders import OPEN, TALK, Wire, at, find, kernel, lane, run, timeline, told


def test_each_lane_has_its_moments_in_order() -> None:
    line = timeline(record=kernel())
    assert lane(line, Lane.CLIENT_CALLS) == ["socket", "connect", "send", "recv"]
    assert lane(line, Lane.CLIENT_STATE) == ["SYN-SENT", "ESTAB"]
    assert lane(line, Lane.WIRE) == ["S", "S.", ".", "P.", ".", "P.", "."]
    assert lane(line, Lane.SERVER_STATE) == ["SYN-RECV", "SYN-RECV", "ESTAB"]
    assert lane(line, Lane.SERVER_CALLS) == ["accept", "recv", "send"]


def test_what_belongs_to_no_connection_stands_apart() -> None:
    line = timeline(record=kernel())
    assert lane(line, Lane.SERVER_CALLS, talk=None) == ["socket", "bind", "listen"]
    assert lane(line, Lane.SERVER_STATE, talk=None) == ["LISTEN"]


def test_moments_are_numbered_in_the_order_of_their_time() -> None:
    line = timeline(record=kernel())
    assert [moment.number for moment in line.moments] == list(range(len(line.moments)))
    assert [moment.time_ns for moment in line.moments] == sorted(moment.time_ns for moment in line.moments)


def test_a_segment_has_both_frames_and_both_times() -> None:
    syn = find(timeline(record=kernel()), Lane.WIRE, "S")
    assert isinstance(syn.what, SegmentSent)
    assert (syn.what.client_frame, syn.what.server_frame, syn.time_ns, syn.ended_ns) == (1, 1, at(0), at(3))


def test_a_segment_that_never_arrived_has_no_arrival() -> None:
    syn = find(timeline(*OPEN, wire=Wire(lost=(0,))), Lane.WIRE, "S")
    assert isinstance(syn.what, SegmentSent)
    assert (syn.what.client_frame, syn.what.server_frame, syn.ended_ns) == (1, None, None)


def test_a_data_segment_that_never_arrived_has_no_arrival() -> None:
    wire = Wire(lost=(3,))
    line = timeline(*OPEN, "> P. hello", wire=wire)
    assert [moment.ended_ns for moment in line.moments if told(moment) == "P."] == [None]


@pytest.mark.parametrize(
    ("lane_of", "what", "cause_lane", "cause"),
    [
        (Lane.WIRE, "S", Lane.CLIENT_CALLS, "connect"),
        (Lane.WIRE, "S.", Lane.WIRE, "S"),
        (Lane.WIRE, ".", Lane.WIRE, "S."),
        (Lane.WIRE, "P.", Lane.CLIENT_CALLS, "send"),
        (Lane.CLIENT_STATE, "SYN-SENT", Lane.CLIENT_CALLS, "connect"),
        (Lane.CLIENT_STATE, "ESTAB", Lane.WIRE, "S."),
        (Lane.SERVER_STATE, "ESTAB", Lane.WIRE, "."),
        (Lane.SERVER_CALLS, "accept", Lane.WIRE, "."),
        (Lane.SERVER_CALLS, "recv", Lane.WIRE, "P."),
    ],
)
def test_a_moment_knows_what_brought_it_about(lane_of: Lane, what: str, cause_lane: Lane, cause: str) -> None:
    line = timeline(record=kernel())
    moment = find(line, lane_of, what)
    assert moment.cause is not None
    behind = line.moments[moment.cause]
    assert (behind.lane, told(behind)) == (cause_lane, cause)


def test_calls_are_their_party_s() -> None:
    line = timeline(record=kernel())
    parties = {(moment.what.name, moment.what.party) for moment in line.moments if isinstance(moment.what, CallMade)}
    assert parties == {
        ("socket", "server"), ("bind", "server"), ("listen", "server"), ("accept", "server"), ("socket", "a"),
        ("connect", "a"), ("send", "a"), ("recv", "a"), ("recv", "server"), ("send", "server"),
    }  # fmt: skip


def test_without_the_kernel_s_record_states_are_inferred_and_it_says_so() -> None:
    line = timeline(*OPEN, *TALK)
    assert lane(line, Lane.SERVER_STATE) == ["SYN-RECV", "ESTAB"]
    assert {moment.source for moment in line.moments if moment.lane is Lane.SERVER_STATE} == {Source.INFERRED}
    assert (line.by_kernel, line.lacks) == (False, ("no-recorder",))


@pytest.mark.parametrize(
    ("lost", "lacks"),
    [
        ({SOCKETS: 12}, ("lost-states",)),
        ({PROGRAMS: 12}, ("lost-calls",)),
        ({SOCKETS: 1, PROGRAMS: 12}, ("lost-states", "lost-calls")),
        ({UNTOLD: 12}, ("lost-states", "lost-calls")),
    ],
)
def test_of_what_events_were_lost_is_told(lost: dict[str, int], lacks: tuple[str, ...]) -> None:
    assert timeline(record=kernel(lost=lost)).lacks == lacks


def test_a_recorder_that_ended_early_is_not_called_a_full_buffer() -> None:
    died = replace(kernel(), died=True)
    died.__dict__["trace"] = kernel().trace
    assert timeline(record=died).lacks == ("ended-early",)


def test_the_talk_is_the_exercise_s_client() -> None:
    (talk,) = timeline(record=kernel()).talks
    assert (talk.name, talk.client_host, talk.server_host) == ("a", "client", "server")
    assert talk.moments == tuple(sorted(talk.moments))


def test_a_run_without_a_connection_has_an_empty_timeline() -> None:
    line = timeline(captures=())
    assert (line.moments, line.talks) == ((), ())


def test_the_step_of_a_moment_is_the_one_that_was_played_then() -> None:
    assert {moment.step for moment in timeline(record=kernel()).moments} == {"connects"}
    assert run().play.steps[0].id == "connects"


def test_each_time_is_as_precise_as_the_clock_it_was_read_from() -> None:
    line = timeline(record=kernel(clock="mono", precision_ns=800))
    found = {(moment.source, moment.precision_ns) for moment in line.moments}
    assert found == {(Source.KERNEL, 800), (Source.CAPTURE, 0), (Source.INFERRED, 0)}
    assert line.lacks == ("other-clock",)


def test_a_capture_in_microseconds_is_that_precise() -> None:
    captures = tuple(
        replace(each, content=struct.pack("<I", 0xA1B2C3D4) + each.data[4:]) for each in Wire().captures(*OPEN)
    )
    line = timeline(captures=captures)
    assert {moment.precision_ns for moment in line.moments if moment.lane is Lane.WIRE} == {1_000}
