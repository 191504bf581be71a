"""Whether a file of raw evidence is the one that its record tells of."""

from __future__ import annotations

from lab.errors import EvidenceError
from lab.kernel.homes import Homes
from lab.recording.raw import CaptureRecord, KernelRecord
from lab.recording.recording import Recording


def check_capture(record: CaptureRecord, recording: Recording) -> None:
    """Compare the file with what tcpdump said of it.

    Raises CaptureError where a packet cannot be read, and EvidenceError `capture-of-another-run` when the number of
    frames is not the recorded one, or when frames were captured and no segment runs between two hosts of the lab
    during the run.
    """
    capture = record.capture
    addresses = set(recording.hosts.values())
    if capture.frames != record.captured:
        raise EvidenceError("capture-of-another-run", file=record.file, frames=capture.frames, captured=record.captured)
    ours = any(
        recording.begun_ns <= segment.time_ns <= recording.ended_ns
        and {segment.src.address, segment.dst.address} <= addresses
        for segment in capture.segments
    )
    if record.captured and not ours:
        raise EvidenceError("capture-of-another-run", file=record.file, frames=capture.frames, captured=record.captured)


def check_kernel(record: KernelRecord, recording: Recording) -> None:
    """Read the kernel's record and compare its time and its addresses with the run's.

    Raises TraceParseError where it cannot be read, and EvidenceError `kernel-of-another-run` when it ended before the
    run began, began after the run had ended, or told of sockets, but of none on a host of the lab.
    """
    trace, addresses = record.trace, {*recording.hosts.values()}
    homes = Homes(trace.agents, trace.started)
    elsewhere = trace.transitions and not any(
        homes.end_of(each).address in addresses or each.peer.address in addresses for each in trace.transitions
    )
    if trace.ended_ns < recording.begun_ns or trace.begun_ns > recording.ended_ns or elsewhere:
        raise EvidenceError("kernel-of-another-run", file=record.file)


def check_states(record: KernelRecord) -> None:
    """Raise EvidenceError `recorder-died` or `events-lost` for a record that may lack something of what sockets did.

    Lost calls do not matter: no expectation rests on the kernel's calls. Those that are judged are strace's.
    """
    if record.died:
        raise EvidenceError("recorder-died", file=record.file)
    if lost := record.trace.lost_states:
        raise EvidenceError("events-lost", file=record.file, lost=lost)
