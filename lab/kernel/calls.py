"""Read what `strace -f -ttt -T -yy` wrote: one record per system call, with what its descriptors were."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lab.errors import EvidenceError
from lab.foreign import shown
from lab.wire.segment import Endpoint

_LONGEST_SHOWN: Final = 200
_NS: Final = 1_000_000_000

_LINE: Final = re.compile(r"(?:(?P<pid>[0-9]{1,10}) +)?(?P<time>[0-9]{1,12}\.[0-9]{1,9}) (?P<rest>.*)", re.DOTALL)
_SIGNAL: Final = re.compile(r"--- (?P<what>stopped by \w+|SIG\w+(?: \{.*\})?) ---", re.DOTALL)
_END: Final = re.compile(r"\+\+\+ (?P<what>.*) \+\+\+")
_RESUMED: Final = re.compile(r"<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)", re.DOTALL)
_BEGUN: Final = re.compile(r"(?P<name>\w+)\((?P<rest>.*)", re.DOTALL)
_UNFINISHED: Final = " <unfinished ...>"
# Greedy: a text that was sent may hold `) = 0` as well. strace fills up with blanks before the sign.
_RETURNED: Final = re.compile(
    r"(?P<arguments>.*)\) *= (?:(?P<value>-?[0-9]{1,20}|0x[0-9a-f]{1,16})(?P<what><.*?>)?|\?)"
    r"(?: (?P<error>E[A-Z0-9_]{1,30})(?: \([^()]*\))?| \((?P<said>.*)\))?"
    r"(?: <(?P<took>[0-9]{1,9}\.[0-9]{1,9}|unavailable)>)?",
    re.DOTALL,
)
FAMILIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accept4": "accept", "recvfrom": "recv", "recvmsg": "recv", "sendto": "send", "sendmsg": "send",
        "pselect6": "select", "_newselect": "select", "ppoll": "poll", "epoll_pwait": "epoll_wait",
        "epoll_pwait2": "epoll_wait", "nanosleep": "sleep", "clock_nanosleep": "sleep", "epoll_create1": "epoll_create",
    },
)  # fmt: skip
"""What a program calls it and what the kernel of some machine calls it are two things: the C library chooses."""

# Inside the brackets stands whatever the file is called, but for the arrow of a connection no `>`.
_DESCRIPTOR: Final = re.compile(r"(?<![\w.])(?P<fd>[0-9]{1,10})<(?P<what>(?:->|[^<>])*)>")
_CONNECTION: Final = re.compile(r"TCP(?:v6)?:\[(?P<local>[^\]>]*?\]?:[0-9]+)(?:->(?P<peer>.*:[0-9]+))?\]")


class StraceParseError(EvidenceError):
    """A line that strace cannot have written so; `params` hold `where`, `row` (from 1) and `line`."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A file descriptor and what it was at that moment, as strace names it: `TCP:[…]`, `pipe:[…]`, a path."""

    fd: int
    what: str

    @property
    def local(self) -> Endpoint | None:
        """This end of a TCP socket that has an address; None for everything else."""
        return _end(self.what, "local")

    @property
    def peer(self) -> Endpoint | None:
        """The other end of a TCP connection; None for everything else."""
        return _end(self.what, "peer")


