"""A recording of capture files alone, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from lab.recording.raw import CaptureRecord
from lab.recording.recording import Recording

BETWEEN: Final = ""
"""In place of a host's name: the capture was taken on the way from one to the other, or nobody knows where."""


def recording_of(captures: Mapping[str, bytes], hosts: Mapping[str, str] | None = None) -> Recording:
    """Return the recording of capture files (their bytes), each by the host on which it was taken, or BETWEEN.

    `hosts` are hosts' addresses by name; every other address of a connection is a host of its own, called by it. Raises
    CaptureError (an EvidenceError) for a file that cannot be read.
    """
    records = tuple(_record(host, data) for host, data in captures.items())
    times = [segment.time_ns for record in records for segment in record.capture.segments]
    known = dict(hosts or {})
    addresses = (
        end.address for record in records for each in record.conversations for end in (each.client, each.server)
    )
    named = {*known.values()}
    known |= {address: address for address in addresses if address not in named}
    return Recording(min(times, default=0), max(times, default=0), known, records)


def _record(host: str, data: bytes) -> CaptureRecord:
    record = CaptureRecord(host, data, 0, 0, 0, died=False, file=f"{host or 'capture'}.pcap")
    frames = record.capture.frames  # nobody tells what was dropped: it is taken to be whole
    return replace(record, captured=frames, received=frames)
