"""The file of a kernel recording: a line of JSON that describes it, then the raw pages of each processor."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lab.errors import EvidenceError
from lab.kernel.trace import PROGRAMS, SOCKETS, UNTOLD
from lab.wire.packet import Buffer

FORMAT: Final = 1
MACHINES: Final = frozenset({"x86_64", "aarch64", "riscv64", "ppc64le", "loongarch64"})
"""Whose numbers are little-endian: the pages do not say which way round they are."""

_LARGEST: Final = 2**63 - 1
_LONGEST_SHOWN: Final = 80


class TraceParseError(EvidenceError):
    """A kernel recording that is damaged, or not one at all; `params` hold `where`."""


@dataclass(frozen=True, slots=True)
class Processor:
    """One buffer of a processor's: how many pages, and how many events it had no room for, by the kernel's counters.

    `overrun` were overwritten before they were read, `refused` (`commit_overrun`, `dropped_events`) never written.
    `instance` is the recorder's whose buffer it is: SOCKETS, PROGRAMS, or UNTOLD in recordings made before it was told.
    """

    number: int
    pages: int
    overrun: int
    refused: int
    instance: str = UNTOLD


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line tells. `formats` are the kernel's own descriptions of the events, by name (`sock:…`).

    `left_out` and `agents` are empty in recordings made before they were told.
    """

    machine: str
    clock: str
    offset_ns: int
    precision_ns: int
    page: int
    header_page: str
    formats: Mapping[str, str]
    missing: tuple[str, ...]
    left_out: tuple[str, ...]
    agents: Mapping[int, str]
    processors: tuple[Processor, ...]
    begun_ns: int
    ended_ns: int
    size: int
    """Its own length in bytes: there the pages begin."""

    def pages(self) -> Iterator[tuple[Processor, int, int]]:
        """Yield each page: its buffer, its number among that one's (from 0), its place in the data."""
        at = self.size
        for processor in self.processors:
            for number in range(processor.pages):
                yield processor, number, at
                at += self.page


def parse_header(data: Buffer, *, where: str) -> Header:
    """Return the header of a recording whose pages are all there; TraceParseError for anything else."""
    newline = data.find(b"\n")
    try:
        read = json.loads(data[:newline].decode()) if newline >= 0 else None
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise TraceParseError("kernel-trace-no-header", where=where)
    header = _Reader(read, where).header(newline + 1)
    expected = header.page * sum(each.pages for each in header.processors)
    if expected != len(data) - header.size:
        raise TraceParseError("kernel-trace-size", where=where, expected=expected, size=len(data) - header.size)
    return header


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes members out of what JSON said, and complains of the one that is not as it must be."""

    read: Mapping[str, Any]
    where: str

    def header(self, size: int) -> Header:
        if self._number("format") != FORMAT:
            raise self._bad("format")
        machine = self._text("machine")
        if machine not in MACHINES:
            raise TraceParseError("kernel-trace-machine", where=self.where, machine=machine[:_LONGEST_SHOWN])
        return Header(
            machine=machine,
            clock=self._text("clock"),
            offset_ns=self._number("offset_ns", least=-_LARGEST),
            precision_ns=self._number("precision_ns"),
            page=self._number("page", least=1),
            header_page=self._text("header_page"),
            formats=self._texts_by_name("events"),
            missing=self._texts("missing"),
            left_out=self._texts("left_out") if "left_out" in self.read else (),
            agents=self._agents() if "agents" in self.read else {},
            processors=tuple(_Reader(each, self.where).processor() for each in self._objects("cpus")),
            begun_ns=self._number("begun_ns"),
            ended_ns=self._number("ended_ns"),
            size=size,
        )

    def processor(self) -> Processor:
        refused = self._number("commit_overrun") + self._number("dropped_events")
        instance = self._text("instance") if "instance" in self.read else UNTOLD
        if instance not in (SOCKETS, PROGRAMS, UNTOLD):
            raise self._bad("instance")
        return Processor(self._number("cpu"), self._number("pages"), self._number("overrun"), refused, instance)

    def _agents(self) -> Mapping[int, str]:
        value = self.read["agents"]
        if not isinstance(value, list):
            raise self._bad("agents")
        for each in value:
            match each:
                case [int(), str()]:
                    pass
                case _:
                    raise self._bad("agents")
        return dict(value)

    def _number(self, name: str, least: int = 0) -> int:
        value = self.read.get(name)
        # A bool is an int to Python, not to the recorder.
        if type(value) is not int or not least <= value <= _LARGEST:
            raise self._bad(name)
        return value

    def _text(self, name: str) -> str:
        value = self.read.get(name)
        if not isinstance(value, str):
            raise self._bad(name)
        return value

    def _texts(self, name: str) -> tuple[str, ...]:
        value = self.read.get(name)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._bad(name)
        return tuple(value)

    def _texts_by_name(self, name: str) -> Mapping[str, str]:
        value = self.read.get(name)
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise self._bad(name)
        return value

    def _objects(self, name: str) -> list[dict[str, Any]]:
        value = self.read.get(name)
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self._bad(name)
        return value

    def _bad(self, name: str) -> TraceParseError:
        return TraceParseError("kernel-trace-header", where=self.where, field=name)
