"""A timeline as columns of numbers: what the page's script draws from, small enough for thousands of connections.

Times are ns since the timeline's begin. Where the word is new, a table holds it once and a column its index; -1 stands
for "none". Moments keep their order, so a moment's number is its place in each of their columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from lab.report.page.ends import course
from lab.report.page.sentences import Sentences
from lab.timeline.calls import SETS_UP
from lab.timeline.model import CallMade, Lane, Moment, Queue, SegmentSent, Source, StateChange, Timeline
from lab.timeline.spans import span_of
from lab.timeline.waiting import FOR_MANY, waits
from lab.wire.state import State

LANES: Final = tuple(Lane)
SOURCES: Final = tuple(Source)
STATES: Final = tuple(State)
NONE: Final = -1
_EXCERPT: Final = 24
"""How many characters of a payload are shown."""

Columns = dict[str, Any]


class Table:
    """Words in the order in which they first came, each by its index."""

    def __init__(self) -> None:
        self.words: list[Any] = []
        self._places: dict[Any, int] = {}

    def place(self, word: object) -> int:
        """Return the word's index, NONE for None."""
        if word is None:
            return NONE
        if word not in self._places:
            self._places[word] = len(self.words)
            self.words.append(word)
        return self._places[word]


def columns(timeline: Timeline, language: str, steps: Iterable[str]) -> Columns:
    """Return all of a timeline for the script; `steps` are the ids of the steps in their order."""
    tables = {name: Table() for name in ("hosts", "names", "parties", "errors", "texts", "words", "paths")}
    places = {step: place for place, step in enumerate(steps)}
    sentences = Sentences(timeline, language)
    return {
        "ended": timeline.ended_ns - timeline.begun_ns,
        "moments": _moments(timeline, tables, places),
        "also": [[moment.number, *moment.also] for moment in timeline.moments if moment.also],
        "calls": _calls(timeline, tables),
        "changes": _changes(timeline),
        "segments": _segments(timeline, tables, sentences),
        "told": _told(timeline, tables, sentences),
        "talks": _talks(timeline, tables),
        "queues": [_queue(queue, timeline, tables) for queue in timeline.queues],
        "set_up": sorted(SETS_UP),
        "waits_for_many": sorted(FOR_MANY),
        "tables": {name: table.words for name, table in tables.items()},
    }


def _moments(timeline: Timeline, tables: dict[str, Table], steps: Mapping[str, int]) -> Columns:
    moments, begun = timeline.moments, timeline.begun_ns
    return {
        "time": _deltas(moment.time_ns - begun for moment in moments),
        "took": _column(moments, lambda m: NONE if m.ended_ns is None else m.ended_ns - m.time_ns),
        "lane": "".join(str(LANES.index(moment.lane)) for moment in moments),
        "source": "".join(str(SOURCES.index(moment.source)) for moment in moments),
        "talk": _column(moments, lambda m: NONE if m.talk is None else m.talk),
        "host": _column(moments, lambda m: tables["hosts"].place(m.host)),
        "precision": _column(moments, lambda m: m.precision_ns),
        "back": _column(moments, lambda m: 0 if m.cause is None else m.number - m.cause),
        "step": _column(moments, lambda m: steps.get(m.step or "", NONE)),
    }


def _calls(timeline: Timeline, tables: dict[str, Table]) -> Columns:
    found = [(moment, moment.what) for moment in timeline.moments if isinstance(moment.what, CallMade)]
    return {
        "name": [tables["names"].place(call.name) for _, call in found],
        "party": [tables["parties"].place(call.party) for _, call in found],
        "pid": [call.pid for _, call in found],
        "fd": [NONE if call.fd is None else call.fd for _, call in found],
        "result": [call.result for _, call in found],
        "error": [tables["errors"].place(call.error) for _, call in found],
        "about": [tables["words"].place(call.about) for _, call in found],
        "waits": "".join("1" if waits(moment) else "0" for moment, _ in found),
    }


def _changes(timeline: Timeline) -> Columns:
    changes = [moment.what for moment in timeline.moments if isinstance(moment.what, StateChange)]
    return {"state": [STATES.index(change.state) for change in changes]}


