"""The page that `lab report` writes of a real run, one of those that are kept for the tests."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from lab.recording.store import load
from lab.report.page.run import run_of
from lab.settings import ROOT
from lab.text.catalog import LANGUAGES, messages
from tests.page.conftest import Open, Opened
from tests.page.saved import saved
from tests.records import changed, timeline_of

RUN = ROOT / "tests" / "fixtures" / "runs" / "ex03"

CHOSEN = """() => [...document.querySelectorAll(".check")].map(button => {
  button.click();
  const told = document.getElementById("now").innerText, window = document.getElementById("scroller").getBoundingClientRect();
  const spots = [...document.querySelectorAll("#view .spot.proof")].map(one => { const b = one.getBoundingClientRect(); return b.left > window.left && b.right < window.right; });
  return {
    title: button.querySelector(".title").innerText, place: (button.querySelector(".place") || { innerText: "" }).innerText,
    lines: document.querySelectorAll("#view .proofline").length, spots, told,
  };
})"""
LISTED = """() => {
  const list = document.getElementById("record-list"), told = new Map();
  for (let top = 0; top < list.scrollHeight; top += list.clientHeight) {
    list.scrollTop = top;
    list.dispatchEvent(new Event("scroll"));
    for (const row of list.querySelectorAll("[data-row]")) told.set(+row.dataset.row, row.textContent);
  }
  return [...told.values()];
}"""


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def written(language: str, open_page: Open) -> Opened:
    return open_page(saved("ex03", language))


def test_it_begins_with_the_connection_that_the_lesson_draws(written: Opened) -> None:
    (first,) = (talk.number for talk in written.timeline.talks if talk.name == "a")
    chosen = "all => all.map(one => +one.dataset.row)"
    assert written.page.eval_on_selector_all("#talk-list [aria-selected=true]", chosen) == [first]
    written.press("a")
    assert str(len(written.timeline.talks)) in written.text("#chosen")


def test_each_expectation_has_its_place_or_a_reason_why_it_has_none(written: Opened, language: str) -> None:
    found: list[dict[str, Any]] = written.page.evaluate(CHOSEN)
    without = [each for each in found if each["place"]]
    assert [each["place"] for each in without] == [messages(language).get("page.checks.lacks.totals")]
    for each in found:
        assert each["title"] in each["told"]
        if not each["place"]:
            assert each["lines"], each
            assert all(each["spots"]), each


def test_what_a_program_printed_and_how_it_ended_are_places_and_are_told(written: Opened, language: str) -> None:
    found = [each for each in written.page.evaluate(CHOSEN) if each["spots"]]
    told = "\n".join(each["told"] for each in found)
    assert "HELLO" in told
    assert "Address already in use" in told
    assert messages(language).get("judge.exited", party="strict", status=1) in told
    assert len(found) == 4
    written.press("0")
    spot = written.page.locator("#view .spot >> nth=0")
    spot.hover()
    assert str(spot.get_attribute("aria-label")) in written.text("#tip")


def test_every_record_of_a_real_run_can_be_told(written: Opened) -> None:
    written.press("a")
    told = written.page.evaluate(LISTED)
    assert len(told) == len(written.timeline.moments)
    assert [each for each in told if "undefined" in each or "{" in each] == []
    written.press("n", "End")
    written.page.focus("#record-list")
    written.press("End")
    assert written.text("#now .said") in " ".join(told[-1].split())


def test_a_clock_that_is_not_the_captures_is_told_with_each_record(open_page: Open) -> None:
    evidence = load(RUN)
    assert evidence.recording.kernel is not None
    told = replace(evidence.recording.kernel.trace, clock="mono", precision_ns=800)
    evidence = changed(evidence, kernel=replace(evidence.recording.kernel, content=told))
    line = timeline_of(evidence)
    opened = open_page((line, run_of(evidence, ())))
    said = set()
    for _ in range(60):
        opened.press("n")
        said |= set(re.findall(r"source (.*? · (?:exact|± \d+ ns|at the segment’s time))", opened.text("#now")))
    assert said == {
        "the kernel’s tracer · ± 800 ns",
        "the captures · exact",
        "inferred from the segments · at the segment’s time",
        "a look of ss · at the segment’s time",
    }
