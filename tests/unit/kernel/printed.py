"""What the kernel itself printed of a recording (`trace`, plain and with all fields): the oracle for its binary pages."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from lab.kernel.syscalls import syscalls
from lab.wire.segment import Endpoint
from lab.wire.state import State

TRACES = Path(__file__).parents[2] / "fixtures" / "kernel"
RECORDINGS = sorted(path.name.removesuffix(".trace.gz") for path in TRACES.glob("*.trace.gz"))

_LINE = re.compile(
    r" *(?P<comm>.{1,16})-(?P<pid>\d+) +\[(?P<cpu>\d+)\] (?P<flags>\S{5}) (?P<s>\d+)\.(?P<us>\d{6}): (?P<event>\w+): (?P<said>.*)"
)
_STATES = {
    "TCP_ESTABLISHED": State.ESTABLISHED,
    "TCP_SYN_SENT": State.SYN_SENT,
    "TCP_SYN_RECV": State.SYN_RECEIVED,
    "TCP_FIN_WAIT1": State.FIN_WAIT_1,
    "TCP_FIN_WAIT2": State.FIN_WAIT_2,
    "TCP_CLOSE": State.CLOSED,
    "TCP_CLOSE_WAIT": State.CLOSE_WAIT,
    "TCP_LAST_ACK": State.LAST_ACK,
    "TCP_LISTEN": State.LISTEN,
    "TCP_CLOSING": State.CLOSING,
}


def recording(name: str) -> bytes:
    """Return a recording, as a run keeps it."""
    return gzip.decompress((TRACES / f"{name}.trace.gz").read_bytes())


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `us` is its time by the recording's clock, rounded by the kernel."""

    pid: int
    interrupt: bool
    us: int
    event: str
    said: str
    raw: str
    """The same with all fields."""

    @property
    def thread(self) -> int:
        """On whose behalf it happened, 0 for nobody's."""
        return 0 if self.interrupt else self.pid

    def word(self, name: str) -> str:
        """Return what stands behind `name=`."""
        return self._found(rf"\b{name} ?= ?([^ ,]+)", self.said)

    def address(self, name: str) -> int:
        """Return a kernel address among all fields."""
        return int(self._found(rf"\b{name}=(0x[0-9a-f]+)", self.raw), 16)

    @staticmethod
    def _found(pattern: str, text: str) -> str:
        found = re.search(pattern, text)
        assert found, (pattern, text)
        return found[1]

    def ends(self) -> tuple[Endpoint, Endpoint]:
        """Return both ends, as the event tells them."""
        if self.event == "tcp_send_reset":
            return _end(self.word("src")), _end(self.word("dest"))
        v6 = "v6" if self.word("family") == "AF_INET6" else ""
        return (
            _end(f"{self.word('saddr' + v6)}:{self.word('sport')}"),
            _end(f"{self.word('daddr' + v6)}:{self.word('dport')}"),
        )

    def states(self) -> tuple[State, State]:
        """Return the state before and after."""
        return _STATES[self.word("oldstate")], _STATES[self.word("newstate")]


def _end(text: str) -> Endpoint:
    address, _, port = text.rpartition(":")
    parsed = ip_address(address.strip("[]"))
    return Endpoint(str(getattr(parsed, "ipv4_mapped", None) or parsed), int(port))


def lines(name: str) -> list[Line]:
    """Return what the kernel printed of a recording."""
    plain, full = (_matches(f"{name}.{ending}.gz") for ending in ("txt", "fields.txt"))
    assert [each["event"] for each in plain] == [each["event"] for each in full]
    return [
        Line(
            pid=int(each["pid"]),
            interrupt=each["flags"][2] in "hHs",
            us=int(each["s"]) * 1_000_000 + int(each["us"]),
            event=each["event"],
            said=each["said"],
            raw=raw["said"],
        )
        for each, raw in zip(plain, full, strict=True)
    ]


def _matches(name: str) -> list[re.Match[str]]:
    text = gzip.decompress((TRACES / name).read_bytes()).decode()
    found = [_LINE.fullmatch(line) for line in text.splitlines() if line and line[0] != "#" and "[LOST" not in line]
    assert all(found)
    return [each for each in found if each]


Call = tuple[int, str, tuple[int, ...], int, int | None, int | None, int | None]
"""Thread, name, arguments, begun and ended (us), result, socket."""


def calls(found: list[Line], machine: str) -> list[Call]:
    """Put the lines of each call together, looking on from where it begins."""
    table = syscalls(machine)
    answer: list[Call] = []
    for place, line in enumerate(found):
        if line.event != "sys_enter":
            continue
        number, arguments = re.fullmatch(r"NR (\d+) \((.*)\)", line.said).groups()  # type: ignore[union-attr]
        syscall = table[int(number)]
        same = [each for each in found[place + 1 :] if each.pid == line.pid]
        within, behind = same[: _first(same)], same[_first(same) :]
        ended = behind[0] if behind and behind[0].said.startswith(f"NR {number} = ") else None
        moved = [each.address("sk") for each in within if "_length" in each.event and _is_tcp(each)]
        changed = [each.address("skaddr") for each in within if each.event == "inet_sock_set_state" and each.thread]
        sockets = moved + (changed if syscall.on_descriptor else [])
        words = tuple(int(word, 16) for word in arguments.split(", "))
        answer.append(
            (
                line.pid,
                syscall.name,
                words[: syscall.arguments],
                line.us,
                ended.us if ended else None,
                int(ended.said.rpartition(" = ")[2]) if ended else None,
                sockets[0] if sockets else None,
            )
        )
    return answer


def _first(same: list[Line]) -> int:
    """Return the place of a thread's next begin or end of a call."""
    return next((at for at, each in enumerate(same) if each.event in {"sys_enter", "sys_exit"}), len(same))


def _is_tcp(line: Line) -> bool:
    return "protocol = IPPROTO_TCP" in line.said and "AF_INET" in line.said
