"""What the kernel told of sockets, as lines of text: evidence that one can open and that expectations point into."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from lab.kernel.homes import Homes
from lab.kernel.trace import KernelTrace, Resent, Reset, Transition

FILE: Final = "kernel.txt"
"""The listing's place in a run's folder."""

_NS: Final = 1_000_000_000
Record = Transition | Resent | Reset


def list_trace(trace: KernelTrace, addresses: Collection[str]) -> str:
    """Return a line for each state, retransmission and reset of sockets on these addresses, in the order of time.

    Time (s since the epoch), what it was, this end and the other, and what the kernel said. One that listens on all
    addresses is told as it is.
    """
    return "".join(f"{_stamp(each.time_ns)}  {_line(each)}\n" for each in _ordered(trace, addresses))


def line_of(trace: KernelTrace, record: Record, addresses: Collection[str]) -> int:
    """Return the number, from 1, of a record's line in the listing."""
    return next(number for number, each in enumerate(_ordered(trace, addresses), start=1) if each is record)


def _ordered(trace: KernelTrace, addresses: Collection[str]) -> list[Record]:
    records: tuple[Record, ...] = (*trace.transitions, *trace.resent, *trace.resets)
    homes = Homes(trace.agents, trace.started)
    ours = [
        each
        for each in records
        if each.local.address in addresses
        or each.peer.address in addresses
        or (isinstance(each, Transition) and homes.end_of(each).address in addresses)
    ]
    return sorted(ours, key=lambda each: each.time_ns)


def _stamp(time_ns: int) -> str:
    return f"{time_ns // _NS}.{time_ns % _NS:09}"


def _line(record: Record) -> str:
    ends = f"{record.local} {record.peer}"
    if isinstance(record, Transition):
        by = f"thread {record.pid}" if record.pid else "interrupt"
        return f"state   {ends}  {record.old} -> {record.new}  ({by})"
    if isinstance(record, Resent):
        return f"resent  {ends}  {'S.' if record.synack else 'segment'}"
    said = f"  {record.reason}" if record.reason else ""
    return f"reset   {ends}  {'sent' if record.sent else 'taken'}{said}"
