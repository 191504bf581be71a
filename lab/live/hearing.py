"""From what tcpdump and the kernel's recorder have written so far to what is settled: nothing earlier can come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lab.kernel.following import KernelFollower, Told
from lab.kernel.trace import KernelCall
from lab.kernel.tracefile import Header
from lab.wire.following import CaptureFollower
from lab.wire.segment import Segment

HOLD_NS: Final = 100_000_000
"""How long what is settled is held back: what belongs together, an arrival and its departure, comes together."""
PATIENCE_NS: Final = 3_000_000_000
"""How long who does not answer (a host that stands still) keeps the others waiting."""
_NEVER: Final = 1 << 62


class Counts(NamedTuple):
    """What tcpdump said when it was asked at `asked_ns`: frames written, received by its filter, dropped."""

    asked_ns: int
    captured: int
    received: int
    dropped: int


@dataclass(slots=True)
class Arrived:
    """What came since the last time: by host the bytes of its capture and the last counts; the recorder's frames.

    `kernel` is None where nobody records, or not any more. `anew` are hosts whose captures begin again.
    """

    captures: Mapping[str, tuple[bytes, Counts | None]]
    kernel: bytes | None
    anew: tuple[str, ...] = ()


@dataclass(slots=True)
class Heard:
    """What is new: segments by host, what the kernel told and which calls are under way.

    All that was up to `settled_ns` is here or was before. `dropped` are frames by host that tcpdump had no room for.
    """

    segments: dict[str, tuple[Segment, ...]]
    told: Told
    under_way: list[KernelCall]
    settled_ns: int
    dropped: dict[str, int] = field(default_factory=dict)


class _Capture:
    """One host's capture."""

    def __init__(self, host: str) -> None:
        self._follower = CaptureFollower(f"tcpdump on {host}")
        self._counts: Counts | None = None
        self._strays = _NEVER
        self._dropped = 0
        self.settled_ns = 0

    def take(self, data: bytes, counts: Counts | None) -> tuple[tuple[Segment, ...], int]:
        """Return the segments that are whole now, and how many frames were dropped since the last time."""
        segments = self._follower.take(data)
        if segments:
            self.settled_ns = max(self.settled_ns, segments[-1].time_ns)
        self._counts = counts or self._counts
        told = self._counts
        if told is None or told.captured > self._follower.frames:
            return segments, 0
        # The kernel counts frames, too, that came before the filter was there: the difference that always remains.
        pending = told.received - told.captured - told.dropped
        self._strays = min(self._strays, pending)
        if pending <= self._strays:
            self.settled_ns = max(self.settled_ns, told.asked_ns)
        dropped, self._dropped, self._counts = told.dropped - self._dropped, told.dropped, None
        return segments, dropped


class Hearing:
    """Takes what arrives, and tells what is new and up to when nothing earlier can come any more."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._captures = {host: _Capture(host) for host in hosts}
        self._kernel = KernelFollower("the recorder")

    @property
    def header(self) -> Header | None:
        """What the kernel's recorder says of itself; None before it records."""
        return self._kernel.header

    @property
    def refused(self) -> str:
        """Why the recorder tells nothing, a code; empty while it may."""
        return self._kernel.refused

    def take(self, arrived: Arrived, now_ns: int) -> Heard:
        """Take what has arrived; CaptureError or TraceParseError for what cannot be read."""
        for host in arrived.anew:
            self._captures[host] = _Capture(host)
        segments: dict[str, tuple[Segment, ...]] = {}
        dropped: dict[str, int] = {}
        for host, (data, counts) in arrived.captures.items():
            segments[host], lost = self._captures[host].take(data, counts)
            if lost:
                dropped[host] = lost
        told = Told() if arrived.kernel is None else self._kernel.take(arrived.kernel)
        settled = [capture.settled_ns for capture in self._captures.values()]
        if arrived.kernel is not None and self.header and not self.refused:
            settled.append(self._kernel.settled_ns)
        until_ns = max(min(settled), now_ns - PATIENCE_NS) - HOLD_NS
        return Heard(segments, told, self._kernel.under_way(), until_ns, dropped)

    def forget_kernel(self) -> None:
        """Begin anew with a recorder: the one before is gone."""
        self._kernel = KernelFollower("the recorder")
