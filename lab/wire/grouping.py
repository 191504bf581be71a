"""Decide which conversation a segment belongs to, when the same two endpoints have had several."""

from __future__ import annotations

from lab.wire.bits import accepts, has_ack, has_fin, has_rst, opens
from lab.wire.segment import Endpoint, Segment
from lab.wire.sequence import FARTHEST, Flow


class Growing:
    """A conversation under construction: its segments so far, and how far each flow's numbers have come."""

    def __init__(self, first: Segment) -> None:
        self.segments: list[Segment] = []
        self.reset = False
        self._closed: set[Endpoint] = set()
        self._flows: dict[Endpoint, Flow] = {first.src: Flow(), first.dst: Flow()}

    @property
    def finished(self) -> bool:
        """Whether a RST was seen or both ends have sent their FIN."""
        return self.reset or len(self._closed) == len(self._flows)

    def add(self, segment: Segment) -> None:
        """Append a segment."""
        self.segments.append(segment)
        self._flows[segment.src].sent(segment)
        self._flows[segment.dst].acknowledged(segment)
        if has_fin(segment):
            self._closed.add(segment.src)
        if has_rst(segment):
            self.reset = True

    def takes_syn(self, syn: Segment) -> bool:
        """Whether the SYN is a repetition, or answers the other end's SYN with one (simultaneous open)."""
        own = self._flows[syn.src]
        if own.base is not None:
            return own.base == syn.seq
        return self._flows[syn.dst].has_syn and not self.finished

    def distance(self, segment: Segment, ahead: int) -> int | None:
        """Return how far the segment's numbers lie from the expected ones, None when they cannot belong here.

        `ahead` is how far beyond the highest number sent they may lie.
        """
        own, other = self._flows[segment.src], self._flows[segment.dst]
        far = 0
        numbers = [(own, segment.seq)]
        if has_ack(segment):
            numbers.append((other, segment.ack))
        for flow, number in numbers:
            if flow.base is None:
                continue
            offset = flow.offset(number)
            lowest = 0 if flow.has_syn else -FARTHEST
            if not lowest <= offset <= flow.top + ahead:
                return None
            far += abs(offset - flow.top)
        return far


def home(known: list[Growing], segment: Segment) -> Growing | None:
    """Return the conversation of these endpoints that the segment belongs to, None when it begins another.

    A SYN belongs where its ISN is; any other segment where its numbers fit best, the newest of equals, so that a
    late duplicate of an old connection does not disturb the one that took over its ports.
    """
    if not known:
        return None
    newest = known[-1]
    if opens(segment):
        return next((each for each in reversed(known) if each.takes_syn(segment)), None)
    if len(known) == 1 and not newest.finished and not accepts(segment):
        return newest
    best: tuple[int, Growing] | None = None
    for each in reversed(known):
        # What has lost its ports to a newer one has nothing new to say.
        far = each.distance(segment, FARTHEST if each is newest else 0)
        if far is not None and (best is None or far < best[0]):
            best = far, each
        if far == 0:
            break
    if best is not None:
        return best[1]
    return None if newest.finished or accepts(segment) else newest
