"""The same cases for every server of the echo family, and where a model's nature forbids one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

FAMILY: Final = (
    "serve_select",
    "serve_poll",
    "serve_epoll_lt",
    "serve_epoll_et",
    "serve_selectors",
    "serve_threads",
    "serve_processes",
    "serve_asyncio",
)
CASES: Final = ("partial", "split", "utf8", "large", "half-close", "reset", "stalled", "many", "leaves")
"""The cases of images/clients/conform.py, in its order."""
STALLING: Final = ("large", "half-close")
"""Those in which the reader stalls until the server's Send-Q stands still."""
FORBIDDEN: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({"serve_processes": {"many": "workers"}})
"""What a model's nature forbids, by server and case: the id of the reason (`conform.reasons.<id>`)."""


class Outcome(StrEnum):
    """What came of a case."""

    PASS = "pass"
    FAIL = "fail"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Trial:
    """A server in a case. `why` is the client's word for a failure, or the id of the reason that forbids the case.

    `send_q` is where the server's Send-Q stood still, in bytes, when the reader of a case stalled.
    """

    server: str
    case: str
    outcome: Outcome
    why: str = ""
    send_q: int | None = None
