"""A recording of the kernel as lines of text: evidence that one can open, and that an expectation can point into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lab.kernel.trace import KernelCall, KernelTrace, Resent, Reset, Started, Transition

FILE: Final = "kernel.txt"
"""The listing's place in a run's folder."""

_NS: Final = 1_000_000_000
Record = Transition | Resent | Reset | KernelCall | Started


def list_trace(trace: KernelTrace) -> str:
    """Return a line for each record in the order of time; see `line_of` for the number of one.

    Time (s since the epoch), what it was, on behalf of which thread, and what it tells.
    """
    return "".join(f"{_stamp(_time(each))}  {_line(each)}\n" for each in _ordered(trace))


def line_of(trace: KernelTrace, record: Record) -> int:
    """Return the number, from 1, of a record's line in the listing."""
    return next(number for number, each in enumerate(_ordered(trace), start=1) if each is record)


def _ordered(trace: KernelTrace) -> list[Record]:
    records: Iterator[Record] = iter((*trace.started, *trace.calls, *trace.transitions, *trace.resent, *trace.resets))
    return sorted(records, key=_time)


def _time(record: Record) -> int:
    return record.begun_ns if isinstance(record, KernelCall) else record.time_ns


def _stamp(time_ns: int) -> str:
    return f"{time_ns // _NS}.{time_ns % _NS:09}"


def _line(record: Record) -> str:
    if isinstance(record, Transition):
        by = f"thread {record.pid}" if record.pid else "interrupt"
        return f"state    {record.local} {record.peer}  {record.old} -> {record.new}  ({by})"
    if isinstance(record, Resent):
        return f"resent   {record.local} {record.peer}  {'S.' if record.synack else 'segment'}"
    if isinstance(record, Reset):
        said = f"  {record.reason}" if record.reason else ""
        return f"reset    {record.local} {record.peer}  {'sent' if record.sent else 'taken'}{said}"
    if isinstance(record, Started):
        what = record.program or f"forked by {record.parent}"
        return f"started  thread {record.pid}  {what}"
    took = "not returned" if record.ended_ns is None else f"{(record.ended_ns - record.begun_ns) / 1000:.3f} us"
    on = "" if record.fd is None else f"fd {record.fd}"
    return f"call     thread {record.pid}  {record.name}({on}) = {record.result}  ({took})"
