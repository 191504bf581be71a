"""Capture on one host: a tcpdump that has begun to listen before anything happens, and that lost nothing at its end."""

from __future__ import annotations

import base64
import re
from typing import Final

from lab.errors import EvidenceError, MachineError
from lab.hosts.channel import Channel, Event
from lab.polling import Polling
from lab.recording.raw import CaptureRecord

NAME: Final = "tcpdump"
FILE: Final = "/run/capture.pcap"
# -Z root: the capture file stays root's. --immediate-mode: a packet is in the ring the moment it arrives. -B: the
# ring's size in KiB; a thousand connections that end at once overrun the usual one on a busy machine.
COMMAND: Final = (
    "tcpdump", "-i", "eth0", "-w", FILE, "-U", "-n", "-s", "2048", "-B", "16384", "-Z", "root",
    "--immediate-mode", "--time-stamp-precision=nano", "tcp",
)  # fmt: skip
START_SECONDS: Final = 5.0
DRAIN_SECONDS: Final = 3.0
STRAY_SECONDS: Final = 0.25
"""Far more than tcpdump needs to write what came in before it said that it listens."""
_COUNT: Final = re.compile(r"(\d+) packets? (captured|received by filter|dropped by kernel)")


class Tcpdump:
    """One running capture. `begin` on all hosts before `wait_listening` on any: they start at the same time."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._strays = 0

    def begin(self) -> None:
        """Start tcpdump."""
        self._channel.call("spawn", name=NAME, argv=COMMAND, user="root")

    def wait_listening(self) -> None:
        """Wait until it says that it listens; EvidenceError with its words when it ends instead."""
        event = self._channel.wait_event(
            lambda event: event.name == NAME and (event.kind == "exit" or "listening on" in event.data.get("text", "")),
            START_SECONDS,
        )
        if event is None or event.kind == "exit":
            raise EvidenceError("probe-died", probe=NAME, host=self._channel.host, detail=self._words() or "no answer")
        self._strays = self._count_strays()

    def _count_strays(self) -> int:
        """Return how many frames came before the filter was there: the kernel counts them, whatever they are.

        libpcap opens its socket, then sets the filter, and throws away what came between (set_kernel_filter() in
        pcap-linux.c). Anything else that was received now gets written in a moment.
        """
        counts = self._drain(STRAY_SECONDS)
        return max(0, counts["received by filter"] - counts["captured"])

    def drain(self) -> None:
        """Wait until every packet received so far is written."""
        self._drain(DRAIN_SECONDS)

    def end(self) -> CaptureRecord:
        """Wait until every packet received is written, stop it, and return the capture.

        The play is over by then: what a retry or a browser still sends while tcpdump ends may be written or not, and
        makes no capture incomplete that was whole before.
        """
        counts = self._drain(DRAIN_SECONDS)
        whole = self._counts() == counts  # it has told them at all
        whole &= counts["captured"] >= counts["received by filter"] and not counts["dropped by kernel"]
        seen = len(self._channel.events)
        # One that does not answer is stopped or stuck: what it has written is not all that it received. Its last counts
        # come when all is written; closing its packet socket then takes the kernel many milliseconds more.
        died = not self._signal("INT") or not self._wait_counts(seen)
        counts = self._counts() or counts
        if whole:
            counts |= {"received by filter": counts["captured"], "dropped by kernel": 0}
        data = base64.b64decode(self._channel.call("fetch", path=FILE)["data"])
        self._channel.call("remove", path=FILE)
        return CaptureRecord(
            host=self._channel.host,
            content=data,
            captured=counts["captured"],
            received=counts["received by filter"],
            dropped=counts["dropped by kernel"],
            died=died,
            file=f"{self._channel.host}.pcap",
        )

    def _drain(self, seconds: float) -> dict[str, int]:
        """Ask for the counts (SIGUSR1) until all that the filter received has been written, at most so long."""
        polling = Polling(seconds)
        counts = {"captured": 0, "received by filter": 0, "dropped by kernel": 0}
        while not self._has_ended():
            seen = len(self._channel.events)
            if not self._signal("USR1"):
                break
            self._channel.wait_event(_is_last_count, seconds, after=seen)
            counts = self._counts() or counts
            if counts["captured"] >= counts["received by filter"] or polling.late():
                break
        return counts

    def _counts(self) -> dict[str, int] | None:
        found: dict[str, int] = {}
        for event in self._channel.events:
            if event.name == NAME and event.kind == "output":
                found |= {what: int(number) for number, what in _COUNT.findall(event.data["text"])}
        if len(found) != 3:  # noqa: PLR2004 - captured, received, dropped
            return None
        return found | {"received by filter": found["received by filter"] - self._strays}

    def _signal(self, signal_name: str) -> bool:
        """Send a signal; False when it has ended already."""
        try:
            self._channel.call("signal", name=NAME, signal_name=signal_name)
        except MachineError as error:
            if error.code != "host-refused":
                raise
            return False
        return True

    def _wait_counts(self, seen: int) -> bool:
        event = self._channel.wait_event(_is_last_count, DRAIN_SECONDS, after=seen)
        return event is not None and event.kind == "output"

    def _has_ended(self) -> bool:
        return any(event.name == NAME and event.kind == "exit" for event in self._channel.events)

    def _words(self) -> str:
        lines = [e.data["text"] for e in self._channel.events if e.name == NAME and e.kind == "output"]
        return " / ".join(line for line in lines if line)


def _is_last_count(event: Event) -> bool:
    """Tell whether this line ends tcpdump's counts: it prints the dropped ones last."""
    return event.name == NAME and (event.kind == "exit" or "dropped by kernel" in event.data.get("text", ""))
