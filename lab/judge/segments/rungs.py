"""The lines of a segment ladder: what one segment must be.

`client:a > server  S`, then optional details: `seq 0`, `ack 1`, `len 5` (numbers relative to each side's first one),
`"hello"` (the payload, UTF-8, with Python's escapes). Flags are tcpdump's letters and compare exactly, but for two
things: PSH counts only where it is written, so that `F.` also matches `FP.`; and `.` alone is a bare ACK, without
payload. `data` in the place of the flags is any segment with payload. A `~` before a line makes it optional: an ACK
that may come or not (they are cumulative and may be delayed).
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Final

from lab.judge.errors import ExerciseError
from lab.wire.conversation import Conversation
from lab.wire.segment import Flags, Segment

DATA: Final = "data"

_LINE: Final = re.compile(
    r"(?P<optional>~\s*)?(?P<src>\S+)\s+>\s+(?P<dst>\S+)\s+(?P<flags>data|[FSRPUEW.]+)(?P<details>(?:\s+.*)?)",
)
_DETAIL: Final = re.compile(
    r"\s+(?:(?P<name>seq|ack|len) (?P<number>\d{1,10})|(?P<text>\"(?:[^\"\\]|\\.)*\"))(?=\s|$)",
)
_LETTERS: Final = {
    "F": Flags.FIN,
    "S": Flags.SYN,
    "R": Flags.RST,
    "P": Flags.PSH,
    ".": Flags.ACK,
    "U": Flags.URG,
    "E": Flags.ECE,
    "W": Flags.CWR,
    "e": Flags.AE,
}


@dataclass(frozen=True, slots=True)
class Rung:
    """One segment as written. `flags` is None for `data`; a detail is None where it was not written."""

    from_client: bool
    flags: Flags | None
    optional: bool
    seq: int | None
    ack: int | None
    length: int | None
    payload: bytes | None

    def wrong(self, segment: Segment, conversation: Conversation) -> frozenset[str]:
        """Return the names of the columns in which a segment is not what is written; none when it matches."""
        seq, ack = conversation.relative(segment)
        checks = {
            "Segment": conversation.from_client(segment) == self.from_client,
            "Flags": self._flags_match(segment),
            "Seq": self.seq in (None, seq),
            "Ack": self.ack in (None, ack),
            "Len": self.length in (None, segment.length),
            "Data": self.payload is None or self.payload == segment.payload,
        }
        return frozenset(name for name, right in checks.items() if not right)

    def _flags_match(self, segment: Segment) -> bool:
        if self.flags is None:
            return segment.length > 0
        seen = segment.flags if Flags.PSH in self.flags else segment.flags & ~Flags.PSH
        return seen == self.flags


def parse_rungs(text: str, *, client: str, id: str) -> tuple[Rung, ...]:  # noqa: A002 - the exercise's word
    """Read a ladder of the conversation of the client called `client`; no line at all is no segment at all.

    Raises ExerciseError naming the expectation `id` and the line.
    """
    lines = [line.strip() for line in text.splitlines()]
    return tuple(_rung(line, client, id) for line in lines if line)


def _rung(line: str, client: str, expectation: str) -> Rung:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ExerciseError("ladder-line", id=expectation, line=line)
    from_client = _is_client(found["src"], client)
    if from_client == _is_client(found["dst"], client):
        raise ExerciseError("ladder-ends", id=expectation, line=line, client=client)
    numbers, payload = _details(found["details"], line, expectation)
    flags = None if found["flags"] == DATA else _flags(found["flags"])
    if flags == Flags.ACK and payload is None:
        numbers.setdefault("len", 0)
    return Rung(
        from_client=from_client,
        flags=flags,
        optional=bool(found["optional"]),
        seq=numbers.get("seq"),
        ack=numbers.get("ack"),
        length=numbers.get("len"),
        payload=payload,
    )


def _is_client(end: str, client: str) -> bool:
    host, _, name = end.partition(":")
    return client in (name, end) or (host == "client" and not name)


def _flags(letters: str) -> Flags:
    flags = Flags(0)
    for letter in letters:
        flags |= _LETTERS[letter]
    return flags


def _details(text: str, line: str, expectation: str) -> tuple[dict[str, int], bytes | None]:
    numbers: dict[str, int] = {}
    payload: bytes | None = None
    at = 0
    while at < len(text):
        found = _DETAIL.match(text, at)
        if found is None or found["name"] in numbers:
            raise ExerciseError("ladder-line", id=expectation, line=line)
        if found["name"]:
            numbers[found["name"]] = int(found["number"])
        else:
            payload = _payload(found["text"], line, expectation)
        at = found.end()
    return numbers, payload


def _payload(quoted: str, line: str, expectation: str) -> bytes:
    try:
        return str(ast.literal_eval(quoted)).encode()
    except (SyntaxError, ValueError):
        raise ExerciseError("ladder-line", id=expectation, line=line) from None
