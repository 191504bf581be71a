"""Read a recording of the kernel's tracer by the quicker way: record by record, or by columns where it is large.

Both give the same answers. Columns need NumPy, whose loading takes as long as some thousands of records.
"""

from __future__ import annotations

from typing import Final

from lab.kernel.ring import parse_kernel_trace
from lab.kernel.trace import KernelTrace
from lab.wire.packet import Buffer

_LARGE: Final = 700_000
"""Bytes from which on columns are quicker, as far as a timeline is made of it."""


def read_kernel_trace(data: Buffer, *, where: str) -> KernelTrace:
    """Return what `parse_kernel_trace` does, and raise the same; records of a large one are made when asked for."""
    if len(data) >= _LARGE:
        from lab.kernel.columns.reading import read_trace_columns  # noqa: PLC0415 - see above

        found = read_trace_columns(data, where=where)
        if found is not None:
            return found
    return parse_kernel_trace(data, where=where)
