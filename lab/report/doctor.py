"""The doctor's page and its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console

from lab.doctor.finding import Finding, Health
from lab.report.fold import fold
from lab.report.ink import Line, Role, Span, for_encoding, line, pad
from lab.report.style import emit, page_width
from lab.text.catalog import Catalog, messages

_MARKS: Final = {
    Health.OK: Span("✓", Role.PASS),
    Health.NOTE: Span("·", Role.DIM),
    Health.LACKS: Span("–", Role.ASK),
    Health.STOPS: Span("✗", Role.FAIL),
}
FORMAT: Final = 1


def doctor_document(findings: Sequence[Finding], language: str) -> dict[str, Any]:
    """Return the findings with their words as data: `findings[]` with id, health, says and remedy (or null)."""
    texts = messages(language)
    return {
        "format": FORMAT,
        "runs": not any(finding.health is Health.STOPS for finding in findings),
        "findings": [
            {
                "id": finding.id,
                "health": finding.health.value,
                "title": texts.get(f"doctor.{finding.id}.title"),
                "says": _words(texts, finding, "says"),
                "remedy": _words(texts, finding, "remedy"),
                "fields": {name: str(value) for name, value in finding.fields.items()},
            }
            for finding in findings
        ],
    }


def doctor_page(console: Console, findings: Sequence[Finding], language: str) -> None:
    """Print a line per finding, its remedy below it, and at the end whether the lab runs here."""
    texts = messages(language)
    width = page_width(console)
    titles = {finding.id: texts.get(f"doctor.{finding.id}.title") for finding in findings}
    room = max(cell_len(title) for title in titles.values()) + 2
    for finding in findings:
        first, *rest = fold(_words(texts, finding, "says") or "", width - room - 3)
        emit(console, line(_MARKS[finding.health], " ", Span(pad(titles[finding.id], room), Role.STRONG), first))
        remedy = fold(_words(texts, finding, "remedy") or "", width - room - 5)
        for more in [*rest, *(f"→ {part}" if n == 0 else f"  {part}" for n, part in enumerate(remedy) if part)]:
            emit(console, _indented(more, room + 2))
    stops = any(finding.health is Health.STOPS for finding in findings)
    emit(console, ())
    for part in fold(texts.get("doctor.stops" if stops else "doctor.runs"), width):
        emit(console, line(part))


def _indented(text: str, by: int) -> Line:
    return line(" " * by, Span(for_encoding(text, "utf-8"), Role.DIM))


def _words(texts: Catalog, finding: Finding, part: str) -> str | None:
    words = texts.maybe(f"doctor.{finding.id}.{finding.variant}.{part}", **finding.fields)
    return " ".join(words.split()) if words else None
