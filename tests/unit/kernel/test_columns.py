"""What is read by columns is what is read record by record, whatever the recording holds."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.kernel.columns.reading import read_trace_columns
from lab.kernel.reading import read_kernel_trace
from lab.kernel.ring import parse_kernel_trace
from lab.kernel.trace import KernelTrace
from lab.kernel.tracefile import TraceParseError
from tests.unit.kernel.pages import head_of
from tests.unit.kernel.printed import RECORDINGS, recording


def told(trace: KernelTrace) -> object:
    return dataclasses.replace(trace, transitions=tuple(trace.transitions), calls=tuple(trace.calls))


def read(reader: Callable[..., KernelTrace | None], data: bytes) -> object:
    """All that a reader tells of a recording, or how it refuses it."""
    try:
        found = reader(data, where="x")
    except TraceParseError as error:
        return error.code, error.params
    return found and told(found)


def by_columns(name: str) -> KernelTrace:
    found = read_trace_columns(recording(name), where="x")
    assert found is not None
    return found


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_recording_reads_alike(name: str) -> None:
    assert told(by_columns(name)) == parse_kernel_trace(recording(name), where="x")


SMALL = min(RECORDINGS, key=lambda name: len(recording(name)))


@settings(max_examples=200)
@given(st.sampled_from(sorted({SMALL, "overrun", "epoll"})), st.data())
def test_a_recording_with_other_bytes_reads_alike_or_is_left_to_the_exact_way(name: str, data: st.DataObject) -> None:
    whole = recording(name)
    begin = len(whole) - len(whole[whole.index(b"\n") + 1 :])
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        # Mostly near the beginning of a page, where there are records in each.
        page = data.draw(st.integers(0, (len(whole) - begin) // 4096 - 1))
        at = begin + page * 4096 + data.draw(st.one_of(st.integers(0, 200), st.integers(0, 4095)))
        changed[at] = data.draw(st.integers(0, 255))
    found = read(read_trace_columns, bytes(changed))
    if found is not None:
        assert found == read(parse_kernel_trace, bytes(changed))


@pytest.mark.parametrize("cut", [1, 4096, 5000])
def test_what_is_cut_short_is_refused_alike(cut: int) -> None:
    data = recording(SMALL)[:-cut]
    assert read(read_trace_columns, data) == read(parse_kernel_trace, data)


def test_a_records_view_is_the_same_object_each_time() -> None:
    trace = by_columns(SMALL)
    assert [*trace.calls] == trace.calls[:] == [trace.calls[place] for place in range(len(trace.calls))]
    assert all(one is other for one, other in zip(trace.calls, trace.calls, strict=True))
    assert trace.transitions[-1] is trace.transitions[len(trace.transitions) - 1]
    with pytest.raises(IndexError):
        trace.calls[len(trace.calls)]


def test_a_damaged_large_recording_is_refused_as_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    head, pages = head_of(recording(SMALL))
    assert head
    damaged = recording(SMALL)[: -len(pages)] + bytes(8) + b"\xff" * 8 + pages[16:]
    monkeypatch.setattr("lab.kernel.reading._LARGE", 0)
    assert read(read_kernel_trace, damaged) == read(parse_kernel_trace, damaged)
    assert isinstance(read(read_kernel_trace, damaged), tuple)


def test_a_small_recording_is_read_without_numpy() -> None:
    code = "import sys, lab.kernel.reading, lab.recording.raw; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
