"""Follow what the kernel's tracer tells while it tells it: the frames of images/host/recorder/stream.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from struct import Struct
from typing import Final

from lab.kernel.decoding import Decoder
from lab.kernel.pages import Record, read_pages
from lab.kernel.pairing import Pairing
from lab.kernel.ring import take_all
from lab.kernel.trace import KernelCall, Reset, Started, Transition
from lab.kernel.tracefile import Header, Processor, TraceParseError, parse_header

_FRAME: Final = Struct("<cHI")
_TIME: Final = Struct("<Q")
_LONGEST: Final = 1 << 20
"""Far more than any frame: the header takes 20 kB, a page a few."""


@dataclass(slots=True)
class Told:
    """What the kernel told: each kind in the order of time, calls in the order in which they returned.

    `lost` is how many events the buffers had no room for.
    """

    transitions: list[Transition] = field(default_factory=list)
    resets: list[Reset] = field(default_factory=list)
    calls: list[KernelCall] = field(default_factory=list)
    started: list[Started] = field(default_factory=list)
    lost: int = 0


class KernelFollower:
    """Takes the stream as it comes, in pieces of any length, and gives what is settled: nothing earlier can follow."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._rest = b""
        self._pages: list[tuple[int, bytes]] = []
        self._held: list[bytes] = []
        self._held_at: list[int] = []
        self._calls = Pairing("")
        self.header: Header | None = None
        """What the stream begins with; None before it has come."""
        self.refused = ""
        """Why it tells nothing, a code; empty while it may."""
        self.settled_ns = 0
        """Up to when (ns since the epoch) all is told."""

    def take(self, data: bytes) -> Told:
        """Take the next piece of the stream; TraceParseError for damage."""
        for kind, cpu, payload in self._frames(data):
            if kind == b"H":
                self.header = parse_header(payload + b"\n", where=self._where)
                self._calls = Pairing(self.header.machine)
            elif kind == b"P" and self.header and len(payload) == self.header.page:
                self._pages.append((cpu, payload))
            elif kind == b"M" and len(payload) == _TIME.size:
                (self.settled_ns,) = _TIME.unpack(payload)
            elif kind == b"E":
                self.refused = payload.decode("utf-8", "replace").partition(":")[0]
            else:
                raise TraceParseError("kernel-trace-stream", where=self._where)
        return self._settle(self.header) if self.header else Told()

    def under_way(self) -> list[KernelCall]:
        """Return the calls that have begun and not returned, as far as is settled."""
        return self._calls.under_way()

    def _frames(self, data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
        data, at = self._rest + data, 0
        while len(data) - at >= _FRAME.size:
            kind, cpu, size = _FRAME.unpack_from(data, at)
            if size > _LONGEST:
                raise TraceParseError("kernel-trace-stream", where=self._where)
            begin = at + _FRAME.size
            if len(data) - begin < size:
                break
            at = begin + size
            yield kind, cpu, data[begin:at]
        self._rest = data[at:]

    def _settle(self, header: Header) -> Told:
        """Decode the records up to the last mark; later ones wait: one of another processor may come before them."""
        held = b"".join(self._held)
        pages = sorted(self._pages, key=itemgetter(0))
        self._pages = []
        data = held + b"".join(page for _, page in pages)
        counts = ((cpu, len(list(some))) for cpu, some in groupby(pages, key=itemgetter(0)))
        processors = tuple(Processor(cpu, count, 0, 0) for cpu, count in counts)
        fresh, lost = read_pages(data, replace(header, processors=processors, size=len(held)), where=self._where)
        records = sorted([*self._waiting(), *fresh])
        until = self.settled_ns + header.offset_ns
        decoder = Decoder(data, header.machine, self._calls)
        ripe = [record for record in records if record[0] < until]
        if ripe:
            take_all(data, header, self._where, decoder, ripe)
        later = records[len(ripe) :]
        self._held = [data[at : at + size] for _, at, size in later]
        self._held_at = [time for time, _, _ in later]
        calls = self._calls.returned()
        return Told(decoder.transitions, decoder.resets, calls, decoder.started, sum(lost.values()))

    def _waiting(self) -> Iterator[Record]:
        at = 0
        for time, record in zip(self._held_at, self._held, strict=True):
            yield time, at, len(record)
            at += len(record)
