"""Lines to type by hand, with the addresses filled in and the terminal each belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lab.exercise import Type
from lab.report.ink import Line, Role, Span, cells, line
from lab.report.words import Words

_NFT: Final = ("table", "add", "delete", "flush", "list", "quit")
"""What a line begins with that is typed into `nft -i`, and not into the shell."""
_KEYS: Final = {"^C": "Ctrl-C", "^D": "Ctrl-D", "^Z": "Ctrl-Z", "": "Enter"}


@dataclass(frozen=True, slots=True)
class Typed:
    """A line for a terminal: `prompt` is `$` (root: `#`) before a command, `>` before a program's input, or blank."""

    terminal: str
    prompt: str
    text: str

    @property
    def label(self) -> str:
        """The terminal and its prompt: `server$`, `client>`."""
        return f"{self.terminal}{self.prompt}"


def typed(lines: Sequence[Type], words: Words) -> tuple[Typed, ...]:
    """Return the lines of a step as a person types them."""
    return tuple(_typed(one, words) for one in lines)


def beside(start: Line, text: str, margin: int, width: int) -> Iterator[Line]:
    """Yield a line to type behind its start, or below it where it finds no room; it stays whole at any width.

    A terminal folds what is too long without a line break, so that it is copied as the one line that it is.
    """
    command = Span(text, Role.COMMAND)
    if cells((*start, command)) <= width:
        yield (*start, command)
    else:
        yield start
        yield line(" " * margin, command)


def _typed(one: Type, words: Words) -> Typed:
    terminal = words.lab(f"terminal.{one.terminal}")
    if one.line in _KEYS:
        return Typed(terminal, "", _KEYS[one.line])
    if one.terminal == "croot" and one.line.partition(" ")[0] in _NFT:
        return Typed(terminal, " nft>", words.filled(one.line))
    if one.terminal in ("root", "croot"):
        return Typed(terminal, "#", words.filled(one.line))
    # Every command of the lab has arguments; a single word is said to the program that runs there.
    return Typed(terminal, "$" if " " in one.line else ">", words.filled(one.line))
