"""The TCP segments of a capture as columns, and a segment's record when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from lab.wire.columns.addresses import Addresses
from lab.wire.packet import FLAGS_OF, Buffer
from lab.wire.segment import Endpoint, Segment

Column = NDArray[Any]


@dataclass(frozen=True)
class SegmentColumns(Sequence[Segment]):
    """The TCP segments of a capture, in the file's order: 53 bytes for each, whatever it carries.

    The payload stays in `data`, which is the file's bytes, read or mapped. As a sequence it gives a segment's record,
    made when it is asked for.
    """

    data: Buffer = field(repr=False)
    frames: int
    """How many frames the file has, whatever they hold."""
    linktype: int
    nanosecond: bool
    number: NDArray[np.uint32]
    """Each segment's frame number, from 1."""
    time_ns: NDArray[np.int64]
    """Since the epoch."""
    flow: NDArray[np.uint32]
    """Which direction between which endpoints: `flow ^ 1` is the other direction, `flow >> 1` both (see `ends`)."""
    seq: NDArray[np.uint32]
    ack: NDArray[np.uint32]
    flags: NDArray[np.uint16]
    """The nine control bits: those of `Flags`, and AE above them (RFC 9768)."""
    window: NDArray[np.uint16]
    length: NDArray[np.uint32]
    """Payload bytes on the wire."""
    kept: NDArray[np.uint32]
    """Payload bytes in the file."""
    tcp: NDArray[np.int64]
    """Where in the file the TCP header begins."""
    header: NDArray[np.uint8]
    """Bytes of the TCP header in the file: the options are what follows its first 20, then comes the payload."""
    ip_id: NDArray[np.uint16]
    """The IPv4 header's; 0 for IPv6, which has none."""
    checksum: NDArray[np.uint16]
    """The TCP header's, as it stands there."""
    order: NDArray[np.uint32]
    """All segments' places, pair of endpoints by pair, each pair's in the file's order."""
    ends: NDArray[np.uint64]
    """By flow, the endpoint that sends, as the integer that stands for it in `addresses`."""
    addresses: Addresses = field(repr=False)

    @property
    def skipped(self) -> int:
        """How many frames have no TCP segment that could be read."""
        return self.frames - len(self.number)

    def __len__(self) -> int:
        return len(self.number)

    @overload
    def __getitem__(self, place: int) -> Segment: ...
    @overload
    def __getitem__(self, place: slice) -> list[Segment]: ...
    def __getitem__(self, place: int | slice) -> Segment | list[Segment]:
        if isinstance(place, slice):
            return self.rows(np.arange(len(self))[place])
        return self.rows(np.array([range(len(self))[place]]))[0]

    def __iter__(self) -> Iterator[Segment]:
        begin, block = 0, 64  # who asks for the first few needs no more
        while begin < len(self):
            yield from self[begin : begin + block]
            begin, block = begin + block, min(4096, 2 * block)

    def endpoint(self, flow: int) -> Endpoint:
        """Return the end that sends in this direction."""
        return self.addresses.endpoint(int(self.ends[flow]))

    def rows(self, places: Column, *, payload: bool = True) -> list[Segment]:
        """Return the records of the segments at these places; without `payload` as if it had all been cut."""
        data = self.data
        begins = self.tcp[places] + 20
        bodies = begins - 20 + self.header[places]
        if payload:
            ends = bodies + self.kept[places]
            payloads: Iterable[bytes] = (
                data[body:end] for body, end in zip(bodies.tolist(), ends.tolist(), strict=True)
            )
        else:
            payloads = [b""] * len(places)
        flow = self.flow[places]
        endpoint = self.addresses.endpoint
        return list(
            map(
                Segment,
                self.number[places].tolist(),
                self.time_ns[places].tolist(),
                map(endpoint, self.ends[flow].tolist()),
                map(endpoint, self.ends[flow ^ np.uint32(1)].tolist()),
                self.seq[places].tolist(),
                self.ack[places].tolist(),
                map(FLAGS_OF.__getitem__, self.flags[places].tolist()),
                self.window[places].tolist(),
                payloads,
                self.length[places].tolist(),
                (data[begin:body] for begin, body in zip(begins.tolist(), bodies.tolist(), strict=True)),
                self.ip_id[places].tolist(),
                self.checksum[places].tolist(),
            )
        )
