"""Whether a capture file is the one that its record tells of."""

from __future__ import annotations

from lab.errors import EvidenceError
from lab.evidence.records import CaptureRecord, Evidence


def check_capture(record: CaptureRecord, evidence: Evidence) -> None:
    """Compare the file with what tcpdump said of it.

    Raises CaptureError where a packet cannot be read, and EvidenceError `capture-of-another-run` when the number of
    frames is not the recorded one, or when frames were captured and no segment runs between two hosts of the lab
    during the run.
    """
    capture = record.capture
    addresses = set(evidence.lab.addresses.values())
    if capture.frames != record.captured:
        raise EvidenceError("capture-of-another-run", file=record.file, frames=capture.frames, captured=record.captured)
    ours = any(
        evidence.begun_ns <= segment.time_ns <= evidence.ended_ns
        and {segment.src.address, segment.dst.address} <= addresses
        for segment in capture.segments
    )
    if record.captured and not ours:
        raise EvidenceError("capture-of-another-run", file=record.file, frames=capture.frames, captured=record.captured)