def _segments(timeline: Timeline, tables: dict[str, Table], sentences: Sentences) -> Columns:
    found = [(moment, moment.what) for moment in timeline.moments if isinstance(moment.what, SegmentSent)]
    sent = [what for _, what in found]
    letters = {flags: flags.letters for flags in {each.segment.flags for each in sent}}
    return {
        "flags": [tables["names"].place(letters[each.segment.flags]) for each in sent],
        "client": "".join("1" if each.from_client else "0" for each in sent),
        "seq": [each.seq for each in sent],
        "ack": [NONE if each.ack is None else each.ack for each in sent],
        "length": [each.segment.length for each in sent],
        "there": [NONE if each.client_frame is None else each.client_frame for each in sent],
        "here": [NONE if each.server_frame is None else each.server_frame for each in sent],
        "again": "".join("1" if each.again else "0" for each in sent),
        "lost": "".join("1" if sentences.lost(moment, what) else "0" for moment, what in found),
        "data": [tables["words"].place(excerpt(each.segment.payload) or None) for each in sent],
    }


def excerpt(payload: bytes) -> str:
    """Return the begin of a payload as printable ASCII, empty when it is not text."""
    text = payload[: _EXCERPT * 2].decode("ascii", "replace")
    shown = " ".join(text.split())
    if not shown.isascii() or not shown.isprintable():
        return ""
    return shown if len(shown) <= _EXCERPT and len(payload) <= _EXCERPT * 2 else f"{shown[:_EXCERPT]}…"


def _told(timeline: Timeline, tables: dict[str, Table], sentences: Sentences) -> Columns:
    """Return each moment's sentence: the text's index, and the values of its fields one after another.

    A value is a number from 0 on as it is; a word, and a number below 0, is told by -1 less its index.
    """
    texts, values = [], []
    for moment in timeline.moments:
        sentence = sentences.of(moment)
        texts.append(tables["texts"].place(sentence.text))
        for value in sentence.values:
            plain = isinstance(value, int) and value >= 0
            values.append(value if plain else -1 - tables["words"].place(str(value)))
    return {"text": texts, "values": values}


def _talks(timeline: Timeline, tables: dict[str, Table]) -> Columns:
    talks, begun = timeline.talks, timeline.begun_ns
    courses = [course(timeline, talk) for talk in talks]
    spans = [span_of(timeline, talk) for talk in talks]
    paths = tables["paths"]
    return {
        "name": [talk.name or "" for talk in talks],
        "client": [str(talk.client) for talk in talks],
        "server": [tables["words"].place(str(talk.server)) for talk in talks],
        "port": [talk.client.port for talk in talks],
        "clientHost": [tables["hosts"].place(talk.client_host) for talk in talks],
        "serverHost": [tables["hosts"].place(talk.server_host) for talk in talks],
        "begun": _deltas(span.begun_ns - begun for span in spans),
        "took": [span.ended_ns - span.begun_ns for span in spans],
        "open": "".join("1" if span.still_open else "0" for span in spans),
        "clientPath": [paths.place(_path(each.client)) for each in courses],
        "serverPath": [paths.place(_path(each.server)) for each in courses],
        "ending": [tables["names"].place(each.ending.value) for each in courses],
    }


def _path(states: Iterable[State]) -> str:
    """Return the states that a row of `ss` could have shown."""
    return " ".join(state.value for state in states if state is not State.CLOSED)


def _queue(queue: Queue, timeline: Timeline, tables: dict[str, Table]) -> Columns:
    return {
        "kind": queue.kind.value,
        "host": tables["hosts"].place(queue.host),
        "talk": NONE if queue.talk is None else queue.talk,
        "listener": "" if queue.listener is None else str(queue.listener),
        "time": _deltas(level.time_ns - timeline.begun_ns for level in queue.levels),
        "value": [level.value for level in queue.levels],
        "seen": "".join("1" if level.observed else "0" for level in queue.levels),
    }


def _column(moments: Iterable[Moment], of: Callable[[Moment], int]) -> list[int]:
    return [of(moment) for moment in moments]


def _deltas(values: Iterable[int]) -> list[int]:
    """Return how far each value is from the one before it: far fewer digits than the values themselves."""
    return list(_steps(list(values)))


def _steps(values: list[int]) -> Iterator[int]:
    yield from values[:1]
    for one, other in pairwise(values):
        yield other - one
