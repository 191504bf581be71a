"""Compare what an exercise's expectations and views name with what its play will have.

An expectation of a moment that no play has can never decide, and a view of one can never be drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from lab.errors import EvidenceError
from lab.hosts.host import SYSCTLS
from lab.judge.agreement import HOSTS, Agree
from lab.judge.calls.descriptors import Handed
from lab.judge.calls.made import ANY, BlockedIn, Called
from lab.judge.calls.readiness import Ready, ToldOf
from lab.judge.calls.traces import LISTENER
from lab.judge.conditional import Where
from lab.judge.errors import ExerciseError
from lab.judge.judging import Judged
from lab.judge.readings.counters import Counters
from lab.judge.segments.order import InOrder
from lab.judge.sockets.lifetimes import GoneAfter
from lab.judge.states.passing import Passes, Recorded
from lab.judge.verdict import Expectation
from lab.kernel.syscalls import CALL_NAMES, ERRORS
from lab.recording.play import Party
from lab.recording.run import Run
from lab.text.catalog import LANGUAGES
from lab.text.glossary import load_glossary

Named = tuple[str, Callable[[Run], object]]
"""A name as it is written, and what looks it up in the record; EvidenceError when it is not there."""
_OF_CALLS: Final = (Called, BlockedIn, Handed, Ready, ToldOf)
_PARTIES: Final = frozenset({"party", "client", "listing", "waits", "leaves", "while_waits"})
_SNAPSHOTS: Final = frozenset({"snapshot", "seen", "gone"})
_COUNTERS: Final = frozenset({"before", "after"})
_READINGS: Final = frozenset({"within", "during", "than"})
STREAMS: Final = ("stdout", "stderr")
_INNER: Final = frozenset({"probe", "then", "otherwise", "expectation"})
_OTHER: Final = frozenset({"of", "on", "to", "clients", "only", "grid", "rungs", "sampling", "calls", "name", "error"})
NAMING: Final = _PARTIES | _SNAPSHOTS | _COUNTERS | _READINGS | _INNER | _OTHER | {"environment", "step"}
"""The fields of expectations that name something of the exercise."""
FREE: Final = frozenset(
    {"alone", "amounts", "at", "by", "change", "count", "day", "first", "how", "id", "kind", "line", "never", "part"}
    | {"path", "pattern", "ratio", "riding", "seconds", "shown", "states", "stream", "wanted"}
    | {"watched", "written", "amount", "off", "status", "hours", "exact"}
)
"""Those that name nothing, or are checked where they are written."""


def check_expectation(expectation: Expectation, record: Run, steps: Sequence[str]) -> None:
    """Raise ExerciseError for a name in an expectation that the play's record does not have."""
    for inner in _inner(expectation):
        if inner.step is not None and inner.step not in steps:
            raise ExerciseError("step-unknown", step=inner.step, known=", ".join(steps))
        check_named(_named_by(inner), record)
        _check_words(inner)


def check_named(named: Iterable[Named], record: Run) -> None:
    """Raise ExerciseError for the first name that the record does not have."""
    for name, look in named:
        try:
            look(record)
        except EvidenceError as error:  # a cell of a table knows by itself which name it is
            kind = str(error.params["kind"])
            known = _known(kind, record)
            raise ExerciseError(
                "reference-unknown", kind=kind, name=name or error.params["name"], known=known
            ) from None


def _known(kind: str, record: Run) -> str:
    """Return what there is of a kind, for the remedy."""
    names: Mapping[str, list[str]] = {
        "snapshot": [one.name for one in record.play.snapshots],
        "sampling": [one.name for one in record.play.samplings],
        "counters": [one.name for one in record.play.counters],
        "usage": [f"{one.name} ({one.party})" for one in record.play.usages],
        "trace": [one.name for one in record.play.parties if _traced(record, one)],
        "step": [one.id for one in record.play.steps],
    }
    return ", ".join(dict.fromkeys(names.get(kind, [one.name for one in record.play.parties]))) or "-"


def _traced(record: Run, party: Party) -> bool:
    return any((trace.host, trace.pid) == (party.host, party.pid) for trace in record.recording.traces)


def _inner(expectation: Expectation) -> Iterator[Judged]:
    """Yield an expectation and those inside it."""
    if isinstance(expectation, Recorded):
        yield from (*_inner(expectation.then), *_inner(expectation.otherwise))
    elif isinstance(expectation, Judged):
        yield expectation
        for each in fields(expectation):
            if each.name in _INNER:
                yield from _inner(getattr(expectation, each.name))


