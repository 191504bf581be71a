"""The command `watch`: the article's `watch` of `ss`, on both hosts side by side, what changed marked."""

from __future__ import annotations

import contextlib
import itertools
import threading
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from lab.errors import EXIT_PASS
from lab.hosts.looker import Lookers
from lab.hosts.why import explained
from lab.report.watch import watch_view
from lab.settings import HOSTS, Settings
from lab.text.catalog import messages

SECONDS: Final = 1.0


def watch(settings: Settings, *, looks: int | None = None) -> int:
    """Show both hosts' sockets every second until Ctrl-C (or after so many looks); without a terminal, each change."""
    console = Console(highlight=False)
    hint = Text(messages(settings.language).get("cli.say.watch-hint"), style="dim")
    pause = threading.Event()
    before = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(explained(settings, begun=False))
        lookers = stack.enter_context(Lookers(settings, HOSTS))
        live = (
            stack.enter_context(Live(console=console, auto_refresh=False, screen=True)) if console.is_terminal else None
        )
        with contextlib.suppress(KeyboardInterrupt):
            for number in itertools.count():
                now = lookers.rows()
                view = watch_view(now, before, settings.addresses, settings.language)
                if live:
                    live.update(Group(hint, Text(), view), refresh=True)
                elif now != before:
                    console.print(view, Text(), sep="\n")
                before = now
                if looks is not None and number + 1 >= looks:
                    break
                pause.wait(SECONDS)
    return EXIT_PASS
