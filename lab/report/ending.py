"""The end of a page: the verdict with its counts, the claims, where the evidence lies, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len

from lab.judge.verdict import Verdict
from lab.report.checks import ROLES
from lab.report.claims import ROLES as RULING_ROLES
from lab.report.claims import ClaimStory
from lab.report.fold import fold
from lab.report.ink import EMPTY, Line, Role, Span, indented, line, pad
from lab.report.story import Story
from lab.report.typed import beside

_GAP: Final = 3
_LAB: Final = ".venv/bin/lab"
"""The command as it can be typed in a clone, whatever the PATH."""
_LEAST: Final = 24
_SHORT: Final = 32


def slug(verdict: Verdict) -> str:
    """Return the verdict as a part of a text id: `cannot-run-here`."""
    return verdict.value.replace(" ", "-")


def counts(story: Story) -> str:
    """Return the counts in words: `all 12 expectations hold`, or `10 hold, 2 do not hold`."""
    words, total = story.words, sum(story.counts.values()) + story.unreached
    if not total:
        return words.lab("verdict.none")
    if story.counts[Verdict.PASS] == total:
        whole = words.plural("verdict.all", total)
        return words.lab("verdict.comma").join((whole, *_broken(story)))
    parts = [words.plural(f"verdict.{slug(verdict)}-count", count) for verdict, count in story.counts.items() if count]
    if story.unreached:
        parts.append(words.plural("verdict.unreached", story.unreached))
    return words.lab("verdict.comma").join((*parts, *_broken(story)))


def _broken(story: Story) -> Iterator[str]:
    if story.broken:
        yield story.words.lab("verdict.broken", claims=", ".join(story.broken))


def first(story: Story) -> str | None:
    """Return where to look first, in words; None when nothing failed in any step."""
    if story.first is None:
        return None
    step, words = story.first.step, story.words
    what = story.first.check.title if story.first.check else words.lab("verdict.stopped-there")
    return words.lab("verdict.first", number=step.number, step=step.title, what=what)


def verdict_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield the verdict and its counts, then where to look first."""
    label = story.words.lab(f"verdict.{slug(story.verdict)}")
    room = cell_len(label) + _GAP
    for part in fold(counts(story), width - room):
        yield line(Span(pad(label, room), ROLES[story.verdict]), part)
        label = ""
    for part in fold(first(story) or "", width - room):
        yield line(" " * room, part)


def claim_lines(story: Story, width: int) -> Iterator[Line]:
    """Yield the table of claims: id and ruling at the left, the sentences folded beside them."""
    if not story.claims:
        return
    words = story.words
    yield from (line(Span(part, Role.TITLE)) for part in fold(words.lab("claims.heading"), width))
    yield EMPTY
    ids = max(cell_len(claim.id) for claim in story.claims) + _GAP
    rulings = max(cell_len(claim.label) for claim in story.claims) + _GAP
    labels = max(cell_len(words.lab(f"claims.{name}-short")) for name in ("says", "instead")) + _GAP
    room = width - _GAP - ids - rulings - labels
    below = room < _LEAST
    if below:
        room = width - 2 * _GAP - labels
    for claim in story.claims:
        left = line(
            " " * _GAP,
            Span(pad(claim.id, ids), Role.STRONG),
            Span(pad(claim.label, rulings), RULING_ROLES[claim.ruling]),
        )
        if below:
            yield left
            yield from indented([*_sentences(claim, story, labels, room)], 2 * _GAP)
            continue
        for one in _sentences(claim, story, labels, room):
            yield (*left, *one)
            left = line(" " * (_GAP + ids + rulings))


def _sentences(claim: ClaimStory, story: Story, labels: int, room: int) -> Iterator[Line]:
    words = story.words
    parts = [(words.lab("claims.says-short"), claim.says, Role.PLAIN)]
    if claim.instead:
        parts.append((words.lab("claims.instead-short"), claim.instead, Role.PLAIN))
    parts += [("", case, Role.DIM) for case in claim.cases]
    for label, text, role in parts:
        for index, part in enumerate(fold(text, room)):
            yield line(Span(pad(label if index == 0 else "", labels), Role.DIM), Span(part, role))


def next_steps(story: Story) -> tuple[tuple[str, str], ...]:
    """Return what a reader can do next: (command, what it is for)."""
    again = () if story.folder == "." else ((f"{_LAB} judge {story.folder}", story.words.lab("end.judge")),)
    page = () if story.folder == "." else ((f"{_LAB} report {story.folder}", story.words.lab("end.report")),)
    return (
        (f"make exercise-{story.number} ASK=0", story.words.lab("end.again")),
        (f"{_LAB} hand {story.number}", story.words.lab("end.hand")),
        (f"{_LAB} explain TIME-WAIT", story.words.lab("end.explain")),
        *page,
        *again,
    )


def files(story: Story) -> str:
    """Return where the evidence lies, in words."""
    if story.folder == ".":
        return story.words.lab("end.files-here", files=", ".join(story.files))
    return story.words.lab("end.files", folder=story.kept, files=", ".join(story.files))


def where_next(story: Story, width: int) -> Iterator[Line]:
    """Yield where the evidence lies and what to do next."""
    words = story.words
    label = max(cell_len(words.lab("end.evidence")), cell_len(words.lab("end.next"))) + _GAP
    for index, part in enumerate(fold(files(story), width - label)):
        yield line(Span(pad(words.lab("end.evidence") if index == 0 else "", label), Role.DIM), part)
    steps = next_steps(story)
    short = [cell_len(command) for command, _ in steps if cell_len(command) <= _SHORT]
    commands = max(short, default=0) + _GAP
    for index, (command, purpose) in enumerate(steps):
        start = Span(pad(words.lab("end.next") if index == 0 else "", label), Role.DIM)
        if max(commands, cell_len(command) + _GAP) + label + cell_len(purpose) <= width:
            yield line(start, Span(pad(command, commands - _GAP) + " " * _GAP, Role.COMMAND), Span(purpose, Role.DIM))
        else:
            yield from beside((start,), command, _GAP, width)
            yield from indented([line(Span(part, Role.DIM)) for part in fold(purpose, width - label - 2)], label + 2)