def _named_by(one: Judged) -> Iterator[Named]:
    """Yield every name in an expectation, with what it must be found by."""
    for each in fields(one):
        value = getattr(one, each.name)
        if value is not None:
            yield from _named_in(one, each.name, value, getattr(one, "on", "server"))
    if isinstance(one, _OF_CALLS):
        yield trace(one.party)


def _named_in(one: Judged, field: str, value: Any, on: str) -> Iterator[Named]:  # noqa: ANN401, C901 - a case for each kind of name
    if field in _PARTIES or (field == "of" and isinstance(value, str) and value != LISTENER):
        yield party(value)
    elif field == "clients":
        yield from (party(name) for name in sorted(value) if name != LISTENER or not isinstance(one, Ready))
    elif field in _SNAPSHOTS:
        yield from (snapshot(value, each) for each in (HOSTS if isinstance(one, Agree) else (on,)))
    elif field in _COUNTERS:
        yield counters(value, on)
    elif field == "sampling" or (field == "watched" and isinstance(one, GoneAfter)):
        yield value, lambda record: record.sampling(value, on)
    elif field in _READINGS and not isinstance(one, Passes):
        yield from (usage(name, getattr(one, "party", "")) for name in value)
    elif field in ("on", "to"):
        yield from (host(name) for name in (value if field == "to" else (value,)))
    elif field == "only":
        yield from (_endpoint(item) for item in value if isinstance(item, str))
    elif field == "grid":
        yield from (("", cell) for row in value.rows for cell in row)
    elif field == "rungs" and isinstance(one, InOrder):
        yield from (party(client) for client, _ in value)
    elif field == "environment" and isinstance(one, Where):
        yield from (host(name.partition(".")[0]) for name in value)


def _check_words(one: Judged) -> None:
    """Raise ExerciseError for a system call or an error that the lab does not know by that name."""
    names = one.calls if isinstance(one, Handed) else (one.name,) if isinstance(one, (Called, BlockedIn)) else ()
    for name in names:
        if name not in (ANY, *CALL_NAMES):
            raise ExerciseError("call-unknown", name=name, known=", ".join(sorted(CALL_NAMES)))
    if isinstance(one, Counters):
        require_counters(one.change)
    stream = getattr(one, "stream", None)
    if stream not in (None, *STREAMS):
        raise ExerciseError("stream-unknown", name=stream, known=", ".join(STREAMS))
    if isinstance(one, Where):
        require_sysctls(name.partition(".")[2] for name in one.environment)
    if isinstance(one, Called) and one.error not in (None, *ERRORS.values()):
        raise ExerciseError("errno-unknown", name=one.error)


def require_counters(names: Iterable[str]) -> None:
    """Raise ExerciseError for a counter that the glossary does not explain: a misspelt one, or one to be explained."""
    for name in names:
        if load_glossary(LANGUAGES[0]).find(name) is None:
            raise ExerciseError("counter-unknown", name=name)


def require_sysctls(names: Iterable[str]) -> None:
    """Raise ExerciseError for a sysctl whose value a run does not record."""
    for name in names:
        if name not in SYSCTLS:
            raise ExerciseError("sysctl-unknown", name=name, known=", ".join(SYSCTLS))


def party(name: str) -> Named:
    """Return a program, to be looked up."""
    return name, lambda record: record.play.party(name)


def snapshot(name: str, on: str) -> Named:
    """Return a moment on a host, to be looked up."""
    return name, lambda record: (host(on)[1](record), record.snapshot(name, on))


def counters(name: str, on: str) -> Named:
    """Return a reading of the counters on a host, to be looked up."""
    return name, lambda record: record.counter(name, on)


def usage(name: str, of: str) -> Named:
    """Return a reading of what a program used, to be looked up."""
    return name, lambda record: record.usage(name, of)


def trace(name: str) -> Named:
    """Return a traced program, to be looked up."""
    return name, lambda record: record.trace(name)


def host(name: str) -> Named:
    """Return a host, to be looked up."""

    def look(record: Run) -> object:
        if name not in record.recording.hosts:
            raise ExerciseError("host-unknown", name=name, known=", ".join(record.recording.hosts))
        return name

    return name, look


def earlier(name: str) -> Named:
    """Return a moment on any host, to be looked up."""

    def look(record: Run) -> object:
        if name not in {one.name for one in record.play.snapshots}:
            raise EvidenceError("record-missing", kind="snapshot", name=name)
        return name

    return name, look


def _endpoint(text: str) -> Named:
    name, _, tail = text.partition(":")
    return host(name) if tail.isdigit() else party(tail)
