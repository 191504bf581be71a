"""A timeline put together by columns is the one that is put together connection by connection, whatever happened."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from lab.kernel.tracefile import parse_header
from lab.recording.play import Party
from lab.recording.recording import SsOutput
from lab.recording.run import Run
from lab.recording.store import load
from lab.settings import ROOT
from lab.timeline.build import build_timeline
from lab.timeline.columns.moments import MomentColumns
from lab.timeline.model import CallMade, SegmentSent, Source, StateChange, Timeline
from tests.bench.multiply import multiplied
from tests.unit.kernel.printed import RECORDINGS
from tests.unit.kernel.printed import recording as kernel_recording
from tests.unit.timeline.both_ways import (
    Event,
    Frame,
    assert_alike,
    by_columns,
    capture_of,
    events_of,
    frames_of,
    one_by_one,
    trace_of,
)

RUN: Final = load(ROOT / "tests" / "fixtures" / "runs" / "rounds")
CAPTURES: Final = {each.host: each.data[:] for each in RUN.recording.captures}
FRAMES: Final = {host: frames_of(data) for host, data in CAPTURES.items()}
KERNEL: Final = RUN.recording.kernel.data[:] if RUN.recording.kernel else b""
EVENTS: Final = events_of(KERNEL)
_IP, _TCP = 14, 34
_SYN, _RST = 0x02, 0x04


def run_of(frames: dict[str, list[Frame]] | None = None, events: list[Event] | None = None, **changes: object) -> Run:
    """Return the run with other frames, with other records of the kernel's, with other members of its recording."""
    frames = FRAMES if frames is None else frames
    captures = tuple(
        replace(each, content=capture_of(each.data[:], frames[each.host])) for each in RUN.recording.captures
    )
    assert RUN.recording.kernel
    kernel = replace(RUN.recording.kernel, content=trace_of(KERNEL, EVENTS if events is None else events))
    return Run(replace(RUN.recording, captures=captures, kernel=kernel, **changes), RUN.play)  # type: ignore[arg-type]


def columns_of(run: Run) -> Timeline:
    """Return the timeline by columns, which is the same as one by one."""
    found = assert_alike(run)
    assert found is not None
    return found


def odd(line: Timeline) -> int:
    """Return how many connections went the exact way."""
    assert isinstance(line.moments, MomentColumns)
    return int(line.moments.table.connections.odd.sum())


def test_connections_that_are_all_alike_are_told_by_columns_alone() -> None:
    line = columns_of(RUN)
    assert (len(line.talks), odd(line)) == (24, 0)
    kinds = {type(moment.what) for moment in line.moments}
    assert kinds == {CallMade, SegmentSent, StateChange}


def test_written_anew_a_run_tells_the_same() -> None:
    assert tuple(columns_of(run_of()).moments) == tuple(columns_of(RUN).moments)


def test_the_same_ports_and_sockets_may_come_again() -> None:
    line = columns_of(multiplied(RUN, 3))
    assert (len(line.talks), odd(line)) == (72, 0)


def test_a_lost_segment_makes_its_connection_go_the_exact_way_and_no_other() -> None:
    syns = [place for place, frame in enumerate(FRAMES["server"]) if frame.data[_TCP + 13] == _SYN]
    frames = {**FRAMES, "server": [each for place, each in enumerate(FRAMES["server"]) if place != syns[5]]}
    line = columns_of(run_of(frames))
    assert (len(line.talks), odd(line)) == (24, 1)


LINE: Final = one_by_one(RUN)
TALKS: Final = LINE.talks


