"""The head of the page: what was played, between whom, how it was judged, and how far it was seen."""

from __future__ import annotations

from collections.abc import Iterator

from lab.report.ending import counts, first, slug
from lab.report.markup import escape
from lab.report.page.checklist import with_code
from lab.report.story import HostStory, Story
from lab.report.timeline_text import lack_words
from lab.text.catalog import Catalog
from lab.timeline.model import Timeline


def page_head(story: Story, timeline: Timeline, texts: Catalog) -> str:
    """Return the head as HTML."""
    words = story.words
    title = words.lab("header.exercise", number=story.number, title=story.title)
    return "\n".join(
        (
            "<header>",
            f"<h1>{escape(title)}</h1>",
            '<div class="tools"><button id="theme" type="button"></button>',
            f'<button id="keys" type="button">{escape(texts.get("page.ui.help"))} <kbd>?</kbd></button></div>',
            f'<div class="facts"><ul class="hosts">{"".join(map(_host, story.hosts))}</ul>{_verdict(story)}</div>',
            f'<p class="sub">{"".join(f"<span>{escape(each)}</span>" for each in _about(story, timeline, texts))}</p>',
            *_lacks(story, timeline, texts),
            "</header>",
        )
    )


def _host(host: HostStory) -> str:
    return (
        f'<li><b>{escape(host.name)}</b> <span class="mono">{escape(host.address)}</span> {escape(host.program)}</li>'
    )


def _verdict(story: Story) -> str:
    name = slug(story.verdict)
    told = escape(counts(story))
    return (
        f'<p class="sub"><span><span class="verdict {name}">{escape(story.words.lab(f"verdict.{name}"))}</span> {told}'
        f"</span>{f'<span>{escape(where)}</span>' if (where := first(story)) else ''}</p>"
    )


def _about(story: Story, timeline: Timeline, texts: Catalog) -> Iterator[str]:
    yield story.place
    if story.stand_ins:
        yield story.stand_ins
    yield texts.get("page.head.by-kernel" if timeline.by_kernel else "page.head.by-looks")
    for name, count in (("talks", len(timeline.talks)), ("moments", len(timeline.moments))):
        yield texts.get(f"page.head.{name}.{'one' if count == 1 else 'many'}", count=count)


def _lacks(story: Story, timeline: Timeline, texts: Catalog) -> Iterator[str]:
    if timeline.lacks:
        lacking = (lack_words(code, story.words) for code in timeline.lacks)
        told = "".join(f"<li>{with_code(each)}</li>" for each in lacking)
        yield f'<ul class="lacks"><b>{escape(texts.get("page.head.lacks"))}</b>{told}</ul>'