@dataclass(frozen=True, slots=True)
class Call:
    """A system call of the process or thread `pid`.

    `begun_ns` (since the epoch) is the moment it began, to the microsecond. `duration_ns` is as strace saw it, who is
    told of the return late; None for a call that never returned. `result` is None for `?`; `error` is an errno's name;
    for a call that a signal broke off and the kernel may begin again, ERESTARTSYS or the like. `said` is what strace
    explains behind the result, such as `Timeout` or the ready ones of a poll. `row` is the line where it began.
    """

    pid: int
    name: str
    arguments: str
    result: int | None
    error: str | None
    begun_ns: int
    duration_ns: int | None
    fd: int | None = None
    made: Descriptor | None = None
    """The descriptor that it returned."""
    said: str | None = None
    row: int = 0

    @property
    def family(self) -> str:
        """Its name as programs write it: `recv` for recvfrom, `accept` for accept4."""
        return FAMILIES.get(self.name, self.name)

    @property
    def broken_off(self) -> bool:
        """Whether a signal broke it off before it came to anything: the kernel may begin it again, as another call."""
        return (self.error or "").startswith("ERESTART")

    @property
    def ended_ns(self) -> int | None:
        """When it returned (late by what strace itself takes); None for a call that never did."""
        return None if self.duration_ns is None else self.begun_ns + self.duration_ns

    @property
    def descriptors(self) -> tuple[Descriptor, ...]:
        """The descriptors among its arguments, in their order."""
        found = _DESCRIPTOR.finditer(_untexted(self.arguments))
        return tuple(Descriptor(int(each["fd"]), each["what"]) for each in found)

    @property
    def on(self) -> Descriptor | None:
        """The descriptor that it works on, its first argument; None where that is none."""
        return next((one for one in self.descriptors if one.fd == self.fd), None)

    @property
    def ready(self) -> tuple[int, ...]:
        """The descriptors that select, poll or epoll_wait told of as ready.

        >>> call = parse_strace(
        ...     '7 1.0 poll([{fd=3<TCP:[1]>, events=POLLIN}], 1, -1) = 1 ([{fd=3, revents=POLLIN}]) <0.1>'
        ... ).calls[0]
        >>> call.ready
        (3,)
        """
        if self.name.startswith("epoll"):
            told = re.findall(r"data=(?:\{u32=)?(0x[0-9a-f]+|[0-9]+)", self.arguments) if self.result else ()
            # A program that sets data.fd alone leaves the other half as it was.
            return tuple(int(fd, 0) & 0xFFFFFFFF for fd in told)
        if self.family == "select":
            inside = re.findall(r"(?:in|out|exc) \[([^\]]*)\]", self.said or "")
            return tuple(int(fd) for group in inside for fd in re.findall(r"(?<![\w.])[0-9]+", group))
        return tuple(int(fd) for fd in re.findall(r"fd=([0-9]+)", self.said or ""))


@dataclass(frozen=True, slots=True)
class Traced:
    """A whole trace: the calls in the order in which they began, and how each process or thread ended."""

    calls: tuple[Call, ...]
    ends: Mapping[int, str]


def parse_strace(text: str, *, where: str = "strace") -> Traced:
    """Return what `strace -f -ttt -T -yy -o` wrote; `where` names the file in errors.

    A call that another thread's line cut in two is put together again. Signals and stops are passed over.
    Raises StraceParseError for any other line. Source: strace(1), section OUTPUT.

    >>> text = '''7  1700000000.000100 accept4(3<TCP:[10.0.0.2:8000]>,  <unfinished ...>
    ... 8  1700000000.000200 recvfrom(4<TCP:[10.0.0.2:8000->10.0.0.1:5000]>, "hi) = 1", 9, 0, NULL, NULL) = 7 <0.000020>
    ... 8  1700000000.000300 recvfrom(4<TCP:[10.0.0.2:8000->10.0.0.1:5000]>, 0x1, 9, 0) = -1 EAGAIN (Again) <0.1>
    ... 7  1700000000.500100 <... accept4 resumed>NULL, NULL, 0) = 5<TCP:[10.0.0.2:8000->10.0.0.1:5001]> <0.500000>
    ... 7  1700000000.600000 --- SIGTERM {si_signo=SIGTERM} ---
    ... 7  1700000000.600100 +++ killed by SIGTERM +++
    ... '''
    >>> traced = parse_strace(text)
    >>> [(call.name, call.pid, call.result, call.error) for call in traced.calls]
    [('accept4', 7, 5, None), ('recvfrom', 8, 7, None), ('recvfrom', 8, -1, 'EAGAIN')]
    >>> [call.duration_ns for call in traced.calls]
    [500000000, 20000, 100000000]
    >>> str(traced.calls[0].made.peer), str(traced.calls[1].on.peer), traced.calls[1].fd
    ('10.0.0.1:5001', '10.0.0.1:5000', 4)
    >>> traced.ends
    {7: 'killed by SIGTERM'}
    >>> parse_strace("7 1.0 accept4(3")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    lab.kernel.calls.StraceParseError: strace, line 1: ...
    """
    reader = _Reader(where)
    for row, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            reader.take(row, line)
    return Traced(tuple(reader.finished()), reader.ends)


