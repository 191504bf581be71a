"""The cell language of socket tables: what one cell of an exercise's table allows.

State a state or `*`; Recv-Q and Send-Q an amount (`5`, `>0`, `5..6`, `*`); Local and Peer `server:8000`, `client:a`,
`client:*` (any port of that host), `*:8000` (bound to all addresses), in Peer `*` where ss prints a wildcard;
Process `server fd=3`, `server` (any descriptor), `*`, empty for none; Timer `timewait 50..60s`, `timewait`, `*`,
empty for none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lab.judge.amounts import parse_amount
from lab.kernel.rows import SocketRow
from lab.recording.run import Run
from lab.wire.segment import Endpoint
from lab.wire.state import State

WILDCARDS: Final = frozenset({"*", "0.0.0.0", "::"})  # noqa: S104 - read, not bound to
MAY_BE_EMPTY: Final = frozenset({"Process", "Timer"})
"""The columns whose cell may be left out: there is no process, no timer."""

_NONE: Final = ("", "-")
_PROCESS: Final = re.compile(r"(?P<name>[^\s=]+)(?: fd=(?P<fd>\d+))?")
_TIMER: Final = re.compile(r"(?P<name>[a-z]+)(?: (?P<left>\S+)s)?")
_ENDPOINT: Final = re.compile(r"\S+:\S+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A cell with its names resolved: what the expected side shows, and whether a row's cell is as wanted.

    `holder` is the pid that a Process cell asks for.
    """

    shown: str
    matches: Callable[[SocketRow], bool]
    holder: int | None = None


Cell = Callable[["Run"], Wanted]
"""A cell as written; called with the evidence it resolves its names (EvidenceError when one has no record)."""


def show(column: str, row: SocketRow, wanted: Wanted | None = None) -> str:
    """Return a row's cell as the observed side of a comparison shows it."""
    if column != "Process":
        return _SHOWN[column](row)
    # A stranger of the same name and descriptor would look right: then the pid tells them apart.
    stranger = wanted is not None and wanted.holder not in (None, *(process.pid for process in row.processes))
    return ", ".join(f"{p.name} fd={p.fd}" + (f" pid={p.pid}" if stranger else "") for p in row.processes)


def _show_end(end: Endpoint | None) -> str:
    return "*" if end is None else str(end)


def _show_timer(row: SocketRow) -> str:
    if row.timer is None:
        return ""
    seconds = f"{row.timer.remaining_ms / 1000:.3f}".rstrip("0").rstrip(".")
    return f"{row.timer.name} {seconds}s"


_SHOWN: Final[Mapping[str, Callable[[SocketRow], str]]] = MappingProxyType(
    {
        "State": lambda row: row.state.value,
        "Recv-Q": lambda row: str(row.recv_q),
        "Send-Q": lambda row: str(row.send_q),
        "Local": lambda row: _show_end(row.local),
        "Peer": lambda row: _show_end(row.peer),
        "Timer": _show_timer,
    },
)


def _fixed(shown: str, matches: Callable[[SocketRow], bool]) -> Cell:
    wanted = Wanted(shown, matches)
    return lambda _: wanted


def _state(text: str) -> Cell:
    if text == "*":
        return _fixed(text, lambda _: True)
    state = State(text)
    return _fixed(text, lambda row: row.state is state)


def _queue(read: Callable[[SocketRow], int]) -> Callable[[str], Cell]:
    def parse(text: str) -> Cell:
        amount = parse_amount(text)
        return _fixed(text, lambda row: amount.holds(read(row)))

    return parse


def _end(read: Callable[[SocketRow], Endpoint | None]) -> Callable[[str], Cell]:
    def parse(text: str) -> Cell:
        if not _ENDPOINT.fullmatch(text):
            raise ValueError(text)

        def resolve(run: Run) -> Wanted:
            shown = _resolved(text, run)
            return Wanted(shown, lambda row: _same_end(shown, read(row)))

        return resolve

    return parse


def _peer(text: str) -> Cell:
    if text == "*":
        return _fixed(text, lambda row: row.peer is None)
    return _end(lambda row: row.peer)(text)


def _resolved(text: str, run: Run) -> str:
    host, _, port = text.rpartition(":")
    if port == "*" and host in run.recording.hosts:
        return f"{run.recording.hosts[host]}:*"
    return run.resolve(text)


def _same_end(shown: str, end: Endpoint | None) -> bool:
    if end is None:
        return False
    if shown.startswith("*:"):
        return end.address in WILDCARDS and shown == f"*:{end.port}"
    if shown.endswith(":*"):
        return end.address == shown.removesuffix(":*")
    return shown == str(end)


def _process(text: str) -> Cell:
    if text in _NONE:
        return _fixed("", lambda row: not row.processes)
    if text == "*":
        return _fixed(text, lambda _: True)
    found = _PROCESS.fullmatch(text)
    if found is None:
        raise ValueError(text)
    fd = int(found["fd"]) if found["fd"] else None

    def resolve(run: Run) -> Wanted:
        party = run.play.party(found["name"])
        shown = party.program if fd is None else f"{party.program} fd={fd}"
        return Wanted(
            shown,
            lambda row: any(p.pid == party.pid and fd in (None, p.fd) for p in row.processes),
            holder=party.pid,
        )

    return resolve


def _timer(text: str) -> Cell:
    if text in _NONE:
        return _fixed("", lambda row: row.timer is None)
    if text == "*":
        return _fixed(text, lambda _: True)
    found = _TIMER.fullmatch(text)
    if found is None:
        raise ValueError(text)
    name, left = found["name"], parse_amount(found["left"] or "*")
    return _fixed(
        text,
        lambda row: row.timer is not None and row.timer.name == name and left.holds(row.timer.remaining_ms / 1000),
    )


COLUMNS: Final[Mapping[str, Callable[[str], Cell]]] = MappingProxyType(
    {
        "State": _state,
        "Recv-Q": _queue(lambda row: row.recv_q),
        "Send-Q": _queue(lambda row: row.send_q),
        "Local": _end(lambda row: row.local),
        "Peer": _peer,
        "Process": _process,
        "Timer": _timer,
    },
)
"""Each column a table may have, and what reads its cells (ValueError when one cannot be read)."""
