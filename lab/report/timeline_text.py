"""The timeline of some connections as lines of text, with the notes that explain its marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from lab.report.ink import Line, Role
from lab.report.lanes import drawing
from lab.report.lanes.choice import Choice, Window, choose
from lab.report.lanes.marks import Part
from lab.report.lanes.rows import Title
from lab.report.lanes.telling import TellWords, Told, tell
from lab.timeline.model import Talk, Timeline

if TYPE_CHECKING:
    from lab.report.words import Words

_MISSING: Final = "missing-"
LACKS: Final = (
    "no-recorder", "no-tracefs", "not-permitted", "switched-off", "died", "ended-early", "lost-states",
    "lost-calls", "other-clock", "no-calls", "by-name",
)  # fmt: skip
"""The codes of `Timeline.lacks`; beside them `missing-<event>` for an event that the kernel does not have."""


@dataclass(frozen=True, slots=True)
class TimelineText:
    """A timeline ready to be drawn at any width; `quiet` when nothing of it lies in the window."""

    told: Told
    choice: Choice
    words: Words
    notes: tuple[str, ...]
    titles: tuple[Title, ...] = ()

    @property
    def quiet(self) -> bool:
        """Whether nothing happened in the time that is shown."""
        return not self.told.marks and not self.told.levels

    def lines(self, width: int, most: int | None = None) -> list[Line]:
        """Return the drawing, at most `width` cells wide; with `most`, the middle of more lines is left out."""
        return drawing.draw(self.told, self.choice, _lane_words(self.words), width, self.titles, most)


def timeline_text(
    timeline: Timeline,
    talks: Sequence[Talk],
    words: Words,
    window: Window | None = None,
    *,
    titles: Sequence[Title] = (),
    asked: bool = True,
) -> TimelineText:
    """Return these connections as text, within a window (ns since the epoch) where one is given.

    Each of `titles` stands above what happened from its time on. When nobody `asked` for these connections, a note says
    how many there are besides.
    """
    choice = choose(timeline, talks, window)
    told_in = TellWords(words.lab("timeline.again"), words.lab("timeline.interrupted"), partial(_skipped, words))
    told = tell(timeline, choice, told_in)
    notes = [*_notes(timeline, told, words), *([] if asked else _crowd(timeline, choice, words))]
    return TimelineText(told, choice, words, tuple(notes), tuple(titles))


def lack_words(code: str, words: Words) -> str:
    """Return what a timeline lacks, in words (a code of `Timeline.lacks`)."""
    if code.startswith(_MISSING):
        return words.lab("timeline.lacks.missing", event=f"`{code.removeprefix(_MISSING)}`")
    return words.lab(f"timeline.lacks.{code}")


def _lane_words(words: Words) -> drawing.LaneWords:
    state, wire = words.lab("timeline.state"), words.lab("timeline.wire")
    return drawing.LaneWords(
        heads=(words.lab("timeline.client-calls"), state, wire, state, words.lab("timeline.server-calls")),
        sides=(words.lab("timeline.client"), wire, words.lab("timeline.server")),
        name=words.lab("timeline.name"),
        more=partial(words.plural, "timeline.more"),
    )


def _skipped(words: Words, count: int, size: int) -> str:
    return words.plural("timeline.skipped", count, bytes=size)


def _notes(timeline: Timeline, told: Told, words: Words) -> Iterator[str]:
    shown = (*told.before, *told.marks, *told.levels)
    if any(mark.role is Role.INFERRED and mark.part in (Part.STATE, Part.LEVEL) for mark in shown):
        yield words.lab("timeline.inferred")
    if any(mark.talk is None for mark in told.levels):
        yield words.lab("timeline.accept-queue")
    if not timeline.by_kernel:
        yield words.lab("timeline.by-looks")
    yield from (lack_words(code, words) for code in timeline.lacks)


def _crowd(timeline: Timeline, choice: Choice, words: Words) -> Iterator[str]:
    if count := len(timeline.talks) - len(choice.talks):
        yield words.plural("timeline.crowd", count)
