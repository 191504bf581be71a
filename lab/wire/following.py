"""Follow a capture while it is written: the bytes of `tcpdump -U -w -` as they come."""

from __future__ import annotations

from struct import Struct
from typing import Final

from lab.wire.capture import LONGEST_RECORD, CaptureError, parse_capture
from lab.wire.segment import Segment

_FILE_HEADER: Final = 24
_RECORD_HEADER: Final = 16
_BIG_ENDIAN: Final = (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d")


class CaptureFollower:
    """Takes a capture's bytes in pieces of any length; `frames` is how many frames it had so far."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._header = b""
        self._rest = b""
        self._read_kept = Struct("<8xI4x").unpack_from
        self.frames = 0

    def take(self, data: bytes) -> tuple[Segment, ...]:
        """Return the TCP segments that are whole now, numbered as in the whole capture; CaptureError for damage."""
        self._rest += data
        if not self._header:
            if len(self._rest) < _FILE_HEADER:
                return ()
            self._header, self._rest = self._rest[:_FILE_HEADER], self._rest[_FILE_HEADER:]
            if self._header[:4] in _BIG_ENDIAN:
                self._read_kept = Struct(">8xI4x").unpack_from
        whole = self._whole()
        found = parse_capture(self._header + self._rest[:whole], where=self._where)
        self._rest = self._rest[whole:]
        before = self.frames
        self.frames += found.frames
        return tuple(each._replace(number=each.number + before) for each in found.segments)

    def _whole(self) -> int:
        """Return up to where whole frames reach."""
        at, number = 0, self.frames
        while len(self._rest) - at >= _RECORD_HEADER:
            (kept,) = self._read_kept(self._rest, at)
            number += 1
            if kept > LONGEST_RECORD:
                raise CaptureError(
                    "capture-record-length",
                    where=self._where,
                    packet=number,
                    offset=at,
                    length=kept,
                    limit=LONGEST_RECORD,
                )
            if len(self._rest) - at - _RECORD_HEADER < kept:
                break
            at += _RECORD_HEADER + kept
        return at
