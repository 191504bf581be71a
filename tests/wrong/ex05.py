"""Exercise 5 with programs that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.wrong.base import ONE_DIFFERS, WAITED, Seen, Stop, Wrong

_TWICE: Final = {"Send-Q": "10"}

WRONG: Final[Mapping[str, Wrong]] = {
    "serve_blocking=doubles_backlog": Wrong(
        {
            "three-rows": Seen(ONE_DIFFERS, _TWICE),
            "six-rows": Seen(ONE_DIFFERS, _TWICE),
            "nine-rows": Seen(ONE_DIFFERS, _TWICE),
            "seven-rows": Seen(ONE_DIFFERS, _TWICE),
            "late-on-server": Seen("rows that differ: 2", {"State": "ESTAB"}),
            "late-queue": Seen(ONE_DIFFERS, {"Recv-Q": "8", "Send-Q": "10"}),
            "late-counted": Seen("counters that grew by another amount: 2", {"Change": "0"}),
            "next-is-served": Seen("the deadline came .*unexpected: 2", {"State": "CLOSE-WAIT", "Send-Q": "10"}),
            "four-bytes-wait": Seen("unexpected: 2", {"Recv-Q": "5", "Send-Q": "10"}),
            "full-again": Seen(f"the deadline came .*{ONE_DIFFERS}", {"Recv-Q": "9"}),
            "place-is-taken": Seen(f"the deadline came .*{ONE_DIFFERS}", {"Recv-Q": "8"}),
        },
        patience=3,
    ),
    "serve_blocking=serves_three": Wrong(
        {
            "four-bytes-wait": Seen("the deadline came .*rows that differ: 2", {"Recv-Q": "4", "Process": ""}),
            "knocker-is-in": Seen("2 SYN-SENT", {"Rows": "2"}),
        },
        patience=3,
    ),
    # What it says at once carries the ACK that is held back, so it is let in, and waits for an answer for ever.
    "prompt=speaks_too_soon": Wrong(
        {
            "three-rows": Seen("rows that differ: 2", {"Recv-Q": "2"}),
            "clients-cannot-tell": Seen(ONE_DIFFERS, {"Recv-Q": "2"}),
            "six-rows": Seen("rows that differ: 5", {"Recv-Q": "2"}),
            "nine-rows": Seen("the deadline came .*missing: 2", {"Recv-Q": "2", "State": "-"}),
            "nine-believe": Seen("7 ESTAB", {"Rows": "7"}),
            "asked-again": Seen("missing: [12]", {"Flags": "-"}),
            "seven-rows": Seen("the deadline came .*rows that differ: 6", {"Recv-Q": "2"}),
            "still-believe": Seen(ONE_DIFFERS, {"State": "SYN-SENT"}),
            "no-answer-then-reset": Seen("segments that differ: ", {"Data": '"hi"'}),
            "finds-out": Seen("g printed nothing on stderr"),
        },
        stops=Stop("given_up", "g", "did-not-end", WAITED),
    ),
}
