"""A segment's TCP options: what each end may send, and how its window counts.

Source: RFC 9293, section 3.2 (MSS), RFC 7323 (window scale, timestamps), RFC 2018 (SACK), RFC 7413 (Fast Open),
RFC 8684 (Multipath TCP).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

LARGEST_SHIFT: Final = 14
"""A larger window scale counts as this one (RFC 7323, section 2.3)."""

_END, _NOTHING, _MSS, _SCALE, _SACK_PERMITTED, _SACK, _TIMESTAMPS, _MPTCP, _FAST_OPEN = 0, 1, 2, 3, 4, 5, 8, 30, 34
_KIND_AND_LENGTH: Final = 2
_MSS_LENGTH: Final = 2
_BLOCK: Final = Struct(">II")
"""Two sequence numbers, or two timestamps."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options that are read here; None or empty for what was not sent.

    `mss` in bytes; `window_scale` by how many bits the windows of this end are shifted; `sack` the blocks, each the
    first sequence number that arrived and the one after the last; `timestamps` the sender's and the one that it echoes;
    `fast_open` the cookie, empty where one is asked for; `mptcp` the subtype (0 is MP_CAPABLE).
    """

    mss: int | None = None
    window_scale: int | None = None
    sack_permitted: bool = False
    sack: tuple[tuple[int, int], ...] = ()
    timestamps: tuple[int, int] | None = None
    fast_open: bytes | None = None
    mptcp: int | None = None


def parse_options(data: bytes) -> Options:
    """Return what the option bytes of a TCP header say.

    Of an option that comes twice the first counts; one of the wrong length is left out, and what follows one whose
    length is impossible is not read.
    """
    found: dict[int, bytes] = {}
    for kind, value in _split(data):
        found.setdefault(kind, value)
    mss, scale = found.get(_MSS, b""), found.get(_SCALE, b"")
    blocks, times = found.get(_SACK, b""), found.get(_TIMESTAMPS, b"")
    multipath = found.get(_MPTCP, b"")
    return Options(
        mss=int.from_bytes(mss, "big") if len(mss) == _MSS_LENGTH else None,
        window_scale=min(scale[0], LARGEST_SHIFT) if len(scale) == 1 else None,
        sack_permitted=found.get(_SACK_PERMITTED) == b"",
        sack=tuple(_BLOCK.iter_unpack(blocks)) if len(blocks) % _BLOCK.size == 0 else (),
        timestamps=_BLOCK.unpack(times) if len(times) == _BLOCK.size else None,
        fast_open=found.get(_FAST_OPEN),
        mptcp=multipath[0] >> 4 if multipath else None,
    )


def _split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each option's kind and value."""
    at = 0
    while at < len(data) and data[at] != _END:
        if data[at] == _NOTHING:
            at += 1
            continue
        length = data[at + 1] if at + 1 < len(data) else 0
        if length < _KIND_AND_LENGTH or at + length > len(data):
            return
        yield data[at], data[at + _KIND_AND_LENGTH : at + length]
        at += length