def look(host: str, begun_ns: int, ended_ns: int, rows: list[tuple[str, int]], number: int = 1) -> SsOutput:
    """Return an output of `ss` that shows this end of these connections, each in a state."""
    lines = [
        "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process",
        f"LISTEN 2 64 {TALKS[0].server} 0.0.0.0:*",
    ]
    for state, talk in rows:
        ends = (TALKS[talk].server, TALKS[talk].client)[:: 1 if host == "server" else -1]
        lines.append(f"{state} 0 3 {ends[0]} {ends[1]}")
    return SsOutput(host, "ss -tanpo", begun_ns, ended_ns, "\n".join(lines) + "\n", f"ss/{number:02}.txt")


def test_what_ss_showed_of_a_connection_does_not_make_it_go_the_exact_way() -> None:
    output = look("server", TALKS[3].begun_ns, TALKS[3].ended_ns, [("TIME-WAIT", 3), ("ESTAB", 4)])
    line = columns_of(run_of(outputs=(output,)))
    assert odd(line) == 0
    assert [moment.talk for moment in line.moments if moment.source is Source.SS] == [3]
    assert any(level.observed for queue in line.queues for level in queue.levels)


def test_a_connection_that_ss_saw_forgotten_goes_the_exact_way() -> None:
    begun = RUN.recording.ended_ns
    outputs = (look("server", begun, begun + 9, [("TIME-WAIT", 3)]), look("server", begun + 50, begun + 60, [], 2))
    line = columns_of(run_of(outputs=outputs))
    assert odd(line) == 1
    (moment,) = (moment for moment in line.moments if moment.source is Source.SS and moment.precision_ns)
    assert moment.talk == 3


@st.composite
def looks(draw: st.DrawFn) -> tuple[SsOutput, ...]:
    times = draw(st.lists(st.sampled_from([moment.time_ns for moment in LINE.moments]), min_size=1, max_size=6))
    states = st.sampled_from(["ESTAB", "SYN-RECV", "TIME-WAIT", "FIN-WAIT-2", "FIN-WAIT-1", "LAST-ACK", "CLOSE-WAIT"])
    rows = st.lists(st.tuples(states, st.integers(0, 5)), max_size=6, unique_by=lambda row: row[1])
    return tuple(
        look(
            draw(st.sampled_from(["server", "client"])), time_ns, time_ns + draw(st.integers(0, 900_000)), draw(rows), n
        )
        for n, time_ns in enumerate(times)
    )


@settings(max_examples=60)
@given(looks())
def test_ss_may_show_anything(outputs: tuple[SsOutput, ...]) -> None:
    assert odd(columns_of(run_of(outputs=outputs))) <= len(TALKS)


def test_names_of_the_play_are_given_to_their_connections() -> None:
    parties = (
        *RUN.play.parties,
        Party("a", "client", "client", "rounds", "rounds", 1, TALKS[7].client, TALKS[7].server),
        Party("b", "client", "client", "rounds", "rounds", 2, None, TALKS[7].server),
    )
    line = assert_alike(Run(RUN.recording, replace(RUN.play, parties=parties)))
    assert line is not None
    assert [talk.number for talk in line.talks if talk.name] == [7]


def test_a_timeline_in_columns_is_read_like_any_other() -> None:
    line, exact = columns_of(RUN), one_by_one(RUN)
    assert line.moments[-1] == exact.moments[-1]
    assert line.moments[3:9:2] == [*exact.moments[3:9:2]]
    assert line.moments[5] is line.moments[5]
    assert [*reversed(line.talks)] == [*reversed(exact.talks)]
    assert line.queues[1:3] == exact.queues[1:3]
    with pytest.raises(IndexError):
        line.moments[len(exact.moments)]


def test_small_recordings_go_the_exact_way() -> None:
    assert isinstance(build_timeline(RUN.recording, RUN.play).moments, tuple)


def test_large_ones_go_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.wire.reading._MANY", 1)
    monkeypatch.setattr("lab.kernel.reading._LARGE", 1)
    fresh = load(ROOT / "tests" / "fixtures" / "runs" / "rounds")
    assert isinstance(build_timeline(fresh.recording, fresh.play).moments, MomentColumns)


