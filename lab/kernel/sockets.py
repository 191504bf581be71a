"""Read what `ss` prints: one row per TCP socket."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lab.errors import EvidenceError
from lab.foreign import shown
from lab.kernel.holders import NAME_OF_OURS, plain_holders
from lab.kernel.rows import Process, SocketRow, Timer
from lab.wire.segment import Endpoint
from lab.wire.state import State

SS_COMMAND: Final = ("ss", "-tanpo")
"""What the lab runs: TCP, every state, numbers for names, processes, timers."""

# The kernel's name for a half-open request; no released ss prints it, but patched ones may.
_ALIASES: Final[Mapping[str, State]] = MappingProxyType(
    {"NEW-SYN-RECV": State.SYN_RECEIVED, "NEW-SYN-REC": State.SYN_RECEIVED},
)
_LARGEST_QUEUE: Final = 2**32 - 1
_LARGEST_PORT: Final = 2**16 - 1
_LONGEST_SHOWN: Final = 200
_WILDCARDS: Final = frozenset({"*", "0.0.0.0", "::"})  # noqa: S104 - read, not bound to

_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_HEADER: Final = re.compile(r"(?:Netid\s*)?(?:State\s*)?Recv-Q\s*Send-Q")
# Narrow terminals make some versions print the processes without a space before them.
_COLUMNS: Final = re.compile(
    r"(?:tcp\s+)?(?P<state>\S+)\s+(?P<recv>\S+)\s+(?P<send>\S+)\s+(?P<local>\S+)"
    r"\s+(?P<peer>\S+?)(?=\s|$|users:\(|timer:\()",
)
_ENDPOINT: Final = re.compile(
    r"(?:\[(?P<bracketed>[^\[\]%\s]+)\]|(?P<plain>[^\[\]%\s]+))(?:%(?P<interface>[^\s/:]+))?:(?P<port>[^\s:]+)",
)
_PROCESS: Final = re.compile(
    rf'\("(?P<name>{NAME_OF_OURS})",(?:pid=)?(?P<pid>[0-9]{{1,10}}),(?:tid=[0-9]{{1,10}},)?(?:fd=)?(?P<fd>[0-9]{{1,10}})\)'
    r'(?:,(?=\(")|(?P<end>\))(?=\s|$|timer:\())',
)
_TIMER: Final = re.compile(r"timer:\((?P<name>[a-z]+),(?P<left>[^,()\s]*),(?P<unanswered>[0-9]{1,10})\)")
_LEFT: Final = re.compile(
    r"(?:(?P<minutes>[0-9]{1,10})min)?"
    r"(?:(?P<seconds>[0-9]{1,2})sec|(?P<exact>[0-9])\.(?P<part>[0-9]{3})(?:ms|sec)|(?P<ms>[0-9]{1,3})ms)?",
)
_DETAIL: Final = re.compile(r"(?!users:|timer:)[a-z0-9_]+:\S+|[<-]-[>-]")


class SsParseError(EvidenceError):
    """A line that `ss` cannot have printed: an unknown state, a bad number or address, a line cut short.

    `params` hold `where` (the file), `row` (the line's number, from 1) and `line` (its text, made printable).
    """


def is_whole(text: str) -> bool:
    r"""Tell whether this is all that `ss -tanpo` printed, as far as that can be told: its header, and whole lines.

    >>> is_whole(""), is_whole("State Recv-Q Send-Q\n"), is_whole("State Recv-Q Send-Q\nLISTEN 0 5 10.0.0.1:80")
    (False, True, False)
    """
    return bool(_HEADER.match(text)) and text.endswith("\n")


def parse_whole_ss(text: str, *, where: str) -> tuple[SocketRow, ...]:
    """Return what `parse_ss` does; SsParseError also for an output that is not whole: no row of it then counts."""
    if not is_whole(text):
        lines = text.split("\n")
        row = len(lines) if _HEADER.match(text) else 1
        raise SsParseError("ss-not-whole", where=where, row=row, line=_printable(lines[row - 1]))
    return parse_ss(text, where=where)


def parse_ss(text: str, *, where: str = "ss") -> tuple[SocketRow, ...]:
    """Return the TCP sockets that `ss -tanpo` listed, in its order (which is the kernel's hash order: a set).

    The header may be there or not, addresses may be bracketed (iproute2 4.13 and later) or not, `-e` may add
    details and `-i` or `-m` a second, indented line: both are passed over. An IPv4 connection of an IPv6
    socket (`[::ffff:192.168.1.102]:8000`) gets its IPv4 address, as on the wire. A wildcard port is 0.
    Processes' names are text of ours (lab/kernel/holders.py). `where` names the text's file in errors.

    Raises SsParseError for anything else. Source: iproute2, misc/ss.c.

    >>> text = '''State     Recv-Q Send-Q  Local Address:Port     Peer Address:Port
    ... LISTEN    0      5       192.168.1.102:8000          0.0.0.0:*     users:(("python3",pid=7,fd=3))
    ... ESTAB     0      0       192.168.1.102:8000    192.168.1.101:58132 users:(("python3",pid=7,fd=4))
    ... TIME-WAIT 0      0       192.168.1.102:8000    192.168.1.101:59438 timer:(timewait,59sec,0)
    ... '''
    >>> listening, established, waiting = parse_ss(text)
    >>> listening.state, listening.recv_q, listening.send_q, str(listening.local), listening.peer
    (<State.LISTEN: 'LISTEN'>, 0, 5, '192.168.1.102:8000', None)
    >>> str(established.peer), established.processes
    ('192.168.1.101:58132', (Process(name='python3', pid=7, fd=4),))
    >>> waiting.timer
    Timer(name='timewait', remaining_ms=59000, unanswered=0)

    Linux 3.10's ss, without its header, and a cut line:

    >>> parse_ss('LISTEN     2      5  :::8000      :::*')[0].local
    Endpoint(address='::', port=8000)
    >>> parse_ss('ESTAB      0      0  192.168.1.102:80')  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    lab.kernel.sockets.SsParseError: ss, line 1: this line ends too early...
    """
    rows: list[SocketRow] = []
    for number, raw in enumerate(plain_holders(text).split("\n"), start=1):
        line = raw.rstrip("\r")
        if not line.strip() or _HEADER.match(line):
            continue
        if line[0] in " \t" and rows:
            continue
        rows.append(_Line(line, number, where).row())
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class _Line:
    """One line under examination, which knows how to complain about itself."""

    text: str
    number: int
    where: str

    def row(self) -> SocketRow:
        """Return the line's socket."""
        words = self.text.split()
        state = self._state(words[1] if words[0] == "tcp" and len(words) > 1 else words[0])
        columns = _COLUMNS.match(self.text)
        if columns is None:
            raise self._error("ss-cut-line")
        recv_q = self._integer("Recv-Q", columns["recv"], _LARGEST_QUEUE)
        send_q = self._integer("Send-Q", columns["send"], _LARGEST_QUEUE)
        local, interface = self._endpoint(columns["local"])
        peer, _ = self._endpoint(columns["peer"])
        processes, timer = self._tail(columns.end())
        return SocketRow(
            state=state,
            recv_q=recv_q,
            send_q=send_q,
            local=local,
            peer=None if peer.address in _WILDCARDS and peer.port == 0 else peer,
            processes=processes,
            timer=timer,
            interface=interface,
            line=self.text,
        )

    def _state(self, word: str) -> State:
        try:
            return _ALIASES.get(word) or State(word)
        except ValueError:
            raise self._error("ss-unknown-state", value=_printable(word)) from None

    def _integer(self, field: str, word: str, largest: int) -> int:
        # A Send-Q may be negative: of a socket that is just being connected, the kernel reads two numbers unlocked.
        digits = word.removeprefix("-") if field == "Send-Q" else word
        if not _NUMBER.fullmatch(digits) or int(digits) > largest:
            raise self._error("ss-bad-number", field=field, value=_printable(word))
        return int(word)

    def _endpoint(self, word: str) -> tuple[Endpoint, str | None]:
        found = _ENDPOINT.fullmatch(word) or self._old_endpoint(word)
        if found is None:
            raise self._error("ss-bad-address", value=_printable(word))
        port = 0 if found["port"] == "*" else self._integer("port", found["port"], _LARGEST_PORT)
        address = found["bracketed"] or found["plain"]
        return Endpoint(address if address == "*" else self._address(address), port), found["interface"]

    @staticmethod
    def _old_endpoint(word: str) -> re.Match[str] | None:
        """Read `fe80::1%eth0:22` and `:::8000`: an IPv6 address without brackets ends at the last colon."""
        host, _, port = word.rpartition(":")
        address, percent, interface = host.partition("%")
        return _ENDPOINT.fullmatch(f"[{address}]{percent}{interface}:{port}")

    def _address(self, word: str) -> str:
        try:
            return _shortest(word)
        except ValueError:
            raise self._error("ss-bad-address", value=_printable(word)) from None

    def _tail(self, start: int) -> tuple[tuple[Process, ...], Timer | None]:
        """Read what follows the addresses: processes and timer (3.10 puts the timer first), then details."""
        processes: tuple[Process, ...] = ()
        timer: Timer | None = None
        at = start
        while rest := self.text[at:].lstrip():
            at = len(self.text) - len(rest)
            if rest.startswith("users:(") and not processes:
                processes, at = self._processes(at)
            elif rest.startswith("timer:(") and timer is None:
                timer, at = self._timer(at)
            elif detail := _DETAIL.match(rest):
                at += detail.end()
            else:
                raise self._error("ss-cut-line")
        return processes, timer

    def _processes(self, start: int) -> tuple[tuple[Process, ...], int]:
        found: list[Process] = []
        at = start + len("users:(")
        while entry := _PROCESS.match(self.text, at):
            found.append(Process(entry["name"], int(entry["pid"]), int(entry["fd"])))
            at = entry.end()
            if entry["end"]:
                return tuple(found), at
        raise self._error("ss-cut-line")

    def _timer(self, start: int) -> tuple[Timer, int]:
        found = _TIMER.match(self.text, start)
        if found is None:
            raise self._error("ss-cut-line")
        left = _LEFT.fullmatch(found["left"])
        if left is None:
            raise self._error("ss-bad-number", field="timer", value=_printable(found["left"]))
        return Timer(found["name"], _milliseconds(left), int(found["unanswered"])), found.end()

    def _error(self, code: str, **params: object) -> SsParseError:
        return SsParseError(code, where=self.where, row=self.number, line=_printable(self.text), **params)


@functools.lru_cache(maxsize=1024)
def _shortest(word: str) -> str:
    """Return an address in its shortest form, a mapped one as IPv4. A list of thousands holds few addresses."""
    address = ipaddress.ip_address(word)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _milliseconds(left: re.Match[str]) -> int:
    """Return a timer's `59sec`, `1min30sec`, `200ms`, `` (now) or `1.234ms` in ms.

    The last one is 1234 ms: until iproute2 6.11 the unit behind the fraction was wrong (commit 3e807112).
    """
    minutes, seconds, exact, part, ms = (int(piece or 0) for piece in left.groups())
    return (minutes * 60 + seconds + exact) * 1000 + part + ms


def _printable(text: str) -> str:
    """Return `text` fit for one line of a terminal, not too long for it."""
    short = shown(text.replace("\t", " "))
    return short if len(short) <= _LONGEST_SHOWN else short[: _LONGEST_SHOWN - 1] + "…"
