"""What a step shows: each view of the exercise turned into a drawing and its footnotes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, assert_never

from lab.errors import EvidenceError
from lab.exercise import JudgedRun
from lab.judge.judging import might_have_come, told
from lab.kernel.rows import SocketRow
from lab.recording.play import Step
from lab.recording.recording import SsOutput
from lab.recording.run import Run
from lab.report import apart, changes, closes, counted, http, ladder, legend, mend, models, statemap, table, transcript
from lab.report.climb import climb, inferred_notes, part_of
from lab.report.ink import Line
from lab.report.seen import Sighting
from lab.report.timeline_text import timeline_text
from lab.report.words import Words
from lab.timeline import model
from lab.views import (
    Apart,
    Calls,
    Closes,
    Costs,
    Counted,
    HttpMessage,
    Ladder,
    Letters,
    Machine,
    Mend,
    Printed,
    Rows,
    Served,
    Spent,
    Text,
    Timeline,
    View,
    Waits,
)
from lab.wire.http import parse_http

_LONGEST_TIMELINE: Final = 60
"""Lines of a timeline within a page; `lab report --timeline` has all of them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A view ready to be drawn at any width, with the notes that explain it; prose has no drawing."""

    draw: Callable[[int], list[Line]] | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Looking:
    """What every view reads: the run, what `ss` saw in it, and the words."""

    judged: JudgedRun
    sightings: frozenset[Sighting]
    words: Words

    @property
    def run(self) -> Run:
        """The run."""
        return self.judged.run

    @property
    def timeline(self) -> model.Timeline:
        """The run's timeline."""
        return self.judged.timeline


def show(looking: Looking, view: View, step: Step) -> Shown | None:
    """Return a view of a step; evidence that cannot be read becomes a note, never an exception.

    None for what there is nothing of because the play stopped before: the page says that once.
    """
    try:
        return _show(looking, view, step)
    except EvidenceError as error:
        if looking.run.play.stopped and might_have_come(error):
            return None
        return Shown(None, (told(error, looking.words.language),))


def _show(looking: Looking, view: View, step: Step) -> Shown:  # noqa: C901, PLR0911, PLR0912 - one per kind of view
    match view:
        case Ladder():
            return _ladder(looking, view, step)
        case Rows():
            return _rows(looking, view)
        case Printed():
            return _printed(looking, view, step)
        case Closes():
            return _closes(looking, step)
        case Counted():
            return _counted(looking, view)
        case Text():
            return Shown(None, (looking.words.own(_text_id(looking, view)),))
        case Apart():
            return _apart(looking, view)
        case Letters():
            return Shown(lambda width: list(legend.letter_lines(looking.words.language, width)))
        case Machine():
            return _machine(looking, view)
        case Mend():
            return _mend(looking, view)
        case HttpMessage():
            return _http(looking, view)
        case Timeline():
            return _timeline(looking, view, step)
        case Calls() | Served() | Costs() | Waits() | Spent():
            return Shown(*models.show(looking.run, view, step, looking.words))
        case _:
            assert_never(view)


def _text_id(looking: Looking, view: Text) -> str:
    if view.party is None:
        return f"shows.{view.id}"
    program = looking.run.play.party(view.party).program
    return f"shows.{view.id}.{'stand-in' if program in looking.run.play.stand_ins.values() else program}"


def _ladder(looking: Looking, view: Ladder, step: Step) -> Shown:
    words = looking.words
    conversation = looking.run.conversation(view.client)
    if conversation is None:
        return Shown(None, (words.lab("ladder.none", client=view.client),))
    segments = part_of(conversation, view.part, step, transcript.next_begin(looking.run, step))
    if not segments:
        return Shown(None, (words.lab("ladder.none", client=view.client),))
    rungs, marked = climb(conversation, segments, looking.sightings)
    labels = ladder.LadderWords("client", "server", words.lab("ladder.again"), partial(words.plural, "ladder.more"))
    less = any(rung.from_less for rung in rungs)
    notes = inferred_notes(conversation, marked, words, from_less=less)
    return Shown(partial(ladder.draw, rungs, labels), tuple(notes))


def _rows(looking: Looking, view: Rows) -> Shown:
    words = looking.words
    snapshots = [looking.run.snapshot(view.snapshot, host) for host in view.on]
    tables = [
        table.HostTable(snapshot.host, changes.compare(snapshot.rows, _before(looking, view, snapshot)))
        for snapshot in snapshots
    ]
    late = [taken for host in view.on if (taken := looking.run.play.snapshot(view.snapshot, host)).timed_out]
    notes = tuple(words.lab("rows.timed-out", host=one.host, condition=one.waited_for or "?") for one in late)
    labels = table.TableWords(words.lab("rows.more"), words.lab("rows.empty"))
    return Shown(lambda width: table.draw(tables, width, labels), notes)


