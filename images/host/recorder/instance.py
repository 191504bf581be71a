"""An instance of tracefs that records: its set-up, its buffers, one for each processor, and what it counted."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable

from clocks import best_clock
from filters import ANY, Wanted, filter_of
from tracefs import folder_of, get, put

ONLINE = "/sys/devices/system/cpu/online"
WAKE_PERCENT = 25  # of a buffer, when it is to be read
LEAST_KB = 64
COUNTS = {
    "overrun": "overrun",
    "commit overrun": "commit_overrun",
    "dropped events": "dropped_events",
    "read events": "entries",
}


class Instance:
    """Made but not yet recording; `forms` are the format files of the events that will be recorded, by their names."""

    def __init__(self, name: str, buffer_kb: int, kind: str = "") -> None:
        self.kind = kind
        """Under which its losses are counted."""
        self.folder = folder_of(name)
        os.mkdir(self.folder)
        self.put("tracing_on", "0")
        self.clock = best_clock(self.get("trace_clock"))
        self.put("trace_clock", self.clock)
        self.room = self._make_room(buffer_kb) * 1024
        """Of each processor's buffer, in bytes."""
        if os.path.exists(f"{self.folder}/buffer_percent"):
            self.put("buffer_percent", str(WAKE_PERCENT))
        # Should nobody be left to remove it, the kernel itself stops recording when this file is closed.
        self.put("options/disable_on_free", "1")
        self.guard = os.open(f"{self.folder}/free_buffer", os.O_WRONLY)
        self.header_page = self.get("events/header_page")
        self.page = page_bytes(self.header_page)
        self.forms: dict[str, str] = {}
        self.missing: list[str] = []
        self.left_out: list[str] = []

    def put(self, file: str, text: str) -> None:
        """Write to one of its files."""
        put(f"{self.folder}/{file}", text)

    def get(self, file: str) -> str:
        """Read one of its files."""
        return get(f"{self.folder}/{file}")

    def choose(self, events: Iterable[str], wanted: Wanted) -> None:
        """Switch on those of the events that are wanted, that this kernel has, and whose filter it takes."""
        for event in events:
            place = f"events/{event.replace(':', '/')}"
            try:
                form = self.get(f"{place}/format")
                wish = filter_of(event, form, wanted)
                if wish is None:
                    self.left_out.append(event)
                    continue
                if wish != ANY:
                    self.put(f"{place}/filter", wish)
                self.put(f"{place}/enable", "1")
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.EINVAL):
                    raise
                self.missing.append(event)
            else:
                self.forms[event] = form

    def follow(self, pids: Iterable[int]) -> bool:
        """Record only what these threads do, and all that they start; False where the kernel cannot."""
        try:
            self.put("options/event-fork", "1")
            self.put("set_event_pid", " ".join(map(str, pids)))
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EINVAL):
                raise
            return False
        return True

    def start(self) -> None:
        """Record from now on."""
        self.put("tracing_on", "1")

    def stop(self) -> None:
        """Record nothing until it is started again; what was recorded can still be read."""
        self.put("tracing_on", "0")

    def switch_off(self) -> None:
        """Record nothing any more, and cost nothing any more."""
        self.stop()
        self.put("set_event", "")

    def clear(self) -> None:
        """Forget what was recorded so far."""
        self.put("trace", "")

    def counts(self, cpu: int) -> dict[str, int]:
        """Return what a processor's buffer has counted: lost events, and those read."""
        lines = (line.partition(":") for line in self.get(f"per_cpu/cpu{cpu}/stats").splitlines())
        return {COUNTS[name]: int(value) for name, _, value in lines if name in COUNTS}

    def unread(self, cpu: int) -> int:
        """Return how many events are still in a processor's buffer."""
        found = re.search(r"^entries: (\d+)", self.get(f"per_cpu/cpu{cpu}/stats"), re.MULTILINE)
        return int(found[1]) if found else 0

    def _make_room(self, kb: int) -> int:
        """Give each processor so much room, or half of it and so on where the machine has not that much; return it."""
        while True:
            try:
                self.put("buffer_size_kb", str(kb))
            except OSError as error:
                if error.errno != errno.ENOMEM or kb <= LEAST_KB:
                    raise
                kb //= 2
            else:
                return kb


def page_bytes(header_page: str) -> int:
    """Return how long a page is: where its data begins, and how much of it there is."""
    found = re.search(r"\bdata;\s*offset:(\d+);\s*size:(\d+);", header_page)
    if not found:
        raise OSError(errno.EPROTO, "events/header_page cannot be read")
    return int(found[1]) + int(found[2])


def processors() -> list[int]:
    """Return the processors that are at work: 0-3,8 is what the kernel calls five of them."""
    found: list[int] = []
    for part in get(ONLINE).strip().split(","):
        low, _, high = part.partition("-")
        found += range(int(low), int(high or low) + 1)
    return found
