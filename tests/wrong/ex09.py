"""Exercise 9 with its own servers in each other's places, and with servers that lack one thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.tampering import saying, with_rows
from tests.wrong.base import ONE_DIFFERS, ONE_MISSING, Forged, Seen, Stop, Wrong

_MISSING: Final = {"Line": "-"}

WRONG: Final[Mapping[str, Wrong]] = {
    "serve_select=listens_on_all": Wrong(
        {
            "listens-elsewhere": Seen(ONE_DIFFERS, {"Local": "0.0.0.0:8008"}),
            "three-held": Seen("the deadline came .*rows that differ: 3", {"Recv-Q": "2", "Process": ""}),
            "all-served": Seen("not answered before one of them had closed"),
        },
        stops=Stop("many", "c", "no-answer", "hello"),
    ),
    "serve_select=serve_nb_all": Wrong(
        {
            "one-ready": Seen(r"server got others as ready \(returns: 0\)", {"Ready": "-"}),
            "two-ready": Seen(r"server got others as ready \(returns: 0\)", {"Ready": "-"}),
            "reads-ready": Seen(r"recv\(\): \d{2,} times", {"Count": r"\d{2,}"}),
        },
        # Nobody leaves any more when the play stops, so that there is no end before which all were answered.
        may=("all-served",),
        stops=Stop("ready_only", "b", "no-answer", "only me"),
    ),
    "serve_select=serve_epoll_lt": Wrong(
        {
            "three-held": Seen("rows that differ: 3, missing: 0", {"Process": "serve_epoll_lt fd=7"}),
            "one-ready": Seen(r"server got others as ready \(returns: \d\)", {"Watched": "1"}),
            "two-ready": Seen(r"server got others as ready \(returns: \d\)", {"Watched": "1"}),
            "cost-grows": Seen("times as much processor time", {"Ratio": r"[01]\.?\d*"}),
        }
    ),
    "serve_select=select_ticks": Wrong({"rests": Seen(r"select\(\): \d+ times", {"Count": r"[1-9]\d*"})}),
    "serve_operator=operator_silent": Wrong(
        {
            "empty-refused": Seen("operator printed other lines", _MISSING),
            "d-answered": Seen("d printed other lines", _MISSING),
            "removed": Seen("operator printed other lines", _MISSING),
            "e-served-on": Seen("e printed other lines", {"Line": "welcome"}),
        },
        stops=Stop("operator", "d", "no-answer", "welcome"),
    ),
    "serve_operator=operator_ghost": Wrong(
        {
            "removed": Seen("operator printed other lines", _MISSING),
            "no-ghost": Seen("operator prints “client 1 says b''”", {"Line": "client 1 says b''"}),
            "e-served-on": Seen("e printed other lines", _MISSING),
        },
        stops=Stop("operator", "operator", "no-answer", "client 1 has left"),
    ),
    "operator_silent=serve_operator": Wrong(
        {
            "nothing-sent": Seen("segments that differ: 0, missing: 0, unexpected: [12]"),
            "next-answered": Seen("k printed other lines", _MISSING),
        },
        stops=Stop("empty", "k", "no-answer", "yes"),
    ),
    "operator_ghost=serve_operator": Wrong(
        {
            "answer-reset": Seen("too early: 0, missing: 2", {"Flags": "-"}),
            "broken-pipe": Seen("ghost printed nothing on stderr", _MISSING),
            "ghost-ends": Seen("ghost was still running"),
            "g-lost": Seen("g printed other lines", _MISSING),
        },
        stops=Stop("ghost", "ghost", "no-answer", "answer for client 1"),
    ),
    "never_removes=serve_select": Wrong(
        {
            "close-wait": Seen(f"the deadline came .*{ONE_MISSING}", {"State": "-"}),
            # It reads p's end once: before the time that is looked at, or in it.
            "reads-nothing": Seen(r"recv\(p\): [01] times", {"Count": "[01]"}),
            "never-rests": Seen(r"select\(\): \d times", {"Count": r"\d"}),
        }
    ),
    "dies_at_1024=serve_select": Wrong(
        {
            "value-error": Seen("greedy printed nothing on stderr", _MISSING),
            "greedy-ends": Seen("greedy was still running"),
        },
        stops=Stop("limit", "greedy", "did-not-end", r"[\d.]+ s"),
    ),
}

FORGED: Final[Mapping[str, Forged]] = {
    "refused": Forged(
        "a server has the port it is told to have: nothing listens on 8000 as well",
        lambda run: saying(run, "knocks", "stderr", "cannot connect to 10.0.0.102:8000: Connection timed out"),
        Seen("knocks printed other lines on stderr", _MISSING),
    ),
    "e-unread": Forged(
        "a server that read on while the operator thinks would need another thread",
        lambda run: with_rows(run, "thinks", "server", r"^ESTAB +6 ", "ESTAB 0 "),
        Seen(ONE_DIFFERS, {"Recv-Q": "0"}),
    ),
    "rlimit": Forged(
        "the engine and the machine decide how many files may be open, no program of the lab",
        lambda run: saying(run, "limits", "stdout", "1024"),
        Seen("limits prints “1024”", {"Number": "1024"}),
    ),
}
