"""What a system call means, said by its name and its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lab.report.lengths import duration
from lab.report.page.said import Field, Said
from lab.timeline.model import CallMade, Moment, SegmentSent, Source
from lab.wire.bits import has_fin, has_rst

READS: Final = frozenset({"recv", "recvfrom", "recvmsg", "read", "readv"})
WRITES: Final = frozenset({"send", "sendto", "sendmsg", "sendmmsg", "write", "writev", "sendfile"})
WAITS: Final = frozenset({"select", "pselect6", "poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_pwait2"})
_OPTIONS: Final = frozenset({"setsockopt", "getsockopt", "getsockname", "getpeername", "fcntl", "ioctl"})
_EPOLL: Final = frozenset({"epoll_ctl", "epoll_create", "epoll_create1"})
_NAMED: Final = frozenset({"socket", "bind", "listen", "connect", "accept", "close", "shutdown", "sleep"})
_KINDS: Final = (
    {name: name for name in _NAMED}
    | dict.fromkeys(READS, "recv")
    | dict.fromkeys(WRITES, "send")
    | dict.fromkeys(WAITS, "waits")
    | dict.fromkeys(_OPTIONS, "option")
    | dict.fromkeys(_EPOLL, "epoll")
)
_GETS: Final = frozenset({"socket", "accept", "recv", "send"})
"""Kinds of calls of which more is to be said when they got what they asked for."""
_ON_CONNECTIONS: Final = frozenset({"accept", "connect", "recv", "send"})
"""Kinds of which less is to be said where nobody knows on which connection they work."""

_SLEPT_NS: Final = {"accept": 100_000, "recv": 100_000, "waits": 100_000, "sleep": 0} | dict.fromkeys(
    ("send", "close", "shutdown"), 1_000_000
)
"""From which length on a call of a kind has slept; the kernel does much of its work within a send() and a close()."""
_SLEPT_BY_STRACE_NS: Final = 1_000_000
"""strace slows each call down."""

_IN_PROGRESS: Final = frozenset({"EINPROGRESS", "EALREADY"})
_OUTCOMES: Final = (
    {error: f"error-{error.lower()}" for error in ("ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EADDRINUSE")}
    | dict.fromkeys(("EAGAIN", "EWOULDBLOCK"), "not-yet")
    | dict.fromkeys(_IN_PROGRESS, "in-progress")
)


def waits(moment: Moment) -> bool:
    """Tell whether the program slept in this call: a connect() does until it is answered, others by their length."""
    call = moment.what
    if not isinstance(call, CallMade):
        return False
    kind = _KINDS.get(call.name, "")
    if kind == "connect":
        return call.error not in _IN_PROGRESS
    if kind not in _SLEPT_NS:
        return False
    if moment.ended_ns is None:
        return True
    least = max(_SLEPT_NS[kind], _SLEPT_BY_STRACE_NS if moment.source is Source.STRACE else 0)
    return moment.ended_ns - moment.time_ns >= least


def call_said(moment: Moment, call: CallMade, port: int | None, brought: Iterable[Moment]) -> Said:
    """Return what is said of a call on the connection of the client's `port`; `brought` are the moments it caused."""
    fields: dict[str, Field] = {"name": call.name, "fd": "?" if call.fd is None else call.fd}
    if call.result is not None:
        fields["count"] = call.result
    if port is not None:
        fields["port"] = port
    if call.error is not None:
        fields["error"] = call.error
    if moment.ended_ns is not None:
        fields["time"] = duration(moment.ended_ns - moment.time_ns)
    return Said(tuple(f"call.{part}" for part in _parts(moment, call, port, tuple(brought))), fields)


def _parts(moment: Moment, call: CallMade, port: int | None, brought: tuple[Moment, ...]) -> Iterator[str]:
    yield _asked(call, port)
    if call.name in {"close", "shutdown"}:
        yield from _ending(call.name, brought)
    if moment.ended_ns is None:
        yield "unfinished"
        return
    if waits(moment):
        yield "answered" if call.name == "connect" and call.error is None else "waited"
    if outcome := _outcome(call, port):
        yield outcome


def _asked(call: CallMade, port: int | None) -> str:
    kind = _KINDS.get(call.name, "other")
    if kind in _GETS and (call.error is not None or not call.result):
        return f"{kind}-asked"
    return f"{kind}-any" if port is None and kind in _ON_CONNECTIONS else kind


def _ending(name: str, brought: tuple[Moment, ...]) -> Iterator[str]:
    segments = [moment.what.segment for moment in brought if isinstance(moment.what, SegmentSent)]
    if any(map(has_rst, segments)):
        yield "sends-reset"
    elif name == "close" and any(map(has_fin, segments)):
        yield "sends-fin"


def _outcome(call: CallMade, port: int | None) -> str | None:
    """What came of it, where the first sentence does not say it already."""
    if call.error is not None:
        broken_off = call.error == "EINTR" or call.error.startswith("ERESTART")
        return "interrupted" if broken_off else _OUTCOMES.get(call.error, "error")
    if call.name in READS and call.result == 0:
        return "end-of-file" if port is not None else "end-of-file-any"
    if call.name in WAITS:
        return {0: "ready-none", 1: "ready-one"}.get(call.result or 0, "ready-many")
    return None
