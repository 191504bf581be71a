"""Put a line on a terminal: a style for each role, ASCII where the encoding cannot do better."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from lab.report.ink import Line, Role, for_encoding

WIDEST: Final = 100
NARROWEST: Final = 60

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


class Drawn:
    """Something rich can print: lines drawn for the width there is."""

    def __init__(self, draw: Callable[[int], Iterable[Line]], widest: int = WIDEST) -> None:
        self._draw = draw
        self._widest = widest

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(NARROWEST, min(options.max_width, self._widest))
        for one in self._draw(width):
            yield from text(one, console.encoding).render(console, end="\n")
