"""A wait for many descriptors on the page: what woke it and what it led to is lit and named."""

from __future__ import annotations

from lab.report.page.run import PageRun
from lab.timeline.model import CallMade, SegmentSent, Timeline
from tests.page.conftest import Open
from tests.unit.timeline.test_wakes import WAIT, reads, several, wait_of, waits


def three() -> Timeline:
    """Three clients, of which each said something before the server looked."""
    return several(waits(WAIT, 126, 3), reads(0, 130), reads(1, 134), reads(2, 138))


def test_it_lights_what_made_three_descriptors_ready_and_what_serves_them(open_page: Open) -> None:
    line = three()
    opened = open_page((line, PageRun((), (), {}, ())))
    opened.press("a", "3")
    wait = wait_of(line, 3)
    opened.page.focus(f"#view [data-m='{wait.number}']")
    lit = [line.moments[number].what for number in opened.lit() - {wait.number}]
    assert sorted(each.name for each in lit if isinstance(each, CallMade)) == ["recv"] * 3
    assert [each.segment.length for each in lit if isinstance(each, SegmentSent)] == [5] * 3
    assert opened.page.locator("#view .link").count() == 6


def test_it_stands_in_the_walk_of_each_of_them_and_names_them_all(open_page: Open) -> None:
    line = three()
    opened = open_page((line, PageRun((), (), {}, ())))
    opened.page.click("#talk-list [data-row='1']")
    told = set()
    for _ in line.moments:
        opened.press("n")
        told.add(opened.text("#now .said"))
    named = "they are 5 (client a), 6 (port 58133), 7 (port 58134)."
    assert len([each for each in told if each.endswith(named)]) == 1
