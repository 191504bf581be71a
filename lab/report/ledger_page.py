"""The ledger as a Markdown page; exercises/CLAIMS.md and CLAIMS.zh-CN.md are made so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby

from lab.report.ledger import EntryStory, LedgerStory
from lab.report.markdown import escaped
from lab.report.words import Words


def ledger_page(story: LedgerStory) -> str:
    """Return the page: a table for each part of the article, then the runs that it was computed from."""
    words = story.words
    parts = [f"# {words.lab('ledger.title')}", words.lab("ledger.made"), f"**{story.counts}**"]
    if story.broken:
        parts.append(f"**{story.broken}**")
    for part, entries in groupby(story.entries, key=lambda one: one.entry.id[0]):
        parts.append(f"## {part} · {words.lab(f'ledger.part.{part}')}")
        parts.append(_table(list(entries), words))
    if story.runs:
        parts.append(f"## {words.lab('ledger.runs')}")
        parts.append("\n".join(_runs(story)))
    parts += [escaped(note) for note in story.notes]
    return "\n\n".join(parts) + "\n"


def _table(entries: list[EntryStory], words: Words) -> str:
    heads = [words.lab(f"claims.{name}") for name in ("claim", "ruling", "says")]
    heads += [words.lab("ledger.reason"), words.lab("end.evidence")]
    rows = [heads, ["---"] * len(heads), *([*_cells(one, words)] for one in entries)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(one: EntryStory, words: Words) -> Iterator[str]:
    yield one.entry.id
    yield f"**{one.label}**"
    yield escaped(one.says)
    cases = [words.lab("claims.case", condition=case.named, holds=case.told) for case in one.cases if case.named]
    yield "<br>".join(escaped(text) for text in (one.reason, *cases, one.still) if text)
    yield "<br>".join(escaped(place.words(words, short=True)) for place in one.places)


def _runs(story: LedgerStory) -> Iterator[str]:
    for run in story.runs:
        begun = datetime.fromtimestamp(run.begun_ns / 1e9, UTC).strftime("%Y-%m-%d")
        yield f"- ex{run.rulings.exercise:02}: {begun}, Linux {run.kernel.partition('-')[0]}"
