#!/usr/bin/env python3
"""Open a page in a real browser without a window, print what it made of the page, and end.

The browser is Chromium, as the distribution packages it. It is told to ask nobody but the page's own server. The host's
guard would stop anything else, but a browser that looks for its maker's servers first is slower and prints complaints.
"""

import argparse
import os

FOLDER = f"/tmp/browse-{os.getuid()}"  # all that it writes: the lab removes it with the browser itself
QUIET = (
    "--headless",  # no window
    "--no-sandbox",  # the host has no privilege that Chromium's own sandbox could be made of; the host is the sandbox
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-features=OptimizationHints,MediaRouter,AutofillServerCommunication",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--no-proxy-server",
    "--accept-lang=zh-CN,zh,en,cy",  # the languages of the article's own browser
    "--log-level=3",
)


def main() -> None:
    """Become the browser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("path", nargs="?", default="/")
    options = parser.parse_args()

    own = (
        f"--user-data-dir={FOLDER}/{os.getpid()}",
        f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {options.host}",  # no other name is looked up
    )
    url = f"http://{options.host}:{options.port}{options.path}"
    print("opening", url, flush=True)
    # From here on this process is the browser.
    os.makedirs(FOLDER, exist_ok=True)
    os.environ |= {"HOME": FOLDER, "XDG_CACHE_HOME": FOLDER, "TMPDIR": FOLDER}
    os.execvp("chromium", ["chromium", *QUIET, *own, "--dump-dom", url])  # noqa: S606 - this process becomes it


main()