def test_what_columns_have_no_rule_for_is_left_to_the_exact_way() -> None:
    assert RUN.recording.kernel
    with_ss = replace(RUN.recording, kernel=None)
    assert by_columns(Run(with_ss, RUN.play)) is None
    assert by_columns(load(ROOT / "tests" / "fixtures" / "runs" / "models")) is None


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_recording_of_the_kernels_tells_the_same_both_ways(name: str) -> None:
    data = kernel_recording(name)
    assert RUN.recording.kernel
    kernel = replace(RUN.recording.kernel, content=data)
    header = parse_header(data, where="x")
    hosts = {f"host{number}": address for number, address in enumerate(sorted({*header.agents.values()}))}
    recording = replace(RUN.recording, kernel=kernel, hosts={**RUN.recording.hosts, **hosts})
    assert_alike(Run(recording, RUN.play))


def test_of_one_time_the_calls_of_no_connection_come_last() -> None:
    loose = next(
        place for place, each in enumerate(LINE.moments) if isinstance(each.what, CallMade) and each.talk is None
    )
    made = [each for each in LINE.moments if isinstance(each.what, CallMade) and each.talk is not None]
    offset = parse_header(KERNEL, where="x").offset_ns
    events = [
        each._replace(time_ns=made[40].time_ns + offset)
        if each.time_ns == LINE.moments[loose].time_ns + offset
        else each
        for each in EVENTS
    ]
    columns_of(run_of(events=events))


CHANGES: Final = ("drop", "twice", "later", "earlier", "flags", "number", "length", "tie")


@st.composite
def tampered_frames(draw: st.DrawFn) -> dict[str, list[Frame]]:
    """Some frames of either capture are missing, come twice, at another time, or say something else."""
    frames = {host: [*some] for host, some in FRAMES.items()}
    for _ in range(draw(st.integers(1, 4))):
        some = frames[draw(st.sampled_from(sorted(frames)))]
        place = draw(st.integers(0, len(some) - 1))
        change, one = draw(st.sampled_from(CHANGES)), some[place]
        data = bytearray(one.data)
        if change == "drop":
            del some[place]
        elif change == "twice":
            some.insert(place + draw(st.integers(0, 3)), one._replace(time_ns=one.time_ns + draw(st.integers(0, 9))))
        elif change in ("later", "earlier"):
            by = draw(st.sampled_from([1, 900, 5_000, 90_000, 2_000_000])) * (1 if change == "later" else -1)
            some[place] = one._replace(time_ns=one.time_ns + by)
        elif change == "tie":
            other = draw(st.sampled_from([*frames["client"], *frames["server"]]))
            some[place] = one._replace(time_ns=other.time_ns)
        elif change == "flags":
            data[_TCP + 13] ^= draw(st.sampled_from([0x01, _SYN, _RST, 0x08, 0x10, 0x15]))
            some[place] = one._replace(data=bytes(data))
        elif change == "number":
            at = _TCP + draw(st.sampled_from([4, 8]))
            (number,) = struct.unpack_from(">I", data, at)
            struct.pack_into(">I", data, at, (number + draw(st.sampled_from([1, 2**32 - 1, 5, 2**31]))) % 2**32)
            some[place] = one._replace(data=bytes(data))
        elif change == "length":
            (total,) = struct.unpack_from(">H", data, _IP + 2)
            struct.pack_into(">H", data, _IP + 2, max(52, total + draw(st.sampled_from([-3, 7]))))
            some[place] = one._replace(data=bytes(data))
        if draw(st.booleans()):
            some.sort(key=lambda each: each.time_ns)
    return frames


@settings(max_examples=60)
@given(tampered_frames())
def test_segments_may_be_missing_or_strange(frames: dict[str, list[Frame]]) -> None:
    line = assert_alike(run_of(frames))
    event("left to the exact way" if line is None else f"{min(odd(line), 5)} connections odd")


HEADER: Final = parse_header(KERNEL, where="x")


