"""Take the README's picture of a run's page: `python -m tests.page.screenshot report.html picture.png`.

The page is opened from disk in a real browser as it begins, with the lesson's connection, and the walk stands at the
server's ESTAB: the moment that no look of `ss` can catch.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

from tests.page.conftest import FLAGS, chromium

WIDTH, HEIGHT = 1200, 1096
STEPS: Final = 40
ESTAB: Final = "ESTAB"


def take(page_file: Path, picture: Path) -> None:
    """Open the page, walk to the server's ESTAB, and save what the window shows."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), headless=True, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(page_file.resolve().as_uri())
        seen = 0
        for _ in range(STEPS):
            page.keyboard.press("n")
            seen += page.inner_text("#now").startswith(ESTAB)
            if seen == len(("client", "server")):
                break
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]))
