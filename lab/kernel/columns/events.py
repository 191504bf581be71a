"""The records of one event as columns, by the places of its fields that its own format file tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lab.kernel.columns.records import release
from lab.kernel.formats import Format
from lab.wire.packet import Buffer

_BLOCK: Final = 1 << 16
"""How many records are read at a time."""


@dataclass(frozen=True, slots=True)
class Events:
    """The records of an event, in the order of time.

    `order` is the place among all records of all events, `time_ns` is since the epoch, `place` where in the data.
    """

    data: Buffer
    described: Format
    order: NDArray[np.uint32]
    time_ns: NDArray[np.int64]
    place: NDArray[np.uint32]

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
        found = [np.empty((len(self), *row[name].shape), row[name].base) for name in wanted]
        for some in (slice(begin, begin + _BLOCK) for begin in range(0, len(self), _BLOCK)):
            rows = every[self.place[some]].view(row)
            for column, name in zip(found, wanted, strict=True):
                column[some] = rows[name]
            if len(self) > _BLOCK:
                release(self.data)
        return found
