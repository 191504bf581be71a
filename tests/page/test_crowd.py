"""Two thousand connections: the page stays light, whatever is done with it."""

from __future__ import annotations

import re
import sys
from typing import Final

import pytest

from tests.page.conftest import Open, Opened

MOST_ELEMENTS: Final = 4_000
MOST_BYTES: Final = 5_000_000
MOST_LOADING_MS: Final = 20_000
MOST_BLOCKED_MS: Final = 5_000
"""Far above what any machine needs, and below what a reader takes for a page that hangs."""

ELEMENTS = "document.querySelectorAll('*').length"
LOADED = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
DONE = """act => new Promise(done => {
  const begun = performance.now();
  new Function(act)();
  document.getElementById("view").getBoundingClientRect();
  const drawn = performance.now() - begun;
  requestAnimationFrame(() => setTimeout(() => done([drawn, performance.now() - begun])));
})"""
PRESS = "document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key: {!r}, bubbles: true }}))"
NAMES: Final = {"+": "zoom in", "-": "zoom out", "0": "fit", "n": "next", "a": "all", "e": "an expectation"}
ONE: Final = "document.querySelector('#talk-list [data-row=\"2\"]').click()"
FEW: Final = "document.querySelector('#talk-list [data-row=\"4\"]').dispatchEvent(new MouseEvent('click', { shiftKey: true, bubbles: true }))"
FOUND: Final = "const f = document.getElementById('filter'); f.value = {!r}; f.dispatchEvent(new Event('input'))"
SCROLLED: Final = "document.getElementById('scroller').scrollTop = {}"


@pytest.fixture(scope="module")
def loaded(open_once: Open) -> Opened:
    return open_once("crowd")


@pytest.fixture
def crowd(loaded: Opened) -> Opened:
    """The page as it was opened: all connections, fitted, at the top, nothing highlighted."""
    loaded.page.evaluate(FOUND.format(""))
    loaded.page.evaluate("document.activeElement.blur()")
    loaded.press("Escape", "a", "1", "0")
    return loaded


def test_two_thousand_connections_neither_make_the_page_heavy_nor_freeze_it(
    crowd: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    page, timeline = crowd.page, crowd.timeline
    assert len(timeline.talks) == 2_000
    assert len(timeline.moments) > 50_000
    assert page.evaluate("document.getElementById('data').textContent.length") < MOST_BYTES
    loading = page.evaluate(LOADED)
    times: dict[str, float] = {}
    most = page.evaluate(ELEMENTS)
    acts = [(NAMES.get(key, f"scale {key}"), PRESS.format(key)) for key in "+++-++++++n2++310en"]
    acts += [
        ("one chosen", ONE),
        ("three chosen", FEW),
        ("all", PRESS.format("a")),
        ("found", FOUND.format("21234")),
        ("found", FOUND.format("")),
    ]
    acts += [("scrolled", SCROLLED.format(top)) for top in (5_000, 20_000, 41_000)]
    for name, act in acts:
        drawn, shown = page.evaluate(DONE, act)
        times[name] = max(times.get(name, 0), shown)
        times[f"{name} (drawing)"] = max(times.get(f"{name} (drawing)", 0), drawn)
        most = max(most, page.evaluate(ELEMENTS))
    with capsys.disabled():
        told = ", ".join(f"{name} {time:.0f} ms" for name, time in times.items())
        sys.stdout.write(
            f"\n  2,000 connections, {len(timeline.moments)} records, {most} elements at most: loaded {loading:.0f} ms, {told}\n"
        )
    assert most < MOST_ELEMENTS
    assert loading < MOST_LOADING_MS
    assert {name: time for name, time in times.items() if time > MOST_BLOCKED_MS} == {}


def test_one_of_them_is_found_and_walked_through(crowd: Opened) -> None:
    page = crowd.page
    page.fill("#filter", "21234")
    assert page.locator("#talk-list .row").count() == 1
    page.click("#talk-list-0")
    assert page.locator("[data-lane]").count() == 5
    talk = next(each for each in crowd.timeline.talks if each.client.port == 21234)
    page.focus("#record-list")
    page.keyboard.press("End")
    assert crowd.at() == talk.moments[-1]


def test_what_stands_too_close_together_is_drawn_as_one_and_says_how_many(crowd: Opened) -> None:
    crowd.press("0")
    assert crowd.page.locator("#view [data-many]").count() > 20
    box = crowd.page.locator("#view [data-row=calls] [data-many] >> nth=5").bounding_box()
    assert box is not None
    crowd.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert "zoom in" in crowd.text("#tip")


def test_a_queue_that_was_long_for_a_moment_is_drawn_long_for_a_moment(crowd: Opened) -> None:
    crowd.press("0")
    path = crowd.page.locator("#view [data-row=queue] .level >> nth=1").get_attribute("d") or ""
    heights = [float(each) for each in re.findall(r"V([\d.]+)", path)]
    waiting = next(queue for queue in crowd.timeline.queues if queue.talk is None)
    assert len(set(heights)) > 2
    assert waiting.levels[-1].value == 0
    assert heights[-1] == max(heights)


def test_a_record_of_one_far_down_is_brought_into_sight(crowd: Opened) -> None:
    crowd.page.focus("#scroller")
    crowd.press("End")
    here = crowd.page.locator("#view rect.here").bounding_box()
    window = crowd.page.locator("#scroller").bounding_box()
    assert here is not None
    assert window is not None
    assert window["y"] < here["y"] < window["y"] + window["height"]
