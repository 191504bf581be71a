"""Compare what an exercise's views name with what its play will have: a view of anything else can never be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lab.checking.references import (
    Named,
    check_named,
    counters,
    earlier,
    host,
    party,
    require_counters,
    snapshot,
    trace,
    usage,
)
from lab.judge.errors import ExerciseError
from lab.judge.readings.costs import PLAIN, TRACED
from lab.judge.segments.ladders import PARTS
from lab.recording.run import Run
from lab.views import (
    Apart,
    Calls,
    Costs,
    Counted,
    HttpMessage,
    Ladder,
    Machine,
    Printed,
    Rows,
    Served,
    Spent,
    Text,
    Timeline,
    View,
    Waits,
)

_WHICH: Final = ("request", "response")


def check_view(view: View, record: Run) -> None:
    """Raise ExerciseError for a name in a view that the play's record does not have."""
    check_named(_named_by_view(view), record)


def _named_by_view(view: View) -> Iterator[Named]:  # noqa: C901, PLR0912 - a case for each view that names something
    match view:
        case Ladder(client, part):
            if part not in (None, *PARTS):
                raise ExerciseError("part-unknown", name=part, known=", ".join(PARTS))
            yield party(client)
        case Machine(client):
            yield party(client)
        case HttpMessage(client):
            if view.which not in _WHICH:
                raise ExerciseError("message-unknown", name=view.which, known=", ".join(_WHICH))
            yield from (party(client), host(view.host))
        case Rows(moment, on):
            yield from (snapshot(moment, each) for each in on)
            if view.since is not None:
                yield earlier(view.since)
        case Printed(name) | Apart(name):
            yield party(name)
        case Calls(name) | Waits(name):
            yield trace(name)
        case Counted(before, after, on):
            require_counters(view.names)
            yield from (counters(name, on) for name in (before, after))
        case Served(clients) | Timeline(clients):
            yield from map(party, clients)
        case Text(_, str(name)):
            yield party(name)
        case Costs(programs):
            yield from ((program, usage("rests", f"{program}.{PLAIN}")[1]) for program in programs)
            yield from ((program, trace(f"{program}.{TRACED}")[1]) for program in programs)
        case Spent(name, spans):
            yield from (usage(reading, name) for span in spans.values() for reading in span)
        case _:
            pass
