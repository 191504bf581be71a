"""Read a large recording of the kernel's tracer into columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from lab.kernel.columns.calls import CallColumns, Told
from lab.kernel.columns.events import Events
from lab.kernel.columns.records import DamagedError, Records, read_records
from lab.kernel.columns.transitions import TransitionColumns
from lab.kernel.decoding import Decoder, Taker
from lab.kernel.formats import FormatError, parse_format
from lab.kernel.ring import MARK, trace_of
from lab.kernel.trace import KernelTrace
from lab.kernel.tracefile import Header, parse_header
from lab.wire.columns.addresses import Addresses
from lab.wire.columns.memory import give_back
from lab.wire.packet import Buffer

_TRANSITIONS: Final = "sock:inet_sock_set_state"
_ENTER, _LEAVE = "raw_syscalls:sys_enter", "raw_syscalls:sys_exit"
_MOVED: Final = ("sock:sock_send_length", "sock:sock_recv_length")
_BY_COLUMNS: Final = frozenset({_TRANSITIONS, _ENTER, _LEAVE, *_MOVED})


def read_trace_columns(data: Buffer, *, where: str) -> KernelTrace | None:
    """Return what `parse_kernel_trace` does, with transitions and calls as columns.

    None for what it has no columns for: damage, and recordings without one of the events that it needs. Raises
    TraceParseError for a header that cannot be read.
    """
    header = parse_header(data, where=where)
    try:
        return _read(data, header)
    except DamagedError:
        return None


def _read(data: Buffer, header: Header) -> KernelTrace:
    give_back()
    records = read_records(data, header)
    decoder = Decoder(data, header.machine)
    events, takers = _events(data, header, records, decoder)
    if not events.keys() >= _BY_COLUMNS:
        raise DamagedError
    _take_rest(events, takers, records)
    transitions = TransitionColumns(events[_TRANSITIONS], Addresses())
    lost = records.lost
    del records
    give_back()
    told = Told(events[_ENTER], events[_LEAVE], [events[name] for name in _MOVED])
    calls = CallColumns(told, transitions, header.machine)
    return replace(trace_of(header, decoder, lost), transitions=transitions, calls=calls)


def _events(
    data: Buffer, header: Header, records: Records, decoder: Decoder
) -> tuple[dict[str, Events], dict[str, Taker]]:
    """Return the records of each event, and who would take them one by one; DamagedError for one that nobody takes."""
    try:
        formats = {name: parse_format(text) for name, text in header.formats.items()}
        takers = {name: decoder.taker(name, described) for name, described in formats.items()}
        marks = {each.field(MARK) for each in formats.values()}
    except FormatError as error:
        raise DamagedError from error
    if len(marks) != 1 or len({each.id for each in formats.values()}) < len(formats):
        raise DamagedError
    (mark,) = marks
    if mark.code() != "H" or (records.size < mark.end).any():
        raise DamagedError
    (number,) = Events(data, next(iter(formats.values())), records.place, records.time, records.place).fields(MARK)
    found: dict[str, Events] = {}
    taken = 0
    for name, described in formats.items():
        order = np.flatnonzero(number == described.id).astype(np.uint32)
        if (records.size[order] < takers[name].needed).any():
            raise DamagedError
        found[name] = Events(data, described, order, records.time[order] - header.offset_ns, records.place[order])
        taken += len(order)
    if taken < len(number):
        raise DamagedError
    return found, takers


def _take_rest(events: Mapping[str, Events], takers: Mapping[str, Taker], records: Records) -> None:
    """Give those who take them one by one the records that are not read by columns: there are few."""
    rest = sorted(
        row
        for name, some in events.items()
        if name not in _BY_COLUMNS
        for row in zip(some.order.tolist(), some.time_ns.tolist(), some.place.tolist(), [name] * len(some), strict=True)
    )
    for order, time_ns, place, name in rest:
        if not takers[name].take(time_ns, place, int(records.size[order])):
            raise DamagedError
