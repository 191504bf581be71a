"""What a timeline could not tell, and how far its times may be off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lab.recording.recording import Recording

_MICROSECOND: Final = 1_000
"""What a capture's time may be off that is told in microseconds."""


def lacks_of(recording: Recording) -> Iterator[str]:
    """Yield codes of what could not be told."""
    if recording.kernel is None:
        yield recording.unrecorded or "no-recorder"
        return
    trace = recording.kernel.trace
    if recording.kernel.died:
        yield "ended-early"
    if trace.lost_states:
        yield "lost-states"
    if trace.lost_calls:
        yield "lost-calls"
    if trace.precision_ns:
        yield "other-clock"
    if "raw_syscalls:sys_enter" in trace.left_out:
        yield "no-calls"
    if "all-addresses" in trace.left_out:
        yield "by-name"
    for event in trace.missing:
        yield f"missing-{event.partition(':')[2]}"


def resolutions_of(recording: Recording) -> dict[str, int]:
    """Return how far the stamps of each host's capture may be off, in ns."""
    return {record.host: 0 if record.capture.nanosecond else _MICROSECOND for record in recording.captures}
