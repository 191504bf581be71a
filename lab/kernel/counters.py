"""Read the kernel's network counters as `nstat` prints them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from lab.errors import EvidenceError
from lab.foreign import shown

NSTAT_COMMAND: Final = ("nstat", "-asz", "--json")
"""What the lab runs: absolute values, nothing written to a history file, zeros included."""

GAUGES: Final = frozenset({"MPTcpExtMPCurrEstab", "TcpCurrEstab"})
"""Names whose value is a level and may fall; every other one only grows. (nstat leaves TcpCurrEstab out.)"""

_LARGEST: Final = 2**64 - 1
_PLAIN: Final = re.compile(r"(?P<name>\w+)\s+(?P<value>[0-9]{1,20})(?:\s+[0-9.]+(?:\s+\(overflow\))?)?")


class CountersError(EvidenceError):
    """Counters that cannot be read, or two readings that are not of the same network namespace's one life."""


def parse_nstat(text: str, *, where: str = "nstat") -> dict[str, int]:
    r"""Return name to value from `nstat -asz --json` or from the same without `--json`.

    Raises CountersError naming `where`. Source: iproute2, misc/nstat.c.

    >>> parse_nstat('{"kernel":{"TcpActiveOpens":3,"TcpExtListenDrops":0}}')
    {'TcpActiveOpens': 3, 'TcpExtListenDrops': 0}
    >>> parse_nstat('#kernel\nTcpActiveOpens                  3                  0.0\n')
    {'TcpActiveOpens': 3}
    """
    stripped = text.lstrip()
    if not stripped:
        raise CountersError("nstat-unreadable", where=where, row=1, line="")
    return _from_json(stripped, where) if stripped.startswith(("{", "[")) else _from_plain(text, where)


def difference(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Return how far each counter of either reading moved, zeros included; a missing name counts as 0.

    Raises CountersError when a counter fell: only a gauge (such as TcpCurrEstab) may. The network
    namespace is then not the one of the first reading.

    >>> difference({"TcpActiveOpens": 3, "TcpCurrEstab": 2}, {"TcpActiveOpens": 5, "TcpCurrEstab": 0})
    {'TcpActiveOpens': 2, 'TcpCurrEstab': -2}
    """
    moved = {name: after.get(name, 0) - before.get(name, 0) for name in {**before, **after}}
    for name, change in moved.items():
        if change < 0 and name not in GAUGES:
            old, new = before.get(name, 0), after.get(name, 0)
            raise CountersError("nstat-went-back", name=name, before=old, after=new)
    return moved


def _from_json(text: str, where: str) -> dict[str, int]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        row = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise CountersError("nstat-unreadable", where=where, row=row, line=_start(text)) from None
    values = read.get("kernel") if isinstance(read, dict) else None
    if not isinstance(values, dict):
        raise CountersError("nstat-unreadable", where=where, row=1, line=_start(text))
    for name, value in values.items():
        # A bool is an int to Python, not to nstat.
        if type(value) is not int or not 0 <= value <= _LARGEST:
            raise CountersError("nstat-bad-number", where=where, name=_start(name), value=_start(str(value)))
    return values


def _from_plain(text: str, where: str) -> dict[str, int]:
    values: dict[str, int] = {}
    for row, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _PLAIN.fullmatch(line.strip())
        if found is None:
            raise CountersError("nstat-unreadable", where=where, row=row, line=_start(line))
        if int(found["value"]) > _LARGEST:
            raise CountersError("nstat-bad-number", where=where, name=found["name"], value=found["value"])
        values[found["name"]] = int(found["value"])
    return values


def _start(text: str, longest: int = 80) -> str:
    """Return the beginning of `text`, fit for one line of a terminal."""
    short = shown(text)
    return short if len(short) <= longest else short[: longest - 1] + "…"
