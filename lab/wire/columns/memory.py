"""Freed arrays back to the system: the C library keeps those below 32 MB for later, most of a recording's."""

from __future__ import annotations

import contextlib
import ctypes


def give_back() -> None:
    """Give freed memory back to the system, where the C library can (glibc: malloc_trim(3)); takes a few ms."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