def _before(looking: Looking, view: Rows, snapshot: SsOutput) -> tuple[SocketRow, ...] | None:
    """Return the rows of the moment to compare with; None when there is none, or none of this host."""
    if view.since is None:
        return None
    try:
        return looking.run.snapshot(view.since, snapshot.host).rows
    except EvidenceError:
        return None


def _printed(looking: Looking, view: Printed, step: Step) -> Shown:
    party = looking.run.play.party(view.party)
    lines = transcript.transcript(looking.run, party, step, view.only)
    if not lines:
        return Shown(None, (looking.words.lab("printed.nothing", program=party.program),))
    return Shown(partial(transcript.draw, lines))


def _closes(looking: Looking, step: Step) -> Shown:
    words = looking.words
    counts = closes.closes_of(looking.run, step)
    if not counts:
        return Shown(None, (words.lab("closes.none"),))
    names = {
        number: words.plural("closes.segments", number) if number else words.lab("closes.other") for number in counts
    }
    return Shown(partial(closes.draw, counts, names))


def _counted(looking: Looking, view: Counted) -> Shown:
    before, after = (looking.run.counter(name, view.on).values for name in (view.before, view.after))
    lines = counted.draw(view.on, [(name, before.get(name, 0), after.get(name, 0)) for name in view.names])
    return Shown(lambda _width: lines)


def _apart(looking: Looking, view: Apart) -> Shown:
    words = looking.words
    printed = [output.text for output in looking.run.play.outputs if output.actor == view.party]
    parts = apart.pieces(printed, view.pattern, words)
    if not parts:
        return Shown(None, (words.lab("apart.none", program=looking.run.play.party(view.party).program),))
    return Shown(lambda width: list(apart.draw(parts, width)))


def _http(looking: Looking, view: HttpMessage) -> Shown:
    words, run = looking.words, looking.run
    conversation = run.conversation(view.client, view.host)
    exchange = None if conversation is None else parse_http(conversation)
    messages = () if exchange is None else exchange.requests if view.which == "request" else exchange.responses
    if view.at >= len(messages):
        return Shown(None, (words.lab("http.none", client=view.client),))
    message = messages[view.at]
    rows = http.rows(message, words, view.only)
    return Shown(partial(http.draw, rows), http.notes(message, run.recording.capture(view.host).file, words))


def _machine(looking: Looking, view: Machine) -> Shown:
    words = looking.words
    conversation = looking.run.conversation(view.client)
    if conversation is None:
        return Shown(None, (words.lab("ladder.none", client=view.client),))
    visited = statemap.visits(conversation, looking.sightings)
    labels = statemap.MapWords(
        tuple(words.lab(f"map.{way}") for way in ("connects", "listens", "first", "second")),
        lambda event: words.lab(f"map.event.{event.name}"),
    )
    notes = (words.lab("map.inferred"), words.lab("map.left-out", count=statemap.left_out()))
    return Shown(partial(statemap.draw, visited, labels), notes)


def _mend(looking: Looking, view: Mend) -> Shown:
    words = looking.words
    texts = {name: mend.program(name) for name in (view.wrong, view.right)}
    for name, text in texts.items():
        if text is None:
            return Shown(None, (words.lab("mend.none", program=name),))
    difference = mend.changes(texts[view.wrong] or "", texts[view.right] or "")
    labels = words.lab("mend.take"), words.lab("mend.put")
    return Shown(lambda width: list(mend.draw(view.wrong, view.right, difference, labels, width)))


def _timeline(looking: Looking, view: Timeline, step: Step) -> Shown:
    words, timeline = looking.words, looking.timeline
    talks = [talk for talk in timeline.talks if talk.name in view.clients]
    if not talks and looking.run.play.stopped:
        return Shown(None)  # the page says why there is none
    if not talks:
        return Shown(None, (words.lab("timeline.none", clients=words.lab("timeline.comma").join(view.clients)),))
    until = transcript.next_begin(looking.run, step)
    window = None if view.whole else (step.begun_ns, timeline.ended_ns + 1 if until is None else until)
    text = timeline_text(timeline, talks, words, window)
    if text.quiet:
        return Shown(None, (words.lab("timeline.quiet"),))
    return Shown(partial(text.lines, most=_LONGEST_TIMELINE), text.notes)
