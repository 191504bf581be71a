"""The page of a run on a terminal: calm, aligned, the evidence before the verdict, the reason beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Final

from rich.cells import cell_len
from rich.console import Console

from lab.exercise import JudgedRun
from lab.report import checklines
from lab.report.asking import Asker
from lab.report.ending import claim_lines, verdict_lines, where_next
from lab.report.fold import fold, fold_line, titled
from lab.report.fold import together as joined
from lab.report.ink import EMPTY, Line, Role, Span, indented, line, pad
from lab.report.story import HostStory, StepStory, Story, tell
from lab.report.style import emit_all, page_width
from lab.report.typed import Typed, beside
from lab.report.views import Shown

_WIDE: Final = 96
_PROSE: Final = 3


class Page:
    """The page of one run. `show` prints it, asking for predictions when given someone who asks."""

    def __init__(self, console: Console, judged: JudgedRun, language: str) -> None:
        self._console = console
        self._width = page_width(console)
        self._story = tell(judged, language)

    def show(self, asker: Asker | None = None) -> None:
        """Print the whole page, step by step."""
        self._print(head(self._story, self._width))
        for step in self._story.steps:
            self._print(step_head(step, self._story, self._width))
            said = None
            if asker and step.question and not asker.over:
                said = asker.ask(step.question, step.choices)
                self._print([EMPTY])
            self._print(step_body(step, self._story, self._width))
            self._print(step_end(step, self._story, self._width, said))
        self._print(loose(self._story, self._width))
        self._print(tail(self._story, self._width))

    def _print(self, lines: Iterator[Line] | list[Line]) -> None:
        emit_all(self._console, lines)


def head(story: Story, width: int) -> Iterator[Line]:
    """Yield the title with the lab at the right, the hosts, and why one does this exercise."""
    title = story.words.lab("header.exercise", number=story.number, title=story.title)
    yield from _apart((Span(title, Role.TITLE),), (Span(story.place, Role.DIM),), width)
    hosts = [_host(host) for host in story.hosts]
    for left, right in zip_longest(hosts[::2], hosts[1::2], fillvalue=()):
        yield from _apart(left, right, width)
    if story.stand_ins:
        yield from _prose(story.stand_ins, width, 0, Role.UNDECIDED)
    if story.lead:
        yield EMPTY
        yield from _prose(story.lead, width, 0)
    yield EMPTY


def _host(host: HostStory) -> tuple[Span, ...]:
    return (
        Span(host.name, Role.HOST),
        Span(f" {host.address}"),
        Span(f"  {host.program}" if host.program else "", Role.DIM),
    )


def _apart(left: tuple[Span, ...], right: tuple[Span, ...], width: int) -> Iterator[Line]:
    """Yield both at the two ends of a line, or on two lines."""
    used = sum(cell_len(span.text) for span in (*left, *right))
    if not right or used + 2 > width:
        yield from (part for one in (left, right) for part in fold_line(one, width))
    else:
        yield (*left, Span(" " * (width - used)), *right)


def step_head(step: StepStory, story: Story, width: int) -> Iterator[Line]:
    """Yield the step's number and title, what to type, and what is said before the question."""
    yield from titled(step.title, width, step.number)
    yield from _typed_lines(step.typed, story.words.lab("step.type"), width)
    if step.intro:
        yield from _prose(step.intro, width, _PROSE)
    yield EMPTY


def _typed_lines(lines: tuple[Typed, ...], label: str, width: int) -> Iterator[Line]:
    """Yield the lines to type: beside each other when all of them fit, else one below the other."""
    if not lines:
        return
    begin = line(" " * _PROSE, Span(pad(label, cell_len(label) + _PROSE), Role.DIM))
    room = _PROSE + cell_len(label) + _PROSE
    together = [_label(lines[0], 0), Span(lines[0].text, Role.COMMAND)]
    for one in lines[1:]:
        together += [Span(" " * (2 * _PROSE)), _label(one, 0), Span(one.text, Role.COMMAND)]
    if room + sum(cell_len(span.text) for span in together) <= width:
        yield (*begin, *together)
        return
    labels = max(cell_len(one.label) for one in lines)
    for one in lines:
        yield from beside((*begin, _label(one, labels)), one.text, _PROSE, width)
        begin = line(" " * room)


def _label(one: Typed, labels: int) -> Span:
    return Span(pad(one.label, labels) + " ", Role.DIM)


def step_body(step: StepStory, story: Story, width: int) -> Iterator[Line]:
    """Yield what happened, then the expectations."""
    for shown in step.shown:
        yield from view_lines(shown, width)
    if step.stop:
        yield from _prose(step.stop, width, _PROSE, Role.UNDECIDED)
        yield EMPTY
    if not step.reached:
        yield from _prose(story.words.lab("step.not-reached"), width, _PROSE, Role.SKIPPED)
        yield EMPTY
    yield from checklines.draw(step.checks, story.words, width)


def view_lines(shown: Shown, width: int) -> Iterator[Line]:
    """Yield a drawing, its notes, and a blank line."""
    margin = 2 * _PROSE if width >= _WIDE else _PROSE
    if shown.draw is not None:
        for one in shown.draw(width - margin):
            yield from indented(fold_line(one, width - margin), margin)
    for note in shown.notes:
        for index, part in enumerate(fold(note, width - margin - 2)):
            hang = 2 if index and note.startswith("~ ") else 0
            yield line(" " * (margin + hang), Span(part, Role.DIM))
    yield EMPTY


def step_end(step: StepStory, story: Story, width: int, said: str | None) -> Iterator[Line]:
    """Yield the answer to the prediction with its reason."""
    answer = _answer(step, story, said) if said else None
    if text := joined(answer, step.because):
        yield from _begun_strong(fold(text, width - _PROSE), len(answer or ""))
    if step.why:
        yield from _prose(step.why, width, _PROSE, Role.DIM)
    yield EMPTY


def _begun_strong(parts: Iterable[str], strong: int) -> Iterator[Line]:
    """Yield the lines of a text whose first `strong` characters stand out."""
    for part in parts:
        yield line(" " * _PROSE, Span(part[:strong], Role.STRONG), part[strong:])
        strong = max(0, strong - len(part) - 1)


def _answer(step: StepStory, story: Story, said: str) -> str:
    key = "step.right" if said == step.answer else "step.wrong"
    return story.words.lab(key, letter=said, answer=step.answer)


def loose(story: Story, width: int) -> Iterator[Line]:
    """Yield the expectations that belong to no step."""
    if story.loose:
        yield line(Span(story.words.lab("step.loose"), Role.TITLE))
        yield from checklines.draw(story.loose, story.words, width)
        yield EMPTY


def tail(story: Story, width: int) -> Iterator[Line]:
    """Yield the claims, the verdict, where the evidence lies and what next."""
    if story.claims:
        yield from claim_lines(story, width)
        yield EMPTY
    yield from verdict_lines(story, width)
    yield EMPTY
    yield from where_next(story, width)


def _prose(text: str, width: int, margin: int, role: Role = Role.PLAIN) -> Iterator[Line]:
    yield from indented([line(Span(part, role)) for part in fold(text, width - margin)], margin)
