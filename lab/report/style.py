"""Put a line on a terminal: how wide it is, a style for each role, ASCII where the encoding cannot do better."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.text import Text

from lab.report.ink import Line, Role, for_encoding

WIDEST: Final = 100
NARROWEST: Final = 40
"""What everything is drawn for at the least; a narrower terminal folds the lines."""
_USUAL: Final = 80

STYLES: Final = {
    Role.PLAIN: "",
    Role.TITLE: "bold",
    Role.STRONG: "bold",
    Role.DIM: "dim",
    Role.HOST: "bold cyan",
    Role.COMMAND: "cyan",
    Role.STATE: "bold green",
    Role.INFERRED: "yellow",
    Role.NEW: "green",
    Role.GONE: "red",
    Role.PASS: "bold green",
    Role.FAIL: "bold red",
    Role.UNDECIDED: "bold yellow",
    Role.SKIPPED: "dim",
    Role.DIFFERS: "bold red",
    Role.ASK: "bold magenta",
}


def new_console() -> Console:
    """Return the terminal, with the width that it has now: a page is drawn for one, whatever the window does then."""
    return Console(highlight=False, width=terminal_width())


def terminal_width() -> int:
    """Return the cells of a line: COLUMNS, where that is a number above 0, else the terminal's, else 80."""
    width = shutil.get_terminal_size((0, 0)).columns
    for stream in (sys.__stdin__, sys.__stderr__):  # the terminal of `lab run 3 | less`
        if width <= 0 and stream is not None:
            with contextlib.suppress(OSError, ValueError):
                width = os.get_terminal_size(stream.fileno()).columns
    return width if width > 0 else _USUAL


def page_width(console: Console) -> int:
    """Return how wide a page is on this terminal."""
    return max(NARROWEST, min(console.width, WIDEST))


def text(one: Line, encoding: str) -> Text:
    """Return a line as rich text; the last span carries no trailing blanks."""
    shown = Text(no_wrap=True, overflow="ignore", end="")
    for span in one:
        shown.append(for_encoding(span.text, encoding), STYLES[span.role])
    shown.rstrip()
    return shown


def emit(console: Console, one: Line, *, end: str = "\n") -> None:
    """Print a line exactly as it is: never folded, cut, or highlighted."""
    shown = text(one, console.encoding)
    if end != "\n":
        shown.append(" ")
    console.print(shown, end=end, soft_wrap=True, highlight=False, markup=False, emoji=False)


def emit_all(console: Console, lines: Iterable[Line]) -> None:
    """Print several lines."""
    for one in lines:
        emit(console, one)