class _Reader:
    """Takes line after line; knows which calls are still unfinished, by process."""

    def __init__(self, where: str) -> None:
        self.ends: dict[int, str] = {}
        self._where = where
        self._calls: list[Call] = []
        self._open: dict[int, int] = {}

    def take(self, row: int, line: str) -> None:
        """Take a line; StraceParseError when it is none of strace's."""
        found = _LINE.fullmatch(line)
        if found is None:
            raise self._error(row, line)
        pid, rest = int(found["pid"] or 0), found["rest"]
        if ended := _END.fullmatch(rest):
            self.ends[pid] = ended["what"]
        elif resumed := _RESUMED.fullmatch(rest):
            self._resume(pid, resumed, row, line)
        elif not _SIGNAL.fullmatch(rest):
            begun = _BEGUN.fullmatch(rest)
            if begun is None:
                raise self._error(row, line)
            self._begin(pid, _nanoseconds(found["time"]), begun, row, line)

    def finished(self) -> Iterator[Call]:
        """Yield all calls with the descriptor that each works on."""
        for call in self._calls:
            first = _DESCRIPTOR.match(call.arguments)
            yield replace(call, fd=int(first["fd"])) if first else call

    def _begin(self, pid: int, time_ns: int, begun: re.Match[str], row: int, line: str) -> None:
        rest = begun["rest"]
        call = Call(pid, begun["name"], "", None, None, time_ns, None, row=row)
        if rest.endswith(_UNFINISHED):
            self._open[pid] = len(self._calls)
            self._calls.append(replace(call, arguments=rest.removesuffix(_UNFINISHED).rstrip()))
        else:
            self._calls.append(self._returned(call, rest, row, line))

    def _resume(self, pid: int, resumed: re.Match[str], row: int, line: str) -> None:
        index = self._open.pop(pid, None)
        if index is None or self._calls[index].name != resumed["name"]:
            raise self._error(row, line)
        self._calls[index] = self._returned(self._calls[index], resumed["rest"], row, line)

    def _returned(self, call: Call, rest: str, row: int, line: str) -> Call:
        found = _RETURNED.fullmatch(rest)
        if found is None:
            raise self._error(row, line)
        arguments = f"{call.arguments} {found['arguments']}".strip().removesuffix(_UNFINISHED).rstrip()
        value = None if found["value"] is None else int(found["value"], 0)
        made = Descriptor(value, found["what"][1:-1]) if value is not None and found["what"] else None
        took = None if found["took"] in (None, "unavailable") else _nanoseconds(found["took"])
        returned = replace(call, arguments=arguments, result=value, error=found["error"], duration_ns=took)
        return replace(returned, made=made, said=found["said"])

    def _error(self, row: int, line: str) -> StraceParseError:
        return StraceParseError("strace-line", where=self._where, row=row, line=_printable(line))


def _nanoseconds(seconds: str) -> int:
    """Return a decimal number of seconds in ns, exactly: a float has no room for ns since the epoch."""
    whole, _, part = seconds.partition(".")
    return int(whole) * _NS + int(part.ljust(9, "0"))


def _untexted(arguments: str) -> str:
    """Return arguments without the texts in quotes: what was sent may look like anything."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', arguments)


def _end(what: str, which: str) -> Endpoint | None:
    found = _CONNECTION.fullmatch(what)
    if found is None or found[which] is None:
        return None
    address, _, port = found[which].rpartition(":")
    return Endpoint(address.strip("[]").removeprefix("::ffff:"), int(port))


def _printable(line: str) -> str:
    return shown(line[:_LONGEST_SHOWN])