def event_of(data: bytes) -> str:
    number = int.from_bytes(data[:2], "little")
    return next(name for name, text in HEADER.formats.items() if f"ID: {number}\n" in text)


NAMES: Final = [event_of(each.data) for each in EVENTS]


def field(name: str, which: str) -> tuple[int, int]:
    """Return where a field of an event begins, and its size."""
    line = next(line for line in HEADER.formats[name].split("\n") if f" {which};" in line or f" {which}[" in line)
    offset, size = (int(line.partition(f"{what}:")[2].partition(";")[0]) for what in ("offset", "size"))
    return offset, size


FORK: Final = "sched:sched_process_fork"
THREADS: Final = sorted({int.from_bytes(each.data[4:8], "little") for each in EVENTS})


def fork(parent: int, child: int) -> bytes:
    """Return the record of a thread that began with the descriptors of another one."""
    data = bytearray(EVENTS[NAMES.index(FORK)].data)
    for which, pid in (("parent_pid", parent), ("child_pid", child)):
        struct.pack_into("<i", data, field(FORK, which)[0], pid)
    return bytes(data)


@st.composite
def tampered_events(draw: st.DrawFn) -> list[Event]:
    """Some records of the kernel's are missing, come twice, at another time, or say something else."""
    events = [*EVENTS]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(EVENTS) - 1))
        one, name = EVENTS[place], NAMES[place]
        data = bytearray(one.data)
        at = events.index(one) if one in events else 0
        change = draw(st.sampled_from(["drop", "twice", "later", "earlier", "pid", "value", "value", "tie", "fork"]))
        if change == "drop":
            del events[at]
        elif change == "twice":
            events.append(one._replace(time_ns=one.time_ns + draw(st.integers(0, 5_000))))
        elif change in ("later", "earlier"):
            by = draw(st.sampled_from([1, 900, 50_000, 2_000_000])) * (1 if change == "later" else -1)
            events[at] = one._replace(time_ns=one.time_ns + by)
        elif change == "tie":
            events[at] = one._replace(time_ns=draw(st.sampled_from(EVENTS)).time_ns)
        elif change == "fork":
            events.append(one._replace(data=fork(*draw(st.tuples(*[st.sampled_from(THREADS)] * 2)))))
        elif change == "pid":
            struct.pack_into("<i", data, 4, int.from_bytes(draw(st.sampled_from(EVENTS)).data[4:8], "little"))
            events[at] = one._replace(data=bytes(data))
        else:
            _set_value(draw, name, data)
            events[at] = one._replace(data=bytes(data))
    return events


def _set_value(draw: st.DrawFn, name: str, data: bytearray) -> None:
    """Have a record say what another one of its event says, or what a call returns that a signal broke off."""
    fields = {
        "sock:inet_sock_set_state": ["skaddr", "oldstate", "newstate", "sport", "dport", "saddr_v6", "common_flags"],
        "raw_syscalls:sys_enter": ["id", "args"], "raw_syscalls:sys_exit": ["id", "ret"],
        "sock:sock_send_length": ["sk"], "sock:sock_recv_length": ["sk"],
    }  # fmt: skip
    if name not in fields:
        return
    which = draw(st.sampled_from(fields[name]))
    at, size = field(name, which)
    alike = [each.data for each, one in zip(EVENTS, NAMES, strict=True) if one == name]
    data[at : at + size] = draw(st.sampled_from(alike))[at : at + size]
    if which == "ret" and draw(st.booleans()):
        struct.pack_into("<q", data, at, draw(st.sampled_from([-4, -512, -11, -104, 0, 5])))


@settings(max_examples=60)
@given(tampered_events())
def test_what_the_kernel_told_may_be_missing_or_strange(events: list[Event]) -> None:
    line = assert_alike(run_of(events=events))
    event("left to the exact way" if line is None else f"{min(odd(line), 5)} connections odd")
