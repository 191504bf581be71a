"""Lengths of time and of files as a person reads them."""

from __future__ import annotations

from typing import Final

_MICRO: Final = 1_000
_MILLI: Final = 1_000_000
_SECOND: Final = 1_000_000_000
_TEN: Final = 10


def duration(ns: int) -> str:
    """Return a length of time in ns as `23 µs`, `1.4 ms`, `40 ms`, `2.0 s` or `59 s`."""
    if ns < _MILLI:
        return f"{max(1, round(ns / _MICRO))} µs"
    unit, name = (_MILLI, "ms") if ns < _SECOND else (_SECOND, "s")
    value = ns / unit
    return f"{value:.1f} {name}" if value < _TEN else f"{value:.0f} {name}"


def milliseconds(ns: int) -> str:
    """Return a moment in ns as ms with three digits: `0.038`."""
    return f"{ns / _MILLI:.3f}"
