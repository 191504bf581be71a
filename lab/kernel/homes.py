"""On which host a socket is that listens on all addresses: of those the kernel tells only who made it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.kernel.trace import Started, Transition
from lab.wire.segment import Endpoint


def everywhere(end: Endpoint) -> bool:
    """Tell whether a socket that is bound so takes connections on all addresses.

    >>> everywhere(Endpoint("0.0.0.0", 8000)), everywhere(Endpoint("::", 8000)), everywhere(Endpoint("10.0.0.1", 8000))
    (True, True, False)
    """
    return end.address in {"0.0.0.0", "::"}  # noqa: S104 - what others are bound to


class Homes:
    """Knows some processes' hosts, by address, and so those of all that they started."""

    def __init__(self, known: Mapping[int, str], started: Iterable[Started]) -> None:
        self._known = known
        self._parents = {each.pid: each.parent for each in started if each.parent is not None}

    def of(self, pid: int) -> str | None:
        """Return the address of a process's host; None where it descends from none that is known.

        >>> Homes({7: "10.0.0.2"}, [Started(0, 9, None, 8), Started(0, 8, None, 7)]).of(9)
        '10.0.0.2'
        """
        seen: set[int] = set()
        while pid not in self._known and pid in self._parents and pid not in seen:
            seen.add(pid)
            pid = self._parents[pid]
        return self._known.get(pid)

    def end_of(self, change: Transition) -> Endpoint:
        """Return the socket's own end: on its host's address, if it is on all of them and that host is known."""
        if not everywhere(change.local):
            return change.local
        address = self.of(change.pid)
        return change.local if address is None else Endpoint(address, change.local.port)
