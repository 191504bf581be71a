"""The page that `lab report` writes of a real run, one of those that are kept for the tests."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli import main
from lab.errors import EXIT_PASS
from lab.evidence.store import load
from lab.report.page.run import run_of
from lab.settings import ROOT
from lab.text.catalog import LANGUAGES
from lab.timeline.build import build_timeline
from tests.page.conftest import Made, Open, Opened

RUN = ROOT / "tests" / "fixtures" / "runs" / "ex03"


@pytest.fixture(params=LANGUAGES)
def written(request: pytest.FixtureRequest, open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    monkeypatch.setenv("LAB_LANG", request.param)
    path = tmp_path / "report.html"
    assert main(["report", str(RUN), "--html", str(path)]) == EXIT_PASS
    return open_page(Made(build_timeline(load(RUN)), path.read_text(encoding="utf-8")))


def test_it_begins_with_the_connections_that_the_exercise_speaks_of(written: Opened) -> None:
    named = [talk.number for talk in written.timeline.talks if talk.name]
    chosen = written.page.eval_on_selector_all(
        "#talk-list [aria-selected=true]", "all => all.map(one => +one.dataset.row)"
    )
    assert chosen == named
    written.press("a")
    assert str(len(written.timeline.talks)) in written.text("#chosen")


def test_each_expectation_that_a_capture_or_ss_proves_has_its_place(written: Opened) -> None:
    marks = 0
    for number, button in enumerate(written.page.query_selector_all(".check")):
        if button.query_selector(".place"):
            continue
        button.click()
        shown = written.page.locator("#view .proofline").count()
        assert shown, written.page.locator(".check").nth(number).text_content()
        marks += 1
    assert marks > 12


def test_every_record_of_a_real_run_can_be_told(written: Opened) -> None:
    written.press("a")
    written.page.focus("#record-list")
    seen = set()
    for _ in range(400):
        written.press("PageDown")
        at = written.page.inner_text("#record-list .at")
        if at in seen:
            break
        seen.add(at)
        assert "undefined" not in at
        assert "{" not in written.text("#now")
    assert len(seen) > 10


def test_a_clock_that_is_not_the_captures_is_told_with_each_record(open_page: Open) -> None:
    evidence = load(RUN)
    assert evidence.kernel is not None
    record = replace(evidence.kernel)
    record.__dict__["trace"] = replace(evidence.kernel.trace, clock="mono", precision_ns=800)
    evidence = replace(evidence, kernel=record)
    line = build_timeline(evidence)
    opened = open_page((line, run_of(evidence, ())))
    said = set()
    for _ in range(60):
        opened.press("n")
        said |= set(re.findall(r"told by (.*? · (?:exact|± \d+ ns|at the segment’s time))", opened.text("#now")))
    assert said == {
        "the kernel’s tracer · ± 800 ns",
        "the captures · exact",
        "inferred from the segments · at the segment’s time",
        "a look of ss · at the segment’s time",
    }
