"""The command `watch`: the article's `watch` of `ss`, on both hosts side by side, what changed marked."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
from typing import Final

from rich.console import ConsoleDimensions, Group
from rich.live import Live

from lab.errors import EXIT_PASS
from lab.hosts.looker import Lookers
from lab.hosts.why import explained
from lab.report.ink import Role, Span, line
from lab.report.style import emit_all, new_console, terminal_width, text
from lab.report.watch import on_screen, watch_lines, watch_width
from lab.settings import HOSTS, Settings
from lab.text.catalog import messages

SECONDS: Final = 1.0


def watch(settings: Settings, *, looks: int | None = None) -> int:
    """Show both hosts' sockets every second until Ctrl-C (or after so many looks); without a terminal, each change."""
    console = new_console()
    hint = line(Span(messages(settings.language).get("cli.say.watch-hint"), Role.DIM))
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
                if live:
                    # The window may have been resized.
                    console.size = ConsoleDimensions(terminal_width(), shutil.get_terminal_size().lines)
                lines = watch_lines(now, before, settings.addresses, settings.language, watch_width(console))
                if live:
                    shown = on_screen([hint, (), *lines], console.width, console.height)
                    live.update(Group(*(text(one, console.encoding) for one in shown)), refresh=True)
                elif now != before:
                    emit_all(console, [*lines, ()])
                before = now
                if looks is not None and number + 1 >= looks:
                    break
                pause.wait(SECONDS)
    return EXIT_PASS
