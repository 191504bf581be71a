"""What a step shows: each view of the exercise turned into a drawing and its footnotes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, assert_never

from lab.errors import EvidenceError
from lab.evidence.records import Evidence, Snapshot, Step
from lab.exercise import Closes, Ladder, Printed, Rows, Text, View
from lab.kernel.rows import SocketRow
from lab.report import closes, ladder, table
from lab.report.climb import climb, inferred_notes, part_of
from lab.report.fold import fold
from lab.report.ink import Line, Role, Span, line
from lab.report.seen import Sighting
from lab.report.words import Words

_MOST_PRINTED: Final = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """A view ready to be drawn at any width, with the notes that explain it; prose has no drawing."""

    draw: Callable[[int], list[Line]] | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Looking:
    """What every view reads: the evidence, what `ss` saw in it, and the words."""

    evidence: Evidence
    sightings: frozenset[Sighting]
    words: Words


def show(looking: Looking, view: View, step: Step) -> Shown:
    """Return a view of a step; evidence that cannot be read becomes a note, never an exception."""
    try:
        return _show(looking, view, step)
    except EvidenceError as error:
        return Shown(None, (error.what(looking.words.language),))


def _show(looking: Looking, view: View, step: Step) -> Shown:
    match view:
        case Ladder():
            return _ladder(looking, view, step)
        case Rows():
            return _rows(looking, view)
        case Printed():
            return _printed(looking, view)
        case Closes():
            return _closes(looking, step)
        case Text():
            return Shown(None, (looking.words.own(f"shows.{view.id}"),))
        case _:
            assert_never(view)


def _ladder(looking: Looking, view: Ladder, step: Step) -> Shown:
    words = looking.words
    conversation = looking.evidence.conversation(view.client)
    if conversation is None:
        return Shown(None, (words.lab("ladder.none", client=view.client),))
    later = [other.begun_ns for other in looking.evidence.steps if other.begun_ns > step.begun_ns]
    segments = part_of(conversation, view.part, step, min(later, default=None))
    if not segments:
        return Shown(None, (words.lab("ladder.none", client=view.client),))
    rungs, marked = climb(conversation, segments, looking.sightings)
    labels = ladder.LadderWords("client", "server", words.lab("ladder.again"), partial(words.plural, "ladder.more"))
    return Shown(partial(ladder.draw, rungs, labels), tuple(inferred_notes(conversation, marked, words)))


def _rows(looking: Looking, view: Rows) -> Shown:
    words = looking.words
    snapshots = [looking.evidence.snapshot(view.snapshot, host) for host in view.on]
    tables = [
        table.HostTable(snapshot.host, table.compare(snapshot.rows, _before(looking, view, snapshot)))
        for snapshot in snapshots
    ]
    late = [snapshot for snapshot in snapshots if snapshot.timed_out]
    notes = tuple(words.lab("rows.timed-out", host=one.host, condition=one.waited_for or "?") for one in late)
    template = words.lab("rows.more")
    return Shown(partial(_table, tables, template, words.lab("rows.empty")), notes)


def _table(tables: list[table.HostTable], more: str, empty: str, width: int) -> list[Line]:
    return table.draw(tables, width, more, empty)


def _before(looking: Looking, view: Rows, snapshot: Snapshot) -> tuple[SocketRow, ...] | None:
    """Return the rows of the moment to compare with; None when there is none, or none of this host."""
    if view.since is None:
        return None
    try:
        return looking.evidence.snapshot(view.since, snapshot.host).rows
    except EvidenceError:
        return None


def _printed(looking: Looking, view: Printed) -> Shown:
    party = looking.evidence.party(view.party)
    outputs = [output for output in looking.evidence.outputs if output.actor == view.party]
    if not outputs:
        return Shown(None, (looking.words.lab("printed.nothing", program=party.program),))
    return Shown(partial(_transcript, f"{party.host}$ {party.command}", [output.text for output in outputs]))


def _transcript(command: str, texts: list[str], width: int) -> list[Line]:
    lines = [line(Span(part, Role.COMMAND)) for part in fold(command, width)]
    printed = [part.rstrip() for text in texts for part in text.splitlines() or [""]]
    shown = printed if len(printed) <= _MOST_PRINTED else [*printed[:8], "…", *printed[-3:]]
    return [*lines, *(line(part) for text in shown for part in fold(text, width) or [""])]


def _closes(looking: Looking, step: Step) -> Shown:
    words = looking.words
    counts = closes.closes_of(looking.evidence, step)
    if not counts:
        return Shown(None, (words.lab("closes.none"),))
    names = {
        number: words.plural("closes.segments", number) if number else words.lab("closes.other") for number in counts
    }
    lines = closes.draw(counts, names)
    return Shown(lambda _width: lines)
