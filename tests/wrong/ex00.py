"""Exercise 0 with programs that are wrong on purpose; what `ss`, grep and tcpdump print is forged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.tampering import ending, saying
from tests.wrong.base import ONE_DIFFERS, ONE_MISSING, Forged, Seen, Wrong

_PID: Final = r"forks_a_child fd=4 pid=\d+(?:, forks_a_child fd=4 pid=\d+)?"
"""The child's; or both processes', until the parent has closed its copy."""

WRONG: Final[Mapping[str, Wrong]] = {
    "serve_blocking=ignores_backlog": Wrong(
        {
            "one-row": Seen(ONE_DIFFERS, {"Send-Q": "1"}),
            "two-meanings": Seen(ONE_DIFFERS, {"Send-Q": "1"}),
            "accepted": Seen(ONE_DIFFERS, {"Send-Q": "1"}),
            # A backlog of 1 lets in the one that should have waited.
            "syn-waits": Seen(f"the deadline came .*{ONE_MISSING}", {"State": "-"}),
        }
    ),
    "serve_blocking=forks_a_child": Wrong(
        {
            "server-end": Seen(ONE_DIFFERS, {"Process": _PID}),
            "on-the-map": Seen("these do not fit the others"),
        },
        # The child goes on though its parent is frozen: its FIN may ride with the ACK. And the look at who has accepted
        # may come before the parent has closed its copy.
        may=("fin-counts", "two-meanings", "accepted"),
    ),
    "serve_blocking=greets_first": Wrong(
        {
            "client-end": Seen(ONE_DIFFERS, {"Recv-Q": "16"}),
            "no-process": Seen(f"the deadline came .*{ONE_MISSING}", {"State": "-"}),
            "answered-late": Seen("b printed other lines", {"Line": "at your service "}),
            "five-bytes": Seen("missing: 1, unexpected: 2", {"Data": '"at your service "'}),
            "fin-counts": Seen("segments that differ: [1-9]"),
        },
    ),
    "prompt=speaks_too_soon": Wrong(
        {
            "handshake": Seen("segments that differ: 1, missing: 0, unexpected: 0"),
            "relative": Seen("lines printed other lines"),
            "answered-late": Seen("b printed other lines", {"Line": "HI.*"}),
            "five-bytes": Seen("unexpected: [1-9]", {"Data": '"HI"'}),
            "two-meanings": Seen(ONE_DIFFERS, {"Recv-Q": "7"}),
            "fin-counts": Seen("segments that differ: [1-9]"),
        },
        # Where the answer that it never waited for has come by then, it lies unread, or is not yet acknowledged.
        may=("server-end", "client-end", "no-process", "accepted", "on-the-map"),
    ),
}

_TOOLS: Final = "what ss, grep and tcpdump print hangs on no program of ours"
_PROMPT: Final = "the port is closed: the client in question only tells what connect() said"

FORGED: Final[Mapping[str, Forged]] = {
    "grep-finds-more": Forged(
        _TOOLS,
        lambda run: saying(run, "grep", "stdout", "LISTEN 0 5 192.168.1.102:8000 0.0.0.0:*"),
        Seen("grep printed other lines"),
    ),
    "grep-loses-header": Forged(
        _TOOLS,
        lambda run: saying(run, "grep", "stdout", "State Recv-Q Send-Q"),
        Seen("grep prints “State"),
        may=("grep-finds-more",),
    ),
    "filter-keeps-header": Forged(
        _TOOLS,
        lambda run: saying(run, "filter", "stdout", "LISTEN 0 5 192.168.1.102:8000 0.0.0.0:*"),
        Seen("filter printed other lines"),
    ),
    "filter-means-port": Forged(
        _TOOLS,
        lambda run: saying(run, "filter", "stdout", "LISTEN 0 5 192.168.1.102:18000 0.0.0.0:*"),
        Seen("filter prints “LISTEN"),
        may=("filter-keeps-header",),
    ),
    "as-tcpdump-says": Forged(
        _TOOLS,
        lambda run: saying(run, "lines", "stdout", "1:2:3 IP a > b: Flags [.], ack 1, win 502, length 0"),
        Seen("lines printed other lines"),
    ),
    "reset": Forged(
        _TOOLS,
        lambda run: saying(run, "refusal", "stdout", "1:2:3 IP a > b: Flags [S.], seq 0, ack 1, win 502, length 0"),
        Seen("refusal printed other lines"),
    ),
    "refused": Forged(
        _PROMPT,
        lambda run: saying(run, "nobody_there", "stderr", "connection lost: Connection reset by peer"),
        Seen("nobody_there printed other lines"),
    ),
    "client-gives-up": Forged(
        _PROMPT, lambda run: ending(run, "nobody_there", 0), Seen("nobody_there ends with exit status 0")
    ),
}
