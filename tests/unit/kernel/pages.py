"""Write recordings as the kernel does, for what no fixture holds: other kernels' formats, rare kinds of records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from struct import pack

from tests.unit.kernel.printed import recording

PAGE = 4096
OFFSET_NS = 37_000_000_000


def head_of(data: bytes) -> tuple[dict[str, object], bytes]:
    """Return a recording's header and its pages."""
    line, _, body = data.partition(b"\n")
    return json.loads(line), body


HEAD, _ = head_of(recording("client-first"))
FORMATS: Mapping[str, str] = HEAD["events"]  # type: ignore[assignment]


def file_of(
    *pages: bytes, formats: Mapping[str, str] = FORMATS, counts: Mapping[str, int] | None = None, **head: object
) -> bytes:
    """Return a recording of one processor."""
    cpu = {"cpu": 0, "pages": len(pages), "overrun": 0, "commit_overrun": 0, "dropped_events": 0, **(counts or {})}
    whole = {**HEAD, "events": formats, "cpus": [cpu], "offset_ns": OFFSET_NS, **head}
    return json.dumps(whole).encode() + b"\n" + b"".join(pages)


def page_of(*parts: bytes, time: int = OFFSET_NS, flags: int = 0, missed: int | None = None) -> bytes:
    """Return a page that begins at `time` and holds these parts, one after the other."""
    body = b"".join(parts)
    # Set the kernel's way: the uppermost flag is negative.
    commit = len(body) + (flags & 1 << 30) - (flags & 1 << 31)
    stored = b"" if missed is None else pack("<Q", missed)
    return (pack("<Qq", time, commit) + body + stored).ljust(PAGE, b"\0")


def record(body: bytes, delta: int = 0) -> bytes:
    """Return a record that came `delta` ns after the last."""
    size = -(-len(body) // 4)
    head = pack("<I", delta << 5 | size) if size <= 28 else pack("<II", delta << 5, size * 4 + 4)
    return head + body.ljust(size * 4, b"\0")


def extend(ns: int) -> bytes:
    """Return what lets more time pass than a record has bits for."""
    return pack("<II", (ns & (1 << 27) - 1) << 5 | 30, ns >> 27)


def stamp(ns: int) -> bytes:
    """Return a time from which the next is counted; its upper five bits are left out."""
    return pack("<II", (ns & (1 << 27) - 1) << 5 | 31, ns >> 27 & 0xFFFFFFFF)


def discarded(size: int, delta: int) -> bytes:
    """Return a record that was filtered out after it had been written."""
    return pack("<II", delta << 5 | 29, size) + bytes(size - 4)


def rest() -> bytes:
    """Return the mark behind which a page holds nothing more."""
    return pack("<I", 29) + b"\xff" * 12


def common(event: str, pid: int = 77, flags: int = 0, formats: Mapping[str, str] = FORMATS) -> bytes:
    """Return what every record begins with."""
    number = int(formats[event].partition("ID: ")[2].split("\n")[0])
    return pack("<HBBi", number, flags, 0, pid)


def entered(number: int, arguments: Sequence[int] = (), pid: int = 77) -> bytes:
    """Return the begin of a system call."""
    return common("raw_syscalls:sys_enter", pid) + pack("<q6Q", number, *arguments, *[0] * (6 - len(arguments)))


def left(number: int, result: int, pid: int = 77) -> bytes:
    """Return the end of a system call."""
    return common("raw_syscalls:sys_exit", pid) + pack("<qq", number, result)


def changed(old: int, new: int, *, pid: int = 77, flags: int = 0, socket: int = 0x1000, protocol: int = 6) -> bytes:
    """Return a change of a socket's state, of 10.0.0.1:8000 and 10.0.0.2:40000."""
    ends = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
    plain = pack("<QiiHHHH4s4s", socket, old, new, 8000, 40000, 2, protocol, *ends)
    mapped = b"".join(bytes(10) + b"\xff\xff" + end for end in ends)
    return common("sock:inet_sock_set_state", pid, flags) + plain + mapped
