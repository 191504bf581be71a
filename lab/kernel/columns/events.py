"""The records of one event as columns, by the places of its fields that its own format file tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lab.kernel.formats import Format

_Int = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Events:
    """The records of an event, in the order of time.

    `order` is the place among all records of all events, `time_ns` is since the epoch, `place` where in the data.
    """

    data: bytes
    described: Format
    order: _Int
    time_ns: _Int
    place: _Int

    def __len__(self) -> int:
        return len(self.order)

    def fields(self, *wanted: str) -> list[NDArray[Any]]:
        """Return these fields, each as a column; an array of numbers as rows of them, one of bytes as two numbers.

        Only for what a reader of `described` can read: see `Format.reader`.
        """
        fields = [self.described.field(name) for name in wanted]
        kinds = []
        for each in fields:
            width = 8 if each.count == each.size else each.size // (each.count or 1)
            kind = f"<{'i' if each.signed and each.count != each.size else 'u'}{width}"
            kinds.append((kind, (each.size // width,)) if each.count else kind)
        size = max(each.end for each in fields)
        row = np.dtype(
            {"names": wanted, "formats": kinds, "offsets": [each.offset for each in fields], "itemsize": size}
        )
        # Bytes without meaning are copied eight times faster than a record of fields.
        every = np.ndarray((max(0, len(self.data) - size + 1),), f"V{size}", self.data, strides=(1,))
        rows = every[self.place].view(row)
        return [rows[name] for name in wanted]
