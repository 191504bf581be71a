"""What happens, as lines of text while it happens: the five lanes of the timeline, their widths fixed beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lab.live.news import Appears, Item, News, Note, Part
from lab.report.fold import fold
from lab.report.ink import Line, Role, Span, line, pad_left
from lab.report.lanes import marks
from lab.report.lanes.drawing import cell, exactly
from lab.report.lanes.layout import FIVE, THREE
from lab.report.lanes.rows import CALLS, Columns, Row, rows_of, shortened
from lab.report.lanes.telling import Told
from lab.report.lengths import duration
from lab.timeline.model import CallMade, Lane, SegmentSent, StateChange

if TYPE_CHECKING:
    from lab.report.words import Words

LACKS: Final = ("no-tracefs", "not-permitted", "switched-off", "died", "busy")
"""Codes of why the kernel is not recorded."""
NOTES: Final = ("standing", "skipped", "lost-frames", "lost-events", "recorder-gone", "anew")
"""Codes of notes."""
LEAST: Final = 80
"""Cells that five columns take at least; in fewer, states share the columns of calls."""
_TIME: Final = 9
_MOST_ROWS: Final = 60
"""Rows of one piece; what is in the middle of more is left out: nobody reads faster."""
_HEADS_AGAIN: Final = 40
_MOST_BARS: Final = 2
_FIVE: Final = (12, 11, 12, 11, 13)
_THREE: Final = (15, 11, 15)
_NAME: Final = 6
_MOST_NAMED: Final = 6
_LONG_NS: Final = 10_000_000
_PARTS: Final = {
    Part.BEGIN: marks.Part.BEGIN,
    Part.WAITS: marks.Part.BEGIN,
    Part.RETURN: marks.Part.RETURN,
    Part.LEFT: marks.Part.LEFT,
    Part.ARRIVED: marks.Part.ARRIVED,
}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Cells of the name and of each column; which lanes a column has."""

    name: int
    widths: tuple[int, ...]
    columns: Columns

    @property
    def lanes(self) -> list[list[Lane]]:
        """The lanes of each column."""
        return [[lane for lane, column in self.columns.items() if column == place] for place in range(len(self.widths))]


def _layout(width: int) -> _Layout:
    """Return how wide everything is: what there is more than needed goes to names and arrows first, then to calls."""
    five = width >= LEAST
    name, widths = _NAME, list(_FIVE if five else _THREE)
    left = width - (_TIME + 1 + name + len(widths) + sum(widths))
    for _ in range(left, 0):
        widths[widths.index(max(widths))] -= 1
    left = max(0, left)
    wire, last = len(widths) // 2, len(widths) - 1
    more = min(4 if five else 0, left)
    name, left = name + more, left - more
    for column, most in ((wire, 8), (0, 4), (last, 4), (0, 6), (last, 6), (wire, 6)):
        more = min(most, left)
        widths[column] += more
        left -= more
    return _Layout(name, tuple(widths), FIVE if five else THREE)


