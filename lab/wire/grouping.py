"""Decide which conversation a segment belongs to, when the same two endpoints have had several."""

from __future__ import annotations

from itertools import islice
from typing import Final

from lab.wire.bits import accepts, has_ack, has_fin, has_rst, opens
from lab.wire.placing import Pair
from lab.wire.segment import Endpoint, Segment
from lab.wire.sequence import FARTHEST, MODULUS

_LATEST: Final = 16
"""How many conversations of two endpoints a segment that is no SYN is compared with, from the newest: what is late
belongs to one of them, and a port pair that is used again and again costs no more than one that is not."""


class Growing:
    """A conversation under construction: its segments so far, and how far each flow's numbers have come."""

    def __init__(self, first: Segment) -> None:
        self.segments: list[Segment] = []
        self.reset = False
        self.pair = Pair((first.src, first.dst))
        self._closed: set[Endpoint] = set()

    @property
    def finished(self) -> bool:
        """Whether a RST was seen or both ends have sent their FIN."""
        return self.reset or len(self._closed) == len(self.pair.flows)

    def add(self, segment: Segment) -> None:
        """Append a segment; what belongs to neither flow tells nothing."""
        self.segments.append(segment)
        if self.pair.take(segment) is None:
            return
        if has_fin(segment):
            self._closed.add(segment.src)
        if has_rst(segment):
            self.reset = True

    def crosses(self, syn: Segment) -> bool:
        """Whether the SYN answers the other end's SYN with one (simultaneous open)."""
        flows = self.pair.flows
        return flows[syn.src].base is None and flows[syn.dst].has_syn and not self.finished

    def distance(self, segment: Segment, ahead: int) -> int | None:
        """Return how far the segment's numbers lie from the expected ones, None when they cannot belong here.

        `ahead` is how far beyond the highest number sent they may lie.
        """
        far = 0
        numbers = [(segment.src, segment.seq)]
        if has_ack(segment):
            numbers.append((segment.dst, segment.ack))
        for end, number in numbers:
            flow = self.pair.flows[end]
            if flow.base is None or self.pair.may_begin(end, number):
                continue
            offset = flow.offset(number)
            lowest = 0 if flow.has_syn else -FARTHEST
            if not lowest <= offset <= flow.top + ahead:
                return None
            far += abs(offset - flow.top)
        return far


class Between:
    """The conversations that two endpoints have had, in the order in which they began."""

    def __init__(self) -> None:
        self.known: list[Growing] = []
        self._opened: dict[tuple[Endpoint, int | None], Growing] = {}
        """The newest with that initial sequence number of that end."""

    def take(self, segment: Segment) -> Growing | None:
        """Add a segment to the conversation it belongs to; return the new one that it begins, else None."""
        home = self._home(segment)
        begun = None
        if home is None:
            home = begun = Growing(segment)
            self.known.append(home)
        own, other = home.pair.flows[segment.src], home.pair.flows[segment.dst]
        before = own.base, other.base
        home.add(segment)
        if (own.base, other.base) != before:
            self._opened[segment.src, own.base] = self._opened[segment.dst, other.base] = home
        return begun

    def _home(self, segment: Segment) -> Growing | None:
        """Return the conversation that the segment belongs to, None when it begins another.

        A SYN belongs where its ISN is, a SYN-ACK where the ISN is that it acknowledges; any other segment where its
        numbers fit best, the newest of equals, so that a late duplicate of an old connection does not disturb the one
        that took over its ports.
        """
        if not self.known:
            return None
        newest = self.known[-1]
        if opens(segment):
            found = self._opened.get((segment.src, segment.seq))
            return newest if found is None and newest.crosses(segment) else found
        if accepts(segment):
            found = self._opened.get((segment.dst, (segment.ack - 1) % MODULUS))
            if found is not None:
                return found
        if len(self.known) == 1 and not newest.finished and not accepts(segment):
            return newest
        return self._nearest(segment)

    def _nearest(self, segment: Segment) -> Growing | None:
        newest = self.known[-1]
        best: tuple[int, Growing] | None = None
        for each in islice(reversed(self.known), _LATEST):
            # What has lost its ports to a newer one has nothing new to say.
            far = each.distance(segment, FARTHEST if each is newest else 0)
            if far is not None and (best is None or far < best[0]):
                best = far, each
            if far == 0:
                break
        if best is not None:
            return best[1]
        return None if newest.finished or accepts(segment) else newest
