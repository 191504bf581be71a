"""What a system call means, said by its name and its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from lab.report.lengths import duration
from lab.report.page.said import Field, Said
from lab.timeline.about import FIONBIO
from lab.timeline.model import CallMade, Moment, SegmentSent, Signal
from lab.timeline.waiting import FOR_MANY, IN_PROGRESS, waits
from lab.wire.bits import has_fin, has_rst
from lab.wire.segment import Flags

READS: Final = frozenset({"recv", "read"})
_NAMED: Final = frozenset({"socket", "bind", "listen", "connect", "accept", "close", "shutdown", "sleep"})
_KINDS: Final = (
    {name: name for name in _NAMED}
    | dict.fromkeys(READS, "recv")
    | dict.fromkeys(("send", "write", "sendfile"), "send")
    | dict.fromkeys(FOR_MANY, "waits")
    | {"setsockopt": "option", "getsockopt": "option-asked", "ioctl": "ioctl"}
    | {"epoll_ctl": "epoll-changed", "epoll_create": "epoll"}
)
_TOLD_APART: Final = frozenset({"SO_REUSEADDR", "SO_LINGER"})
"""Options of which more is said than their name."""
_GETS: Final = frozenset({"socket", "bind", "accept", "recv", "send", "epoll"})
"""Kinds of calls of which more is to be said when they got what they asked for."""
_ON_CONNECTIONS: Final = frozenset({"accept", "connect", "recv", "send"})
"""Kinds of which less is to be said where nobody knows on which connection they work."""
_RESETS: Final = {"TCP_ABORT_ON_CLOSE": "resets-unread", "TCP_STATE": "resets-at-once"}
"""What the kernel's reason for a RST says of the close() that sent it: tcp_close() in net/ipv4/tcp.c has the first for
bytes unread, and leaves it to tcp_disconnect(), which has the second, where SO_LINGER has a time of 0."""
_ENDS: Final[Mapping[Flags | None, str]] = {Flags.FIN: "end-of-file", Flags.RST: "end-of-file-reset"}
"""What 0 bytes mean: after a RST whose error another call has taken, no FIN need have come."""
_OUTCOMES: Final = (
    {error: f"error-{error.lower()}" for error in ("ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EADDRINUSE")}
    | dict.fromkeys(("EAGAIN", "EWOULDBLOCK"), "not-yet")
    | dict.fromkeys(IN_PROGRESS, "in-progress")
)


def call_said(
    moment: Moment, call: CallMade, port: int | None, brought: Iterable[Moment], last_word: Flags | None = None
) -> Said:
    """Return what is said of a call on the connection of the client's `port`; `brought` are the moments it caused.

    `last_word` is how the other side's direction had ended when the call returned: by a FIN, by a RST, or not (None).
    """
    fields: dict[str, Field] = {"name": call.name, "fd": "?" if call.fd is None else call.fd}
    if call.result is not None:
        fields["count"] = call.result
    if port is not None:
        fields["port"] = port
    if call.error is not None:
        fields["error"] = call.error
    if call.about is not None:
        fields["about"] = fields["target"] = call.about.rpartition(" ")[2]
    if moment.ended_ns is not None:
        fields["time"] = duration(moment.ended_ns - moment.time_ns)
    return Said(tuple(f"call.{part}" for part in _parts(moment, call, port, tuple(brought), last_word)), fields)


def _parts(
    moment: Moment, call: CallMade, port: int | None, brought: tuple[Moment, ...], last_word: Flags | None
) -> Iterator[str]:
    yield _asked(call, port)
    if call.name == "close":
        yield from _ending(brought)
    if moment.ended_ns is None:
        yield "unfinished"
        return
    if waits(moment):
        yield "answered" if call.name == "connect" and call.error is None else "waited"
    if outcome := _outcome(call, last_word):
        yield outcome


def _asked(call: CallMade, port: int | None) -> str:
    kind = _KINDS.get(call.name, "other")
    if kind in _GETS and (call.error is not None or call.result is None or not (call.result or kind == "bind")):
        return f"{kind}-asked"
    if kind == "option" and call.about in _TOLD_APART:
        return f"option-{call.about}"
    if kind == "epoll-changed":
        return f"epoll-{call.about.partition(' ')[0]}" if call.about else "other"
    if (kind.startswith("option") and call.about is None) or (kind == "ioctl" and call.about != FIONBIO):
        return "other"
    return f"{kind}-any" if port is None and kind in _ON_CONNECTIONS else kind


def _ending(brought: tuple[Moment, ...]) -> Iterator[str]:
    sent = [moment.what for moment in brought if isinstance(moment.what, SegmentSent)]
    reset = next((one for one in sent if has_rst(one.segment)), None)
    if reset is not None:
        yield _RESETS.get(reset.reason or "", "resets")
    elif any(has_fin(one.segment) for one in sent):
        yield "sends-fin"


def _outcome(call: CallMade, last_word: Flags | None) -> str | None:
    """What came of it, where the first sentence does not say it already."""
    if call.signal is not None:
        returns = call.error == "EINTR" and call.signal in (Signal.ANEW, Signal.ELSE)
        return "interrupted-eintr" if returns else f"interrupted-{call.signal}"
    if call.error is not None:
        return _OUTCOMES.get(call.error, "error")
    if call.name in READS and call.result == 0:
        return _ENDS.get(last_word, "end-of-file-any")
    if call.name in FOR_MANY:
        return {0: "ready-none", 1: "ready-one"}.get(call.result or 0, "ready-many")
    return None
