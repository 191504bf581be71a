"""The step-through: whatever record it comes to, the record and what is told of it are seen together."""

from __future__ import annotations

import pytest

from tests.page.conftest import Made, Open, Stop
from tests.page.saved import saved

LOW = (1024, 600)
WINDOWS = ((1440, 900), LOW, (360, 740))
ROUNDED = 1.5
GUTTER = 70
"""How much of the picture's left the names of the lanes take at least."""


def hidden(stop: Stop, size: tuple[int, int]) -> str:
    """Say what of a record is not to be seen in a window of that size; nothing when all is."""
    if stop.record is None:
        return "it is not drawn"
    left, top, right, bottom = stop.record
    if not (stop.told[1] >= -ROUNDED and stop.told[3] <= size[1] + ROUNDED):
        return f"what is told of it: {stop.told}"
    if not (top >= stop.told[3] - ROUNDED and bottom <= size[1] + ROUNDED):
        return f"up or down: {stop.record}, told {stop.told}"
    if not (right >= stop.picture[0] + GUTTER and left <= min(stop.picture[2], size[0])):
        return f"left or right: {stop.record}"
    return ""


@pytest.mark.parametrize(
    ("run", "keys", "most", "size"),
    [
        *(("ex03", "", 1_000, size) for size in WINDOWS),
        ("ex03", "a", 30, LOW),
        ("models", "", 30, LOW),
        ("nine", "0", 40, LOW),
    ],
)
def test_each_record_stands_in_the_window_under_what_is_told_of_it(
    open_page: Open, run: str, keys: str, most: int, size: tuple[int, int]
) -> None:
    page: str | Made = run if run == "nine" else saved(run, "en")
    opened = open_page(page, size=size)
    opened.press(*keys)
    stops = opened.walk(most)
    assert len(stops) >= min(most, 40)
    seen = [(stop.position, stop.what, hidden(stop, size)) for stop in stops]
    assert [stop for stop in seen if stop[2]] == []


def test_a_picture_that_fits_stands_still_while_one_walks(open_page: Open) -> None:
    opened = open_page(saved("ex03", "en"), size=(1440, 900))
    opened.press("n")
    opened.page.evaluate("scrollTo(0, document.getElementById('scroller').getBoundingClientRect().top - 200)")
    assert len({stop.picture[1] for stop in opened.walk()}) == 1


def test_the_current_record_is_never_one_of_several_drawn_as_one(open_page: Open) -> None:
    opened = open_page("nine")
    opened.press("2", "0")
    assert opened.page.locator("#view [data-many]").count() > 20
    stops = opened.walk(40)
    assert [stop.moment for stop in stops] == [each.number for each in opened.timeline.moments[:40]]
    assert not [stop for stop in stops if stop.record is None]


def test_who_reads_in_the_list_of_records_stays_there(open_page: Open) -> None:
    opened = open_page("one", size=(1024, 600))
    opened.page.focus("#record-list")
    opened.page.evaluate("document.getElementById('record-list').scrollIntoView({ block: 'center' })")
    before = opened.page.evaluate("scrollY")
    opened.press("ArrowDown", "ArrowDown", "PageDown")
    assert opened.page.evaluate("scrollY") == pytest.approx(before, abs=150)
    listed = opened.page.locator("#record-list").bounding_box()
    assert listed is not None
    assert 0 < listed["y"] + listed["height"] / 2 < 600
    assert opened.page.locator("#now .what").is_visible()
