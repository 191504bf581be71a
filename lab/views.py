"""What a step may show under its text: segments, rows, words, figures. How each is drawn is told in lab/report/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ladder:
    """Show a client's segments with both ends' states: `part` is open, data, close or None for all of them."""

    client: str
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Show what `ss` said at a moment on some hosts, marking what is new since the moment `since`."""

    snapshot: str
    on: tuple[str, ...] = ("server", "client")
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """Show what a program printed; with `only`, the lines that this regular expression is found in."""

    party: str
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Closes:
    """Show how many of a step's connections were closed with three segments and how many with four."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Show some of the kernel's counters on a host, by nstat's names, at two readings."""

    before: str
    after: str
    on: str = "server"
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """Show a text of the exercise (`shows.<id>`), for pages that explain before anything happens.

    With `party` its program decides: `shows.<id>.<program>`, and `shows.<id>.stand-in` for one in another's place.
    """

    id: str
    party: str | None = None


@dataclass(frozen=True, slots=True)
class Apart:
    """Take a line apart that a program printed: `pattern` finds it, and each of its named groups is a piece.

    A group's name finds the piece's meaning: the exercise's own `parts.<name>`, else a term of the glossary.
    """

    party: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Letters:
    """Show what the flag letters mean."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Show the TCP state machine with the states that a client's connection went through marked."""

    client: str


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """Show an HTTP message from a client's captured bytes, each line with what it means.

    `which` is request or response, `at` its number in the conversation from 0, `host` whose capture is read. With
    `only` no other headers are shown: the reader has seen the rest before.
    """

    client: str
    which: str = "request"
    at: int = 0
    host: str = "server"
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mend:
    """Show what makes a wrong program a right one: two programs of images/ by name, as a difference."""

    wrong: str
    right: str


@dataclass(frozen=True, slots=True)
class Calls:
    """Show the system calls that a traced program made in this step: name, count, time inside, errors."""

    party: str


@dataclass(frozen=True, slots=True)
class Served:
    """Show who was served when: for each client a bar from its request to the answer."""

    clients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Costs:
    """Show what models of a server cost, one row each: who was served when, calls, CPU, wake-ups, idle, what breaks."""

    programs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waits:
    """Show where a traced program waited, and where data was copied, while it served one request."""

    party: str


@dataclass(frozen=True, slots=True)
class Spent:
    """Show what a program spent in several spans of time, each by its id (its words are `spans.<id>` of the exercise).

    A span is two readings of `stage.measure`; `requests` were answered in each.
    """

    party: str
    spans: Mapping[str, tuple[str, str]]
    requests: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Show what happened on some clients' connections on one clock: system calls, states, segments, queues.

    Only what lies in the step, unless `whole`.
    """

    clients: tuple[str, ...]
    whole: bool = False


View = (
    Ladder
    | Rows
    | Printed
    | Closes
    | Counted
    | Text
    | Apart
    | Letters
    | Machine
    | HttpMessage
    | Mend
    | Calls
    | Served
    | Costs
    | Waits
    | Spent
    | Timeline
)
