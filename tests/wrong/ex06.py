"""Exercise 6 with programs that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.wrong.base import ONE_DIFFERS, ONE_UNEXPECTED, Seen, Stop, Wrong

WRONG: Final[Mapping[str, Wrong]] = {
    "serve_blocking=asks_for_ever": Wrong(
        {
            "forgotten": Seen(f"the deadline came .*{ONE_UNEXPECTED}", {"State": "SYN-RECV"}),
            "silence-then-reset": Seen("segments that differ: ", {"Data": '"HELLO"'}),
            "finds-out": Seen("c printed nothing on stderr"),
        },
        stops=Stop("given_up", "c", "did-not-end", "HELLO"),
    ),
    "serve_blocking=doubles_backlog": Wrong(
        {
            "half-open-rows": Seen(ONE_DIFFERS, {"Send-Q": "10"}),
            "pool-rows": Seen("rows that differ: 1, missing: 0, unexpected: 1", {"Send-Q": "2", "State": "ESTAB"}),
            "honest-kept-out": Seen(f"the deadline came .*{ONE_DIFFERS}", {"State": "ESTAB"}),
            "drops-counted": Seen("counters that grew by another amount: 1", {"Change": "0"}),
            "honest-let-in": Seen(ONE_DIFFERS, {"Send-Q": "2"}),
            "cookies-counted": Seen("counters that grew by another amount: 3", {"Change": "0"}),
        },
        patience=4,
    ),
    # One half-open connection fewer fits, as on older kernels: only the backlog that ss shows is wrong.
    "serve_blocking=takes_one_less": Wrong(
        {
            "half-open-rows": Seen(ONE_DIFFERS, {"Send-Q": "4"}),
            "pool-rows": Seen(ONE_DIFFERS, {"Send-Q": "0"}),
            "honest-let-in": Seen(ONE_DIFFERS, {"Send-Q": "0"}),
        },
        patience=4,
    ),
    "serve_blocking=shuts_down_only": Wrong(
        {
            "admitted": Seen(ONE_DIFFERS, {"Process": "shuts_down_only fd=5"}),
            "data-gets-in": Seen(ONE_DIFFERS, {"Process": "shuts_down_only fd=6"}),
        },
        patience=4,
    ),
    "serve_blocking=answers_lower": Wrong(
        {
            "answered": Seen("d printed other lines", {"Line": "hello"}),
            "honest-served": Seen("w printed other lines", {"Line": "hello"}),
        },
        patience=4,
    ),
    # What it says at once carries the ACK that is held back: nobody stays half open.
    "prompt=speaks_too_soon": Wrong(
        {
            "handshake": Seen("segments that differ: 1", {"Len": "2"}),
            "half-open-rows": Seen("the deadline came ", {"State": "ESTAB", "Recv-Q": "2"}),
            "client-is-sure": Seen(ONE_DIFFERS, {"Recv-Q": "2"}),
            "second-chance": Seen("missing: 1", {"Len": "2"}),
            "data-carries-ack": Seen("segments that differ: 1", {"Data": '"hi"'}),
            "answered": Seen("d printed other lines", {"Line": "connected from .*"}),
            "forgotten": Seen(f"the deadline came .*{ONE_UNEXPECTED}", {"State": "ESTAB"}),
            "still-sure": Seen(ONE_DIFFERS, {"Recv-Q": "2"}),
            "silence-then-reset": Seen("segments that differ: ", {"Flags": r"P\."}),
            "finds-out": Seen("c printed nothing on stderr"),
        },
        # Whether its own greeting has been acknowledged, and which of the two is served.
        may=("admitted", "data-gets-in"),
        stops=Stop("given_up", "c", "did-not-end", "HI|HELLO"),
        patience=4,
    ),
}
