"""A run as a Markdown page: the same story as on the terminal, without the questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from lab.exercise import JudgedRun
from lab.foreign import shown
from lab.judge.verdict import Verdict
from lab.report import comparing
from lab.report.checklines import compare_words
from lab.report.checks import MARKS, NOT_REACHED, Check
from lab.report.ending import counts, files, first, next_steps, slug
from lab.report.ink import Line, plain
from lab.report.story import StepStory, Story, tell
from lab.report.typed import Typed
from lab.report.views import Shown

_WIDTH: Final = 100
# A run of one backtick ends at the next run of one: anything else between backticks could end elsewhere.
_SPECIAL: Final = re.compile(r"(?<!`)(`[^`\n]+`)(?!`)|([\\`*_\[\]<>|~#&])")


def markdown_page(judged: JudgedRun, language: str) -> str:
    """Return the page of a run as GitHub reads Markdown."""
    story = tell(judged, language)
    parts = [*_head(story), *(part for step in story.steps for part in _step(step, story)), *_tail(story)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is; what stands between backticks stays code."""
    return _SPECIAL.sub(lambda match: match[1] or f"\\{match[2]}", shown(text))


def _head(story: Story) -> Iterator[str]:
    yield f"# {escaped(story.words.lab('header.exercise', number=story.number, title=story.title))}"
    hosts = [
        " ".join(part for part in (f"**{escaped(host.name)}**", escaped(host.address), escaped(host.program)) if part)
        for host in story.hosts
    ]
    yield "  \n".join([escaped(story.place), *hosts])
    yield f"**{escaped(story.stand_ins)}**" if story.stand_ins else ""
    yield f"**{_verdict(story)}** · {escaped(counts(story))}"
    yield escaped(story.lead or "")


def _verdict(story: Story) -> str:
    return f"{MARKS[story.verdict]} {story.words.lab(f'verdict.{slug(story.verdict)}')}"


def _step(step: StepStory, story: Story) -> Iterator[str]:
    yield f"## {step.number}. {escaped(step.title)}"
    yield escaped(step.intro or "")
    yield _typed(step.typed)
    for view in step.shown:
        yield from _view(view)
    yield f"**{escaped(step.stop)}**" if step.stop else ""
    yield "" if step.reached else escaped(story.words.lab("step.not-reached"))
    yield _checks(step.checks, story)
    yield from _details(step.checks, story)
    for text in (step.because, step.why):
        yield escaped(text or "")


def _typed(lines: Iterable[Typed]) -> str:
    texts = [shown(f"{one.label} {one.text}") for one in lines]
    return _code(texts, "console") if texts else ""


def _view(view: Shown) -> Iterator[str]:
    if view.draw is not None:
        yield _code(map(plain, view.draw(_WIDTH)))
    for note in view.notes:
        yield escaped(note)


def _checks(checks: Sequence[Check], story: Story) -> str:
    return "\n".join(
        (f"- {MARKS[one.verdict]} **{escaped(one.title)}**" + (f": {escaped(one.why)}" if one.why else ""))
        if one.reached
        else f"- {NOT_REACHED} {escaped(one.title)}: {story.words.lab('check.not-reached')}"
        for one in checks
    )


def _details(checks: Iterable[Check], story: Story) -> Iterator[str]:
    words = story.words
    for one in checks:
        if one.verdict is Verdict.PASS or not one.reached:
            continue
        claims = f" ({', '.join(one.claims)})" if one.claims else ""
        yield f"### {MARKS[one.verdict]} {escaped(one.title)}{claims}"
        sides = ((words.lab("check.expected"), one.expected), (words.lab("check.observed"), one.observed))
        yield "\n".join(f"- {label}: {escaped(text)}" for label, text in sides)
        if one.comparison is not None and one.comparison.pairs:
            yield _drawing(comparing.draw(one.comparison, compare_words(words), _WIDTH))
        places = [_code_span(place) for place in one.look]
        if places:
            yield f"{words.lab('check.look')}: {' · '.join(places)}"
        if one.hint:
            yield f"{words.lab('check.hint')}: {escaped(one.hint)}"


def _tail(story: Story) -> Iterator[str]:
    words = story.words
    if story.loose:
        yield f"## {words.lab('step.loose')}"
        yield _checks(story.loose, story)
        yield from _details(story.loose, story)
    if story.claims:
        yield f"## {words.lab('claims.heading')}"
        yield _claims(story)
    yield f"## {words.lab('markdown.verdict')}"
    yield f"**{_verdict(story)}** · {escaped(counts(story))}"
    yield escaped(first(story) or "")
    yield f"{words.lab('end.evidence')}: {escaped(files(story))}"
    yield "\n".join(f"- {_code_span(command)}: {escaped(purpose)}" for command, purpose in next_steps(story))


def _claims(story: Story) -> str:
    heads = [story.words.lab(f"claims.{name}") for name in ("claim", "ruling", "says", "instead")]
    rows = [
        (claim.id, f"**{claim.label}**", claim.says, "<br>".join(filter(None, (claim.instead, *claim.cases))))
        for claim in story.claims
    ]
    cells = [[row[0], row[1], escaped(row[2]), escaped(row[3]).replace(r"\<br\>", "<br>")] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *cells))


def _drawing(lines: Iterable[Line]) -> str:
    return _code(map(plain, lines))


def _code_span(text: str) -> str:
    """Return text between backticks, or escaped where it has some itself."""
    return escaped(text) if "`" in text else f"`{shown(text)}`"


def _code(texts: Iterable[str], language: str = "text") -> str:
    """Return a fenced block; its fence is longer than any run of backticks inside."""
    body = "\n".join(texts)
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body}\n{fence}"
