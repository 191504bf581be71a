"""A real Chromium, without a window, that opens the page from disk as a reader does."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lab.report.page.document import page_document
from lab.report.page.run import PageRun
from lab.timeline.model import Timeline
from tests.page import scenes, stories

FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDE: Final = (1440, 1000)


def chromium() -> str:
    """Return the browser's path; what lab/setup/chromium.sh looks for."""
    names = (os.environ.get("LAB_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    assert found, "no Chromium here: bash lab/setup/chromium.sh"
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests, with an empty profile of its own that goes with it."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), headless=True, args=FLAGS)
        yield started
        started.close()


WALK: Final = """most => {
  const next = document.getElementById("next"), stops = [];
  const box = each => { const b = each.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
  const line = each => each.innerText.split(/\\s+/).join(" ").trim();
  while (stops.length < most && !next.disabled) {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true, cancelable: true }));
    const drawn = document.querySelector("#view .current"), told = document.querySelector("#now");
    const shown = drawn ? drawn.querySelector(".line, .bar, .band") || drawn : document.querySelector("#view rect.here, #view .herehead");
    stops.push({
      moment: drawn ? +drawn.dataset.m : null, position: line(document.querySelector("#position")), what: line(told.querySelector(".what")),
      said: line(told.querySelector(".said")), record: shown && box(shown), told: box(told), picture: box(document.querySelector("#scroller")),
    });
  }
  return stops;
}"""
"""Walks by the key's event, all in one go: a round trip for each key would be most of the time."""


@dataclass(frozen=True)
class Stop:
    """A record on the walk; boxes are left, top, right, bottom in the window. `moment`: None where a row stands for it."""

    moment: int | None
    position: str
    what: str
    said: str
    record: list[float] | None
    told: list[float]
    picture: list[float]


@dataclass(frozen=True)
class Made:
    """A scene's timeline, and its page."""

    timeline: Timeline
    document: str


def make(timeline: Timeline, run: PageRun, language: str) -> Made:
    return Made(timeline, page_document(stories.a_story(language, run.results), timeline, run, language))


@functools.cache
def made(scene: str, language: str) -> Made:
    """Return the page of the scene of that name, made once."""
    timeline, run = getattr(scenes, scene)()
    return make(timeline, replace(run, results=stories.results()), language)


@dataclass
class Opened:
    """A page that is open, and what it did that a page must not do."""

    page: Page
    timeline: Timeline
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        """Return the text that is shown there, on one line."""
        return " ".join(self.page.inner_text(selector).split())

    def press(self, *keys: str) -> None:
        """Press keys one after another."""
        for key in keys:
            self.page.keyboard.press(key)

    def spot(self, number: int) -> tuple[float, float]:
        """Return where in the window the pointer is on this moment: an arrow is thinner than the box around it."""
        x, y = self.page.evaluate(
            """number => {
              const group = document.querySelector(`#view [data-m="${number}"]`), line = group.querySelector(".line");
              if (!line) { const b = (group.querySelector(".band, .bar") || group).getBoundingClientRect(); return [b.x + 3, b.y + b.height / 2]; }
              const at = line.getPointAtLength(line.getTotalLength() * .1).matrixTransform(line.getScreenCTM());
              return [at.x, at.y];
            }""",
            number,
        )
        return x, y

    def lit(self, name: str = "lit") -> set[int]:
        """Return the moments that are lit in the picture."""
        numbers = self.page.eval_on_selector_all(f"#view .{name}[data-m]", "all => all.map(one => +one.dataset.m)")
        return set(numbers)

    def walk(self, most: int = 1_000) -> list[Stop]:
        """Walk on to the last record, at most so many, and return what the page shows at each."""
        return [Stop(**stop) for stop in self.page.evaluate(WALK, most)]

    def at(self) -> int:
        """Return the moment at which the step-through stands."""
        found = self.page.get_attribute("#view .current", "data-m")
        assert found is not None
        return int(found)


Open = Callable[..., Opened]
Key = tuple[tuple[str, Any], ...]


class Pages:
    """Pages that tests use one after another: to open another document in one is far cheaper than to make one."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser, self._folder = browser, folder
        self._pages: dict[Key, Page] = {}
        self._files: dict[str, Path] = {}
        self._opened: dict[Page, Opened] = {}

    def open(self, made: Made, size: tuple[int, int], context: dict[str, Any], *, own: bool) -> Opened:
        """Open a document in a page of these settings; `own`: in one that no other test gets."""
        key = tuple(sorted(context.items()))
        page = None if own else self._pages.get(key)
        if page is None:
            page = self._new(context)
            if not own:
                self._pages[key] = page
        page.mouse.move(0, 0)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        opened = self._opened[page] = Opened(page, made.timeline)
        page.goto(self._file(made.document).as_uri())
        return opened

    def _file(self, document: str) -> Path:
        if document not in self._files:
            path = self._files[document] = self._folder / f"page{len(self._files)}.html"
            path.write_text(document, encoding="utf-8")
        return self._files[document]

    def _new(self, context: dict[str, Any]) -> Page:
        page = self._browser.new_context(**context).new_page()
        page.set_default_timeout(10_000)

        def say(text: str) -> None:
            self._opened[page].said.append(text)

        page.on("console", lambda message: say(message.text))
        page.on("pageerror", lambda error: say(str(error)))
        page.on("dialog", lambda dialog: say(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self._opened[page].asked.append(request.url))
        return page


@pytest.fixture(scope="session")
def pages(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    return Pages(browser, tmp_path_factory.mktemp("pages"))


def opening(pages: Pages) -> Iterator[Open]:
    """Open the page of a scene; afterwards nothing may have been asked of anybody, and the console must be empty."""
    everything: list[tuple[Opened, str]] = []

    def open_one(
        scene: str | Made | tuple[Timeline, PageRun] = "one", language: str = "en", *,
        size: tuple[int, int] = WIDE, own: bool = False, **context: Any,
    ) -> Opened:  # fmt: skip
        one = made(scene, language) if isinstance(scene, str) else scene
        if not isinstance(one, Made):
            one = make(*one, language)
        opened = pages.open(one, size, context, own=own)
        everything.append((opened, opened.page.url))
        return opened

    yield open_one
    for opened, url in everything:
        assert opened.said == []
        assert [asked for asked in opened.asked if asked not in (url, "data:,")] == []


@pytest.fixture
def open_page(pages: Pages) -> Iterator[Open]:
    """For one test."""
    yield from opening(pages)


@pytest.fixture(scope="module")
def open_once(pages: Pages) -> Iterator[Open]:
    """For all tests of a module: in a page of its own, which nobody else opens another document in."""
    for open_one in opening(pages):
        yield functools.partial(open_one, own=True)
