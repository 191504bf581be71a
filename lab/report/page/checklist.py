"""The expectations as a list beside the picture: what held, why it should, and for what did not, what was seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from lab.judge.verdict import Comparison, Pair, Verdict
from lab.report.checks import MARKS, NOT_REACHED, Check
from lab.report.ending import slug
from lab.report.markup import escape
from lab.report.page.proofs import Proof
from lab.report.story import Story
from lab.report.words import Words
from lab.text.catalog import Catalog

_CODE: Final = re.compile(r"`([^`]+)`")


def checklist(story: Story, proved: Mapping[str, Proof], texts: Catalog) -> str:
    """Return the list as HTML, step by step in the story's order; those of no step come last."""
    parts = list(_groups(story, proved, texts))
    if not parts:
        parts = [f'<p class="note">{escape(texts.get("page.checks.none"))}</p>']
    else:
        parts.insert(0, f'<p class="hint">{escape(texts.get("page.checks.hint"))}</p>')
    heading = escape(texts.get("page.checks.heading"))
    return "\n".join(
        (
            '<section id="checks" aria-labelledby="checks-title">',
            f'<h2 id="checks-title">{heading}</h2>',
            *parts,
            "</section>",
        )
    )


def with_code(text: str) -> str:
    """Return a text as HTML: what stands between backticks is code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _groups(story: Story, proved: Mapping[str, Proof], texts: Catalog) -> Iterator[str]:
    for step in story.steps:
        if step.checks:
            yield _group(f"{step.number} {step.title}", step.checks, proved, story.words, texts)
    if story.loose:
        yield _group(story.words.lab("step.loose"), story.loose, proved, story.words, texts)


def _group(title: str, checks: Iterable[Check], proved: Mapping[str, Proof], words: Words, texts: Catalog) -> str:
    items = "\n".join(f"<li>{_item(check, proved.get(check.id), words, texts)}</li>" for check in checks)
    return f"<h3>{escape(title)}</h3>\n<ul>\n{items}\n</ul>"


def _item(check: Check, proof: Proof | None, words: Words, texts: Catalog) -> str:
    verdict = slug(check.verdict) if check.reached else slug(Verdict.CANNOT_RUN)
    mark = MARKS[check.verdict] if check.reached else NOT_REACHED
    said = words.lab(f"verdict.{slug(check.verdict)}") if check.reached else words.lab("check.not-reached")
    parts = [
        f'<span class="mark {verdict}" role="img" aria-label="{escape(said)}">{mark}</span>',
        f'<span class="title">{with_code(check.title)}</span>',
        f'<span class="why">{with_code(check.why)}</span>' if check.why else "",
        "" if proof is not None and proof.placed else _without_place(check, proof, texts),
    ]
    button = f'<button type="button" class="check" aria-pressed="false">{"".join(parts)}</button>'
    return button + ("" if check.verdict is Verdict.PASS or not check.reached else _wrong(check, words))


def _without_place(check: Check, proof: Proof | None, texts: Catalog) -> str:
    """Say why the picture shows no place of it, and what proves it instead."""
    why = "" if proof is None or not proof.lacks else texts.get(f"page.checks.lacks.{proof.lacks}")
    whole = texts.get("page.checks.whole-run" if check.step is None else "page.checks.whole-step")
    return f'<span class="place">{escape(why or whole)}</span>'


def _wrong(check: Check, words: Words) -> str:
    looks = "<br>".join(escape(look).replace("/", "/<wbr>") for look in check.look)
    rows = [("expected", with_code(check.expected)), ("observed", with_code(check.observed)), ("look", looks)]
    rows.append(("hint", with_code(check.hint or "")))
    told = "".join(f"<dt>{escape(words.lab(f'check.{key}'))}</dt><dd>{text}</dd>" for key, text in rows if text)
    table = "" if check.comparison is None else _comparison(check.comparison, words)
    return f'<div class="wrong"><dl>{told}</dl>{table}</div>'


def _comparison(comparison: Comparison, words: Words) -> str:
    heads = "".join(f"<th>{escape(column)}</th>" for column in comparison.columns)
    rows = "".join(row for pair in comparison.pairs for row in _pair(pair, words))
    table = f"<table><thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="compare" tabindex="0">{table}</div>'


def _pair(pair: Pair, words: Words) -> Iterator[str]:
    if pair.agrees and pair.observed is not None:
        yield _row(words.lab("check.both"), pair.observed, frozenset())
    elif pair.observed is None and pair.expected is not None:
        yield _row(words.lab("check.missing"), pair.expected, frozenset(range(len(pair.expected))))
    elif pair.expected is None and pair.observed is not None:
        yield _row(words.lab("check.unexpected"), pair.observed, frozenset(range(len(pair.observed))))
    elif pair.expected is not None and pair.observed is not None:
        yield _row(words.lab("check.expected"), pair.expected, frozenset())
        yield _row(words.lab("check.observed"), pair.observed, pair.differs)


def _row(side: str, cells: tuple[str, ...], differs: frozenset[int]) -> str:
    told = "".join(
        f'<td class="differs">{escape(cell)}</td>' if index in differs else f"<td>{escape(cell)}</td>"
        for index, cell in enumerate(cells)
    )
    return f'<tr><td class="side">{escape(side)}</td>{told}</tr>'
