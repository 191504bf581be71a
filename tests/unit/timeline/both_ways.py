"""A recording put together by columns and one by one; what is in it taken out, changed and written anew."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from lab.kernel.columns.reading import read_trace_columns
from lab.kernel.pages import read_pages
from lab.kernel.ring import parse_kernel_trace
from lab.kernel.tracefile import parse_header
from lab.recording.recording import Recording
from lab.recording.run import Run
from lab.timeline.columns.build import build_by_columns
from lab.timeline.model import Timeline
from lab.timeline.one_by_one import build_one_by_one
from lab.wire.capture import Capture, parse_capture
from lab.wire.columns.reading import read_columns
from tests.unit.kernel.pages import page_of, record, stamp

_FILE_HEADER = 24
_RECORD = struct.Struct("<IIII")
_NS = 1_000_000_000
_ROOM = 4096 - 16


class Frame(NamedTuple):
    """A frame of a capture, when it came (ns)."""

    time_ns: int
    data: bytes


class Event(NamedTuple):
    """A record of the kernel's tracer, by its own clock (ns)."""

    time_ns: int
    data: bytes


def frames_of(data: bytes) -> list[Frame]:
    """Return the frames of a capture in nanoseconds."""
    found, at = [], _FILE_HEADER
    while at < len(data):
        seconds, rest, kept, _ = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        found.append(Frame(seconds * _NS + rest, data[at : at + kept]))
        at += kept
    return found


def capture_of(head: bytes, frames: Sequence[Frame]) -> bytes:
    """Return a capture of these frames, which begins as `head` does."""
    sizes = (len(frame.data) for frame in frames)
    heads = (_RECORD.pack(*divmod(frame.time_ns, _NS), *[size] * 2) for frame, size in zip(frames, sizes, strict=True))
    parts = (each + frame.data for each, frame in zip(heads, frames, strict=True))
    return head[:_FILE_HEADER] + b"".join(parts)


def events_of(data: bytes) -> list[Event]:
    """Return the records of a kernel's recording."""
    records, _ = read_pages(data, parse_header(data, where="x"), where="x")
    return [Event(time, data[at : at + size]) for time, at, size in records]


def trace_of(head: bytes, events: Sequence[Event]) -> bytes:
    """Return a recording of these records, whose header is that of `head`: of one processor, in the order of time."""
    header = json.loads(head[: head.index(b"\n")])
    pages: list[bytes] = []
    parts: list[bytes] = []
    for event in sorted(events, key=lambda each: each.time_ns):
        part = stamp(event.time_ns) + record(event.data)
        if sum(map(len, parts)) + len(part) > _ROOM:
            pages.append(page_of(*parts, time=event.time_ns))
            parts = []
        parts.append(part)
    pages.append(page_of(*parts, time=events[0].time_ns))
    cpu = {**header["cpus"][0], "pages": len(pages), "entries": len(events)}
    return json.dumps({**header, "cpus": [cpu]}).encode() + b"\n" + b"".join(pages)


def read(run: Run, *, by_columns: bool) -> Recording:
    """Return the recording, its captures and its kernel's record read by columns, or record by record."""
    captures, kernel = [], run.recording.kernel
    for each in run.recording.captures:
        if by_columns:
            found = read_columns(each.data, where="x")
            content = Capture(found, found.frames, found.linktype, found.nanosecond, found.skipped)
        else:
            content = parse_capture(each.data, where="x")
        captures.append(replace(each, content=content))
    if kernel:
        trace = read_trace_columns(kernel.data, where="x") if by_columns else parse_kernel_trace(kernel.data, where="x")
        assert trace
        kernel = replace(kernel, content=trace)
    return replace(run.recording, captures=tuple(captures), kernel=kernel)


def by_columns(run: Run) -> Timeline | None:
    """Return the timeline by columns; None where those have no rule for what the recording holds."""
    return build_by_columns(read(run, by_columns=True), run.play)


def one_by_one(run: Run) -> Timeline:
    """Return the timeline as the exact way has it."""
    return build_one_by_one(read(run, by_columns=False), run.play)


def assert_alike(run: Run) -> Timeline | None:
    """All that a timeline tells is the same both ways; return it, None where columns left it to the exact way."""
    found = by_columns(run)
    if found is not None:
        exact = one_by_one(run)
        assert tuple(found.talks) == exact.talks
        for one, other in zip(found.moments, exact.moments, strict=True):
            assert one == other
        assert tuple(found.queues) == exact.queues
        assert replace(found, moments=(), talks=(), queues=()) == replace(exact, moments=(), talks=(), queues=())
    return found
