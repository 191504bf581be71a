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

    def at(self) -> int:
        """Return the moment at which the step-through stands."""
        found = self.page.get_attribute("#view .current", "data-m")
        assert found is not None
        return int(found)


Open = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open the page of a scene; afterwards nothing may have been asked of anybody, and the console must be empty."""
    everything: list[Opened] = []

    def open_one(
        scene: str | Made | tuple[Timeline, PageRun] = "one", language: str = "en", *, size: tuple[int, int] = WIDE, **context: Any
    ) -> Opened:  # fmt: skip
        one = made(scene, language) if isinstance(scene, str) else scene
        if not isinstance(one, Made):
            one = make(*one, language)
        path = tmp_path / f"page{len(everything)}.html"
        path.write_text(one.document, encoding="utf-8")
        page = browser.new_context(viewport={"width": size[0], "height": size[1]}, **context).new_page()
        page.set_default_timeout(10_000)
        opened = Opened(page, one.timeline)
        page.on("console", lambda message: opened.said.append(message.text))
        page.on("pageerror", lambda error: opened.said.append(str(error)))
        page.on("dialog", lambda dialog: opened.said.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: opened.asked.append(request.url))
        page.goto(path.as_uri())
        everything.append(opened)
        return opened

    yield open_one
    for opened in everything:
        url = opened.page.url.partition("#")[0]
        opened.page.context.close()
        assert opened.said == []
        assert [asked for asked in opened.asked if asked not in (url, "data:,")] == []
