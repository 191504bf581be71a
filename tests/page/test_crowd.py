"""Two thousand connections: the page stays light, whatever is done with it."""

from __future__ import annotations

import re
import sys
from typing import Final

import pytest

from tests.page.conftest import Open

MOST_ELEMENTS: Final = 4_000
MOST_BYTES: Final = 5_000_000

ELEMENTS = "document.querySelectorAll('*').length"
LOADED = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
PRESSED = """key => new Promise(done => {
  const begun = performance.now();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  document.getElementById("view").getBoundingClientRect();
  const drawn = performance.now() - begun;
  requestAnimationFrame(() => setTimeout(() => done([drawn, performance.now() - begun])));
})"""


def test_two_thousand_connections_do_not_make_the_page_heavy(
    open_page: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = open_page("crowd")
    page, timeline = opened.page, opened.timeline
    assert len(timeline.talks) == 2_000
    assert len(timeline.moments) > 50_000
    assert page.evaluate("document.getElementById('data').textContent.length") < MOST_BYTES
    times = {
        "loaded": page.evaluate(LOADED),
        "painted": page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"),
    }
    most = page.evaluate(ELEMENTS)
    for key in ("+", "+", "+", "-", "+", "+", "+", "+", "+", "+", "n", "2", "+", "+", "3", "1", "0"):
        drawn, shown = page.evaluate(PRESSED, key)
        name = {"+": "zoom in", "-": "zoom out", "0": "fit", "n": "next"}.get(key, f"scale {key}")
        times[name] = max(times.get(name, 0), shown)
        times[f"{name} (drawing)"] = max(times.get(f"{name} (drawing)", 0), drawn)
        most = max(most, page.evaluate(ELEMENTS))
    for top in (0, 5_000, 20_000, 41_000):
        page.evaluate("top => { document.getElementById('scroller').scrollTop = top }", top)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        most = max(most, page.evaluate(ELEMENTS))
    with capsys.disabled():
        told = ", ".join(f"{name} {time:.0f} ms" for name, time in times.items())
        sys.stdout.write(f"\n  2,000 connections, {len(timeline.moments)} records, {most} elements at most: {told}\n")
    assert most < MOST_ELEMENTS


def test_one_of_them_is_found_and_walked_through(open_page: Open) -> None:
    opened = open_page("crowd")
    page = opened.page
    page.fill("#filter", "21234")
    assert page.locator("#talk-list .row").count() == 1
    page.click("#talk-list-0")
    assert page.locator("[data-lane]").count() == 5
    talk = next(each for each in opened.timeline.talks if each.client.port == 21234)
    page.focus("#record-list")
    page.keyboard.press("End")
    assert opened.at() == talk.moments[-1]


def test_what_stands_too_close_together_is_drawn_as_one_and_says_how_many(open_page: Open) -> None:
    opened = open_page("crowd")
    opened.press("0")
    assert opened.page.locator("#view [data-many]").count() > 20
    box = opened.page.locator("#view [data-row=calls] [data-many] >> nth=5").bounding_box()
    assert box is not None
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert "zoom in" in opened.text("#tip")


def test_a_queue_that_was_long_for_a_moment_is_drawn_long_for_a_moment(open_page: Open) -> None:
    opened = open_page("crowd")
    opened.press("0")
    path = opened.page.locator("#view [data-row=queue] .level >> nth=1").get_attribute("d") or ""
    heights = [float(each) for each in re.findall(r"V([\d.]+)", path)]
    waiting = next(queue for queue in opened.timeline.queues if queue.talk is None)
    assert len(set(heights)) > 2
    assert waiting.levels[-1].value == 0
    assert heights[-1] == max(heights)


def test_a_record_of_one_far_down_is_brought_into_sight(open_page: Open) -> None:
    opened = open_page("crowd")
    opened.page.focus("#scroller")
    opened.press("End")
    here = opened.page.locator("#view rect.here").bounding_box()
    window = opened.page.locator("#scroller").bounding_box()
    assert here is not None
    assert window is not None
    assert window["y"] < here["y"] < window["y"] + window["height"]
