"""Put a recording together as one timeline by the quicker way: one by one, or by columns where it is large.

Both give the same answers. Columns need NumPy, whose loading takes as long as some hundred connections.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

from lab.recording.play import NOTHING, Play
from lab.recording.recording import Recording
from lab.timeline.model import Timeline
from lab.timeline.one_by_one import build_one_by_one


def build_timeline(recording: Recording, play: Play = NOTHING) -> Timeline:
    """Return the timeline of a recording, with the names and steps of the play that there was, if there was one.

    With the kernel's record, states and calls are what it told; without, states are what the captures prove (marked
    where `ss` showed them) and calls what strace told of the programs that ran under it. Raises EvidenceError for
    what cannot be read. Takes time and memory in proportion to the number of segments, calls and states. Of a large
    recording a moment, a connection and a queue are made when they are asked for.
    """
    with _uncollected():
        found = _by_columns(recording, play)
        return build_one_by_one(recording, play) if found is None else found


def _by_columns(recording: Recording, play: Play) -> Timeline | None:
    """Return the timeline by columns where the kernel's record, the most of it, was read by columns; None elsewhere."""
    calls = recording.kernel.trace.calls if recording.kernel else ()
    if isinstance(calls, tuple | list):  # what is read record by record
        return None
    from lab.timeline.columns.build import build_by_columns  # noqa: PLC0415 - see above

    return build_by_columns(recording, play)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Hold back the garbage collector: it would look again and again at millions of records, none of them garbage."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
