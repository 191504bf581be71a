"""Why a RST was sent, where the kernel said so."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from lab.kernel.trace import KernelTrace
from lab.wire.bits import has_rst
from lab.wire.segment import Endpoint, Segment

_SLACK_NS: Final = 1_000_000


class Reasons:
    """Finds the kernel's reason for a RST by its ends and its time."""

    def __init__(self, trace: KernelTrace | None) -> None:
        self._told: dict[tuple[Endpoint, Endpoint], list[tuple[int, str]]] = {}
        for each in trace.resets if trace else ():
            if each.sent and each.reason:
                self._told.setdefault((each.local, each.peer), []).append((each.time_ns, each.reason))

    def of(self, segment: Segment) -> str | None:
        """Return the reason; None for any other segment, and where none was told."""
        told = self._told.get((segment.src, segment.dst)) if has_rst(segment) else None
        if not told:
            return None
        place = bisect_left(told, (segment.time_ns + _SLACK_NS,))
        return told[place - 1][1] if place and told[place - 1][0] >= segment.time_ns - _SLACK_NS else None
