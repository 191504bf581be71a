"""Exercise 10 with programs that are wrong on purpose, and with other models of a server where it needs these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.wrong.base import ONE_DIFFERS, ONE_MISSING, WAITED, Seen, Stop, Wrong

_LONG: Final = 6
"""A thousand connections take a busy machine a while, with a right program too."""

WRONG: Final[Mapping[str, Wrong]] = {
    "dies_at_1024=serve_select": Wrong(
        {
            "out-of-range": Seen("select printed nothing on stderr", {"Line": "-"}),
            "ends-for-all": Seen("select was still running"),
        },
        stops=Stop("select_ends", "select", "did-not-end", WAITED),
        patience=_LONG,
    ),
    "dies_at_1024=ignores_backlog": Wrong(
        {
            "as-many-as-fit": Seen("crowd printed nothing on stdout", {"Line": "-"}),
            "out-of-range": Seen("select printed nothing on stderr", {"Line": "-"}),
            "ends-for-all": Seen("select was still running"),
        },
        stops=Stop("select_ends", "crowd", "no-answer", "connections, idle"),
    ),
    "serve_poll=serve_select": Wrong(
        {
            "descriptor-1024": Seen(ONE_MISSING, {"Process": "-"}),
            "answered-beyond": Seen("b printed other lines", {"Line": "connected from .*"}),
            "at-once-still": Seen("not answered before one of them had closed", {"Answered": "-"}),
        },
        stops=Stop("price", "many.trio", "ended-early", ".*(?:closed the connection|Connection reset by peer).*"),
        patience=_LONG,
    ),
    "serve_poll=serve_epoll_lt": Wrong(
        {
            # Its own list has a descriptor too.
            "descriptor-1024": Seen(ONE_DIFFERS, {"Process": "serve_epoll_lt fd=1025"}),
            "idle-ones-cost": Seen("times as much processor time", {"Ratio": r"[\d.]+"}),
            "waits-in-poll": Seen(r"poll\(\): 0 times", {"Count": "0"}),
        },
        patience=_LONG,
    ),
    "serve_poll=one_at_a_time": Wrong(
        {"at-once": Seen("not answered before one of them had closed", {"Answered": "-"})},
        stops=Stop("few", "few.trio", "no-answer", "all answered"),
        patience=_LONG,
    ),
    "serve_poll=poll_ticks": Wrong(
        {"no-call-at-rest": Seen(r"\*\(\): \d+ times", {"Count": r"[1-9]\d*"})}, patience=_LONG
    ),
}
