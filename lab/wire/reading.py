"""Read a capture by the way that is quicker: record by record, or by columns where it is large.

Both give the same answers. Columns need NumPy, whose loading takes as long as some thousands of segments.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from lab.wire.capture import FILE_HEADER, RECORD_HEADER, Capture, parse_capture, read_header
from lab.wire.conversation import Conversation, conversations
from lab.wire.packet import Buffer

_MANY: Final = 10_000
"""Frames from which on columns are quicker."""


def read_capture(data: Buffer, *, where: str) -> Capture:
    """Return what `parse_capture` does, and raise the same; a large capture's segments are made when asked for."""
    if not _has_many_frames(data, where):
        return parse_capture(data, where=where)
    from lab.wire.columns.reading import read_columns  # noqa: PLC0415 - see above

    found = read_columns(data, where=where)
    return Capture(found, found.frames, found.linktype, found.nanosecond, found.skipped)


def read_conversations(capture: Capture) -> tuple[Conversation, ...]:
    """Return the conversations of a capture, in the order of their first segment, as `conversations` does."""
    if isinstance(capture.segments, tuple):
        return conversations(capture.segments)
    from lab.wire.columns.segments import SegmentColumns  # noqa: PLC0415 - see above
    from lab.wire.columns.views import views  # noqa: PLC0415

    segments = capture.segments
    return views(segments) if isinstance(segments, SegmentColumns) else conversations(segments)


def _has_many_frames(data: Buffer, where: str) -> bool:
    if len(data) < FILE_HEADER + _MANY * RECORD_HEADER:
        return False
    order, _, _ = read_header(data, where)
    read_kept = Struct(order + "8xI").unpack_from
    at, last = FILE_HEADER, len(data) - RECORD_HEADER
    for _ in range(_MANY):
        if at > last:
            return False
        at += RECORD_HEADER + read_kept(data, at)[0]
    return True
