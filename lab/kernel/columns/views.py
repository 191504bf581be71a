"""Rows of columns as records: made when they are asked for, many at a time, and kept from then on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar, overload

T = TypeVar("T")
_BLOCK: Final = 4096
"""How many are made at a time: for one alone it would take as long as for some hundred."""


class Views(Sequence[T]):
    """A sequence of records that is kept in columns; a row's record is the same object each time."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._made: dict[int, list[T]] = {}

    @abstractmethod
    def made(self, begin: int, end: int) -> list[T]:
        """Return the records of the rows from `begin` up to `end`, anew."""

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(self._count))]
        number, within = divmod(range(self._count)[place], _BLOCK)
        return self._block(number)[within]

    def __iter__(self) -> Iterator[T]:
        for number in range(-(-self._count // _BLOCK)):
            yield from self._block(number)

    def _block(self, number: int) -> list[T]:
        block = self._made.get(number)
        if block is None:
            begin = number * _BLOCK
            block = self._made[number] = self.made(begin, min(begin + _BLOCK, self._count))
        return block
