"""The report's texts: the same ids with the same fields in every language, and every id the code asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import lab.report
from lab.exercise import TERMINALS
from lab.judge.claims import Holds, Ruling
from lab.judge.verdict import Verdict
from lab.report import live
from lab.report.calls import CallWords
from lab.report.costs import CostWords
from lab.report.ledger import PassedOver
from lab.report.spent import SpentWords
from lab.report.timeline_text import LACKS
from lab.text.catalog import LANGUAGES, messages
from lab.wire.machine import Event

REASONS = ("did-not-listen", "not-connected", "no-answer", "ended-early", "did-not-end", "took-all-processes")


def flat(table: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{at}{name}.")
        else:
            yield f"{at}{name}", value


def catalog(language: str) -> dict[str, str]:
    """Return the room's texts by id, those for each claim and for what breaks left out: other tests hold them."""
    texts = dict(flat(messages(language).table("report")))
    return {
        key: text for key, text in texts.items() if not key.startswith(("ledger.claim.", "ledger.part.", "breaks."))
    }


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_the_languages_have_the_same_ids_with_the_same_fields() -> None:
    english = {key: fields(text) for key, text in catalog("en").items()}
    for language in LANGUAGES[1:]:
        assert {key: fields(text) for key, text in catalog(language).items()} == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language: str) -> None:
    assert [key for key, text in catalog(language).items() if not text.strip()] == []


def test_every_id_in_the_code_is_in_the_catalog_and_no_other_is() -> None:
    asked: set[str] = set()
    for path in Path(lab.report.__file__).parent.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r"words\.lab\(\s*[\"']([^\"'{]+)[\"']", source)) | set(
            re.findall(r'"report\.([^"{]+)"', source)
        )
        for key in re.findall(r'words\.plural(?:\(|, )\s*"([^"]+)"', source):
            asked |= {f"{key}.one", f"{key}.many"}
    verdicts = [verdict.replace(" ", "-") for verdict in Verdict]
    asked |= {f"verdict.{verdict}{tail}" for verdict in verdicts for tail in ("", "-count.one", "-count.many")}
    asked |= {f"ruling.{ruling.replace(' ', '-')}" for ruling in Ruling}
    asked |= {f"holds.{holds.replace(' ', '-')}" for holds in Holds}
    asked |= {f"{kind}{name}" for kind in ("terminal.", "hand.purpose-") for name in TERMINALS}
    asked |= {f"map.{name}" for name in ("connects", "listens", "first", "second")}
    asked |= {f"map.event.{event.name}" for event in Event} | {"machine.client", "machine.server"}
    asked |= {f"timeline.lacks.{code}" for code in LACKS}
    asked |= {f"live.lacks.{code}" for code in live.LACKS} | {f"live.notes.{code}" for code in live.NOTES}
    asked |= {f"check.{name}" for name in ("expected", "observed", "both", "missing", "unexpected", "normally")}
    asked |= {f"claims.{name}{tail}" for name in ("says", "instead") for tail in ("", "-short")}
    asked |= {f"calls.{name}" for name in CallWords._fields} | {f"costs.{name}" for name in CostWords._fields}
    asked |= {f"spent.{name}" for name in SpentWords._fields}
    drawing = (Path(lab.report.__file__).parent / "waits.py").read_text(encoding="utf-8")
    asked |= {f"waits.{name}" for name in re.findall(r'says?\("([a-z-]+)"', drawing)}
    asked |= {f"waits.{found}-{kind}" for found in ("nothing", "there") for kind in ("many", "accept", "one")}
    asked |= {f"waits.came-{kind}" for kind in ("data", "end", "opened")}
    asked |= {f"series.{verdict}.{count}" for verdict in verdicts for count in ("one", "many")}
    passed = [f"ledger.passed.{why}" for why in PassedOver if why is not PassedOver.DAMAGED]
    asked |= {f"{key}.{count}" for key in passed for count in ("one", "many")}
    asked |= {"claims.claim", "claims.ruling", "ladder.too-short", "ladder.not-seen", "step.right", "step.wrong"}
    asked |= {f"stop.{name}" for name in (*REASONS, "client", "server", "not-printed", "row")}
    known = set(catalog("en"))
    # What ends an HTTP message, and what its start line is: found by names that the message itself has.
    known -= {key for key in known if key.startswith("http.ended-")} | {"http.request-line", "http.status-line"}
    assert sorted(asked ^ known) == []
