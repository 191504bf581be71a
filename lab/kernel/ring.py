"""Read a recording of the kernel's own tracer: raw pages of its ring buffer into records of what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lab.kernel.decoding import Decoder, Taker
from lab.kernel.formats import FormatError, Reader, parse_format
from lab.kernel.pages import Record, read_pages
from lab.kernel.trace import KernelTrace
from lab.kernel.tracefile import Header, TraceParseError, parse_header
from lab.wire.packet import Buffer

MARK: Final = "common_type"
"""The field that every record begins with: which event it is."""


def parse_kernel_trace(data: Buffer, *, where: str) -> KernelTrace:
    """Return what a recording (`kernel.trace` of a run) says; `where` names the file in errors.

    `data` is a line of JSON and behind it the pages of each processor as `per_cpu/cpu*/trace_pipe_raw` gave them.
    All places of fields are taken from the kernel's own format files in the header. Times are the recording's clock
    less its offset: ns since the epoch. The end of a call whose begin was not recorded is passed over, and so are
    sockets that are not TCP's. Lost events are no damage: `lost` counts them.

    Raises TraceParseError for damage of any kind.
    """
    header = parse_header(data, where=where)
    records, lost = read_pages(data, header, where=where)
    decoder = Decoder(data, header.machine)
    take_all(data, header, where, decoder, records)
    return trace_of(header, decoder, lost)


def trace_of(header: Header, decoder: Decoder, lost: Mapping[str, int]) -> KernelTrace:
    """Return what a recording says, once the decoder has been given all of it."""
    return KernelTrace(
        transitions=tuple(decoder.transitions),
        resent=tuple(decoder.resent),
        resets=tuple(decoder.resets),
        calls=decoder.calls.finished(),
        started=tuple(decoder.started),
        clock=header.clock,
        precision_ns=header.precision_ns,
        lost=lost,
        missing=header.missing,
        begun_ns=header.begun_ns,
        ended_ns=header.ended_ns,
        left_out=header.left_out,
        agents=header.agents,
    )


def take_all(data: Buffer, header: Header, where: str, decoder: Decoder, records: list[Record]) -> None:
    """Give the decoder the records, which are in the order of time; TraceParseError for one that cannot be."""
    takers, (read_mark, shortest) = _takers(header, where, decoder)
    offset = header.offset_ns
    for time, at, size in records:
        taker = takers.get(read_mark(data, at)[0]) if size >= shortest else None
        if taker is None or size < taker.needed or not taker.take(time - offset, at, size):
            raise TraceParseError("kernel-trace-event", where=where, offset=at)


def _takers(header: Header, where: str, decoder: Decoder) -> tuple[dict[int, Taker], Reader]:
    """Return who takes the records of which number, and what reads that number."""
    takers: dict[int, Taker] = {}
    marks: dict[tuple[int, str], Reader] = {}
    for name, text in header.formats.items():
        try:
            described = parse_format(text)
            mark = described.field(MARK)
            marks[mark.offset, mark.code()] = described.reader(MARK)
            if len(marks) > 1:
                raise FormatError(MARK)  # noqa: TRY301 - as any other way in which it cannot be
            takers[described.id] = decoder.taker(name, described)
        except FormatError as error:
            raise TraceParseError("kernel-trace-format", where=where, event=name, field=str(error)) from None
    # Without any event there is nothing to read a number of.
    return takers, next(iter(marks.values()), Reader(lambda _data, _at: (None,), 0))