class LiveText:
    """Draws item after item; `zero_ns` is when times begin to count."""

    def __init__(self, words: Words, width: int, zero_ns: int) -> None:
        self._words = words
        self._width = width
        self._zero_ns = zero_ns
        self._layout = _layout(width)
        self._bars: dict[Lane, dict[tuple[int, int], int]] = {lane: {} for lane in CALLS}
        self._since_heads = 0

    def head(self, addresses: Mapping[str, str], lacks: Sequence[str]) -> Iterator[Line]:
        """Yield what stands above all: the hosts, what is listened to, what of it is not to be had and why."""
        hosts = " · ".join(f"{host} {address}" for host, address in addresses.items())
        whole, partial = (
            self._words.lab("live.head-whole", hosts=hosts),
            self._words.lab("live.head-partial", hosts=hosts),
        )
        yield from self._dim(partial if lacks else whole)
        for code in lacks:
            yield from self._dim(self._words.lab(f"live.lacks.{code}"))
        yield self._heads()

    def resized(self, width: int) -> Iterator[Line]:
        """Draw for another width from now on; yield the heads anew if it is one."""
        if width != self._width:
            self._width, self._layout = width, _layout(width)
            yield self._heads()

    def lines(self, items: Sequence[Item]) -> Iterator[Line]:
        """Yield the lines of a piece."""
        piece: list[News] = []
        for item in items:
            if isinstance(item, News):
                piece.append(item)
                continue
            yield from self._rows(piece)
            piece = []
            yield from self._appears(item) if isinstance(item, Appears) else self._note(item)
        yield from self._rows(piece)

    def _rows(self, news: Sequence[News]) -> Iterator[Line]:
        told = list(_marks(news, self._words))
        names = {id(mark): _name(each) for mark, each in told}
        keys = {id(mark): _key(each) for mark, each in told}
        columns = self._layout.columns
        drawn = rows_of(Told((), tuple(mark for mark, _ in told), ()), columns, several=True)
        rows = [row for row in drawn if not row.passed_ns]
        for row in rows:
            self._lay_bars(row, keys)
        for row in shortened(rows, _MOST_ROWS):
            if self._since_heads >= _HEADS_AGAIN:
                yield self._heads()
            self._since_heads += 1
            yield self._line(row, next((names[id(mark)] for mark in row.cells.values()), ""))

    def _line(self, row: Row, name: str) -> Line:
        if row.left_out:
            return line(Span(" " * (_TIME + 1)), Span(self._words.plural("timeline.more", row.left_out), Role.DIM))
        spans: list[Span] = [
            Span(pad_left(_seconds((row.time_ns or 0) - self._zero_ns), _TIME), Role.DIM),
            Span(" "),
            Span(exactly(name, self._layout.name)),
        ]
        for column, (width, lanes) in enumerate(zip(self._layout.widths, self._layout.lanes, strict=True)):
            spans += [Span(" "), *cell(row, column, width, lanes)]
        return tuple(spans)

    def _heads(self) -> Line:
        self._since_heads = 0
        lab = self._words.lab
        state, wire = lab("timeline.state"), lab("timeline.wire")
        heads: tuple[str, ...] = (lab("timeline.client-calls"), state, wire, state, lab("timeline.server-calls"))
        if len(self._layout.widths) == len(_THREE):
            heads = (lab("timeline.client"), wire, lab("timeline.server"))
        spans = [
            Span(pad_left("s", _TIME), Role.DIM),
            Span(" "),
            Span(exactly(self._words.lab("live.port"), self._layout.name)),
        ]
        for head, width in zip(heads, self._layout.widths, strict=True):
            spans += [Span(" "), Span(exactly(head, width), Role.HOST)]
        return tuple(spans)

    def _appears(self, item: Appears) -> Iterator[Line]:
        text = self._words.lab("live.appears", program=item.program, host=item.host)
        yield line(Span(" " * (_TIME + 1)), Span(text, Role.TITLE))

    def _note(self, note: Note) -> Iterator[Line]:
        if note.code in ("recorder-gone", "anew"):
            for bars in self._bars.values():
                bars.clear()
        for part in fold(self._words.lab(f"live.notes.{note.code}", **note.params), self._width):
            yield line(Span(part, Role.UNDECIDED))

    def _dim(self, text: str) -> Iterator[Line]:
        yield from (line(Span(part, Role.DIM)) for part in fold(text, self._width))

    def _lay_bars(self, row: Row, keys: Mapping[int, tuple[int, int]]) -> None:
        """Give each call under way a place until it returns, through all pieces."""
        row.places.clear()
        for lane, taken in self._bars.items():
            before = frozenset(taken.values())
            row.bars[lane] = before if len(before) <= _MOST_BARS else frozenset()
            for column, mark in row.cells.items():
                if mark.lane is not lane:
                    continue
                place = next(place for place in range(len(taken) + 1) if place not in taken.values())
                if mark.part is marks.Part.BEGIN:
                    taken[keys[id(mark)]] = place
                elif mark.part is marks.Part.RETURN:
                    place = taken.pop(keys[id(mark)], place)
                row.places[column] = min(place, _MOST_BARS)


def _seconds(ns: int) -> str:
    """Return a time in seconds, always as long: `12.345678`, `1234.5678`."""
    return f"{ns / 1e9:.6f}"[:_TIME].removesuffix(".")


def _name(news: News) -> str:
    """Return what stands before a row: the connection by its client's port, else the program or where it listens."""
    talk = news.talk or news.own
    if talk:
        return f":{talk.client.port}"
    if news.listener:
        return f":{news.listener.port}"
    return news.program or ""


def _key(news: News) -> tuple[int, int]:
    what = news.moment.what
    return (what.pid, news.moment.time_ns) if isinstance(what, CallMade) else (0, 0)


def _marks(news: Sequence[News], words: Words) -> Iterator[tuple[marks.Mark, News]]:
    listens: News | None = None
    for each in news:
        match each.moment.what:
            case CallMade() as call:
                listens = each if call.name == "listen" else listens
                yield _call(each, call, words.lab("timeline.interrupted")), each
            case StateChange() as change:
                mark = marks.state_mark(each.moment, change)
                if each.listener and listens and (listens.moment.ended_ns or 0) >= each.time_ns:
                    mark.cause = listens.moment.number  # so they stand in one row
                yield mark, each
            case SegmentSent() as sent:
                part = _PARTS.get(each.part, marks.Part.SEGMENT)
                yield marks.segment_mark(each.moment, sent, part, words.lab("timeline.again")), each


def _call(news: News, call: CallMade, interrupted: str) -> marks.Mark:
    moment = news.moment
    if news.again:
        lasted = "…" if news.again.goes_on else f"· {duration(news.time_ns - news.again.begun_ns)}"
        times = f"└ ×{news.again.times}"
        told = (f"{times} {lasted}", f"{times} {lasted.removeprefix('· ')}", times)
        part = marks.Part.TIMES
        return marks.Mark(news.time_ns, news.time_ns, moment.lane, moment.talk, part, told, Role.DIM)
    part, ready = _PARTS.get(news.part, marks.Part.WHOLE), [f":{talk.client.port}" for talk in news.ready[:_MOST_NAMED]]
    if len(news.ready) > _MOST_NAMED:
        ready.append("…")
    mark = marks.call_mark(moment, call, part, interrupted, open_end=news.part is Part.WAITS, ready=ready)
    texts = mark.texts
    lasted_ns = (moment.ended_ns or moment.time_ns) - moment.time_ns
    if news.part is Part.WHOLE and lasted_ns >= _LONG_NS:
        texts = (f"{texts[0]} · {duration(lasted_ns)}", *texts)
    if news.part is Part.RETURN:
        texts = tuple(each for text in texts for each in (text, text.replace(" · ", " ")))
    return replace(mark, time_ns=news.time_ns, until_ns=news.time_ns, texts=texts)
