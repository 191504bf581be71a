"""System calls of one program: started under strace, which keeps out of its way, and fetched when both have ended.

strace is root's, and the program is told apart by a user id of its own: it can neither end its tracer nor write to the
trace. See images/host/agent/tracing.py.
"""

from __future__ import annotations

from typing import Final

from lab.errors import EvidenceError
from lab.hosts.channel import Channel

# -DD: the tracer is a process of its own in a group of its own, and the program keeps the number, the parent and the
# name that it has without. -f: its threads and children too. -ttt -T: when each call began, how long it took. -yy: what
# each descriptor is. -s: so much of each text. -a: no blanks to fill a column with.
COMMAND: Final = ("strace", "-DD", "-f", "-ttt", "-T", "-yy", "-s", "64", "-a", "1")
SECONDS: Final = 8.0


def fetch_trace(channel: Channel, name: str) -> tuple[str, bool]:
    """End the program if it still runs, and return its trace and whether that is all of it.

    Raises EvidenceError `probe-died` when there is none: strace could not run here.
    """
    answer = channel.call("trace", name=name, patience=SECONDS)
    if not answer["text"]:
        raise EvidenceError("probe-died", probe="strace", host=channel.host, detail=_words(channel, name))
    return str(answer["text"]), bool(answer["whole"])


def _words(channel: Channel, name: str) -> str:
    lines = [event.data["text"] for event in channel.events if event.name == name and event.kind == "output"]
    return next((line for line in reversed(lines) if line.startswith("strace:")), "no trace")
