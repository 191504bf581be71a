"""What the kernel says of its own records: a tracepoint's `format` file, and `header_page`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from struct import Struct
from typing import Any, Final, NamedTuple

from lab.wire.packet import Buffer

_FIELD: Final = re.compile(
    r"\tfield:[^;\n]*?\b(?P<name>\w+)(?:\[(?P<count>\d{1,4})\])?;"
    r"\toffset:(?P<offset>\d{1,4});\tsize:(?P<size>\d{1,5});(?:\tsigned:(?P<signed>[01]);)?"
)
_ID: Final = re.compile(r"^ID: (?P<id>\d{1,5})$", re.MULTILINE)
_PRINTED: Final = re.compile(r"^print fmt: (?P<text>.*)", re.MULTILINE | re.DOTALL)
_SYMBOL: Final = re.compile(r'\{ *(?P<value>-?\d{1,10}|0x[0-9a-fA-F]{1,8}) *, *"(?P<name>[^"]*)" *\}')
_CODES: Final[Mapping[int, str]] = {1: "B", 2: "H", 4: "I", 8: "Q"}

Read = Callable[[Buffer, int], tuple[Any, ...]]
"""From the data and a record's place in it to the values of some of its fields."""


class Reader(NamedTuple):
    """How some fields are read, and how many bytes a record must have for it."""

    read: Read
    needed: int


class FormatError(ValueError):
    """A description that lacks something, which the error names, or describes it in a way that cannot be."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its place and size in bytes; `count` is how many elements an array has, None for a single value."""

    name: str
    offset: int
    size: int
    count: int | None
    signed: bool

    @property
    def end(self) -> int:
        """Where the next field may begin."""
        return self.offset + self.size

    @property
    def elements(self) -> int:
        """How many values `struct` makes of it: an array of bytes is one."""
        return 1 if self.count in {None, self.size} else self.count or 0

    def code(self) -> str:
        """Return how `struct` reads it: an array of bytes as bytes, another array as so many numbers."""
        if self.count is None:
            return self._number(self.size)
        if self.count == self.size:
            return f"{self.size}s"
        if self.count == 0 or self.size % self.count:
            raise FormatError(self.name)
        return f"{self.count}{self._number(self.size // self.count)}"

    def _number(self, size: int) -> str:
        if size not in _CODES:
            raise FormatError(self.name)
        return _CODES[size].lower() if self.signed else _CODES[size]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of record: the number that marks it (0 where there is none), its fields, how the kernel prints them."""

    id: int
    fields: Mapping[str, Field]
    printed: str

    def reader(self, *wanted: str) -> Reader:
        """Return what reads these fields, in this order: `name` a single number, `name:4s` an array, as `struct` says.

        Raises FormatError with the name of a field that is not there, or is not so.
        """
        found: list[tuple[int, int, str]] = []
        for place, each in enumerate(wanted):
            name, _, code = each.partition(":")
            field = self.field(name)
            if (code != field.code()) if code else (field.count is not None):
                raise FormatError(name)
            found.append((field.offset, place, name))
        layout, at = "<", 0
        for offset, _, name in sorted(found):
            if offset < at:
                raise FormatError(name)
            layout += f"{offset - at}x{self.fields[name].code()}"
            at = self.fields[name].end
        read = Struct(layout).unpack_from
        order = [place for _, place, _ in sorted(found)]
        if order == sorted(order):
            return Reader(read, at)
        if any(self.fields[name].elements > 1 for _, _, name in found):
            raise FormatError(found[order[0]][2])  # the elements would be told from nothing
        put = itemgetter(*(order.index(place) for place in range(len(order))))
        return Reader(lambda data, at: put(read(data, at)), at)

    def field(self, name: str) -> Field:
        """Return a field; FormatError with its name when there is none."""
        if name not in self.fields:
            raise FormatError(name)
        return self.fields[name]

    def symbols(self, name: str) -> Mapping[int, str]:
        """Return the words that the kernel prints for a field's numbers; none where it prints the numbers."""
        begin = f"__print_symbolic(REC->{name},"
        _, found, rest = self.printed.partition(begin)
        inside = rest.partition(")")[0] if found else ""
        return {int(each["value"], 0): each["name"] for each in _SYMBOL.finditer(inside)}


def parse_format(text: str, *, numbered: bool = True) -> Format:
    r"""Return what a `format` file says; with `numbered` off it is `header_page`, which has no ID.

    Raises FormatError. Source: kernel/trace/trace_events.c, f_show; kernel/trace/ring_buffer.c,
    ring_buffer_print_page_header.

    >>> found = parse_format('''name: sys_exit
    ... ID: 442
    ... format:
    ... \tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;
    ...
    ... \tfield:long ret;\toffset:8;\tsize:8;\tsigned:1;
    ...
    ... print fmt: "%s", __print_symbolic(REC->ret, { 0, "OK" }, { 0x1, "NOT" })
    ... ''')
    >>> found.id, found.reader("ret", "common_pid").read(b"\x00" * 4 + b"\x07\x00\x00\x00" + b"\xff" * 8, 0)
    (442, (-1, 7))
    >>> found.symbols("ret")
    {0: 'OK', 1: 'NOT'}
    """
    number = _ID.search(text)
    if numbered and number is None:
        raise FormatError("ID")
    fields = {
        each["name"]: Field(
            each["name"],
            int(each["offset"]),
            int(each["size"]),
            None if each["count"] is None else int(each["count"]),
            each["signed"] == "1",
        )
        for each in _FIELD.finditer(text)
    }
    printed = _PRINTED.search(text)
    return Format(int(number["id"]) if number else 0, fields, printed["text"] if printed else "")
